"""A session with the fakes around it, and what it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedAgent, ScriptedSTT, ScriptedTTS
from beluga_voice.turns import TurnPolicy

E = TypeVar("E", bound=ev.Event)


class Rig:
    """A session, its fakes, and all events it told. Parts are those of `VoiceSession`, or settings."""

    def __init__(self, **parts: Any) -> None:
        self.stt: Any = parts.pop("stt", None) or ScriptedSTT(parts.pop("hears", ["hello there"]))
        self.tts: Any = parts.pop("tts", None) or ScriptedTTS()
        self.vad: Any = parts.pop("vad") if "vad" in parts else AmplitudeVAD()
        self.agent: Any = parts.pop("agent") if "agent" in parts else ScriptedAgent()
        self.line: Any = parts.pop("line") if "line" in parts else LoopbackTransport()
        self.events: list[ev.Event] = []
        self.states: list[ev.SessionState] = []
        config = SessionConfig(**parts.pop("config", {}))
        self.session = VoiceSession(
            stt=self.stt,
            tts=self.tts,
            vad=self.vad,
            agent=self.agent,
            transport=self.line,
            config=config,
            turns=TurnPolicy(**parts.pop("turns", {})),
            **parts,
        )
        self.session.on_event(self.events.append)
        self.session.on_state_changed(self.states.append)

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def sent(self) -> np.ndarray:
        """All samples that the STT's streams have accepted, in order."""
        frames = [frame.samples for stream in self.stt.streams for frame in stream.frames]
        return np.concatenate([np.zeros(0, np.int16), *frames])

    def check_nothing_is_left(self) -> None:
        """Nothing of an ended session runs, is open, or goes on telling."""
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if name.startswith("beluga-voice")]
        for provider in (self.stt, self.tts, self.vad):
            assert all(stream.closed for stream in getattr(provider, "streams", ()))
        assert self.line is None or self.line.closed
        assert self.session.state is ev.SessionState.ENDED
        assert isinstance(self.events[-1], ev.SessionEnded)
        assert len(self.of(ev.SessionEnded)) == 1


@asynccontextmanager
async def _running(**parts: Any) -> AsyncIterator[Rig]:
    rig = Rig(**parts)
    if isinstance(rig.vad, AmplitudeVAD):
        await rig.vad.open()
    async with rig.session:
        yield rig


@pytest.fixture
def make() -> Callable[..., Rig]:
    """Make a rig whose session is not started."""
    return Rig


@pytest.fixture
def running() -> Callable[..., AbstractAsyncContextManager[Rig]]:
    """Run a rig's session for the length of a context."""
    return _running
