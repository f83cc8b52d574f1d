"""Let recorded callers call an agent, as fast as the engines go, and print each turn.

python calls.py CALL.wav ...
"""

from __future__ import annotations

import sys
from pathlib import Path

from beluga_voice import Turn, VoiceContainer, events
from beluga_voice.clock import run_virtual
from beluga_voice_file.settings import FileSettings
from beluga_voice_file.transport import FileTransport


def agent(turn: Turn) -> str:
    return f"You said {turn.text}."


async def call(voice: VoiceContainer, file: Path) -> list[tuple[str, str]]:
    """Return what the caller and the agent said, turn by turn."""
    turns: list[tuple[str, str]] = []
    line = FileTransport(FileSettings(path=file, record=file.with_suffix(".call.wav")))
    session = await voice.get_sessions().open(agent, transport=line)
    happening = session.events()  # from now on: nothing is missed
    async with session:
        async for event in happening:
            match event:
                case events.TurnClosed(text=text):
                    turns.append((text, ""))
                case events.UtteranceEnded(source=events.Source.REPLY, heard=heard):
                    turns[-1] = (turns[-1][0], heard)
    return turns


async def main(files: list[Path]) -> None:
    voice = VoiceContainer()
    async with voice.lifespan():
        for file in files:
            for said, answered in await call(voice, file):
                print(f"{file.name}: {said} -> {answered}")


if __name__ == "__main__":
    run_virtual(main([Path(name) for name in sys.argv[1:]]))  # time is the audio's position, not the wall's
