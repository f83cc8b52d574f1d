"""A host application: it takes calls, gives each a session from the container, and keeps what was said.

python host.py CALL.wav ...    each file is a caller; all call at the same time
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from beluga_voice import Message, Sessions, Turn, VoiceContainer
from beluga_voice.contracts import Transport
from beluga_voice_file.settings import FileSettings
from beluga_voice_file.transport import FileTransport


def agent(turn: Turn) -> str:
    return f"You said {turn.text}."


class Desk:
    """Answers calls and remembers them. In a web framework its methods are the routes."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.calls: dict[str, tuple[Message, ...]] = {}

    async def answer(self, caller: str, line: Transport) -> None:
        """Hold one call, until the caller hangs up."""
        async with self.sessions.open(agent, transport=line, session_id=caller) as session:
            await session.wait_ended()
        self.calls[caller] = session.history


async def main(files: list[Path]) -> None:
    voice = VoiceContainer()  # settings from the environment, .env or beluga.toml
    async with voice.lifespan():  # opens the providers once; all calls share them
        desk = Desk(voice.get_sessions())
        async with asyncio.TaskGroup() as calls:
            for file in files:
                line = FileTransport(FileSettings(path=file, trailing_silence=1))
                calls.create_task(desk.answer(file.stem, line))
    for caller, messages in desk.calls.items():
        for message in messages:
            print(f"{caller}: {message.role}: {message.text}")


if __name__ == "__main__":
    asyncio.run(main([Path(name) for name in sys.argv[1:]]))
