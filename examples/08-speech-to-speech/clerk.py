"""A clerk over a speech-to-speech model. It runs offline: the model is scripted, and so is the caller.

With a vendor's plugin the same agent serves real calls: ``s2s = "provider:model"`` in beluga.toml.
"""

from __future__ import annotations

from beluga_voice import Agent, VoiceSession
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedS2S, run_virtual, tool_call

clerk = Agent("You answer calls for Acme. Be brief.", greeting="Acme, hello.")


@clerk.tool
async def order_status(order: str) -> str:
    """Status of an order. `order` is the number on the invoice."""
    return "shipped on Monday" if order == "7" else "unknown"


def model() -> ScriptedS2S:
    """What a vendor's model would do: hear the question, ask for the tool, answer, and be interrupted."""
    return ScriptedS2S(
        answers=[
            ("Let me look.", tool_call("order_status", id="call-1", order="7")),
            "Your order was shipped on Monday and should be with you by the end of this week",
            "You are welcome.",
        ],
        hears=["Where is order seven?", "That will do, thank you."],
    )


async def call() -> VoiceSession:
    """Let a caller ask, and cut the answer short."""
    line, vad = LoopbackTransport(), AmplitudeVAD()
    session = VoiceSession(s2s=model(), vad=vad, agent=clerk, transport=line)
    async with vad, session:
        await line.silence(1.5)
        await line.speak(1.2)
        await line.silence(4.0)
        await line.speak(1.5)
        await line.silence(3.0)
    return session


if __name__ == "__main__":
    for message in run_virtual(call()).history:
        print(f"{message.role}: {message.text}{' --' if message.interrupted else ''}")
