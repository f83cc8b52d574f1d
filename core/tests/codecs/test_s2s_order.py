"""What a codec of a speech-to-speech model sends goes out, and is made, in the order of the calls."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Message, Request, S2SAnswer, WebSocketS2S
from beluga_voice.contracts import S2SSetup, s2s
from beluga_voice.contracts.llm import AssistantMessage, CallerMessage
from beluga_voice.testing import Caller, MemoryServer


class BracketS2S(WebSocketS2S[None]):
    """Brackets what the caller says."""

    awaits_ready = False

    def begin(self) -> None:
        self.speaking = False

    def request(self) -> Request:
        return Request("wss://acme.example")

    def encode_setup(self, setup: S2SSetup) -> Iterable[Message]:
        yield "setup"

    def encode(self, frame: AudioFrame) -> Message | tuple[Message, ...]:
        if self.speaking:
            return "audio"
        self.speaking = True
        return "begin", "audio"

    def decode(self, message: Message) -> Iterable[S2SAnswer]:
        yield s2s.ErrorReported(str(message))

    def encode_respond(self, request: int, instructions: str) -> Iterable[Message]:
        if self.speaking:
            self.speaking = False
            yield "end"
        yield f"respond {request}"

    def encode_cancel(self, response: str) -> Iterable[Message]:
        return ()

    def encode_message(self, message: CallerMessage | AssistantMessage) -> Iterable[Message]:
        return [message.text]


async def test_a_command_is_encoded_after_the_audio_before_it_and_a_frame_may_be_several_messages() -> None:
    async def serve(caller: Caller) -> None:
        while await caller.receive() != "respond 2":
            pass
        await caller.send("done")

    model = BracketS2S(None)
    model.connector = server = MemoryServer(serve)
    async with model:
        stream = await model.open_stream(S2SSetup())
        for _ in range(2):
            await stream.send(AudioFrame(np.zeros(480, np.int16), 24000))
        await stream.add(CallerMessage("please"))
        await stream.respond(1)
        await stream.respond(2)
        while await stream.receive() != s2s.ErrorReported("done"):
            pass
        await stream.aclose()
    assert server.callers[0].sent == [
        *("setup", "begin", "audio", "audio", "please", "end", "respond 1", "respond 2")
    ]
