"""A session as an application has it: fakes around it, its states in order, and a caller."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from beluga_voice import SessionState, VoiceSession
from beluga_voice.testing import ScriptedAgent, ScriptedSTT, ScriptedTTS, sounds


class Fed:
    """A session without a line, whose caller is fed by `process_audio`; and every state that it told."""

    def __init__(self, hears: list[str] | None = None, **parts: Any) -> None:
        self.stt = parts.pop("stt", None) or ScriptedSTT(hears or [], ends_after=0.3)
        self.tts = parts.pop("tts", None) or ScriptedTTS()
        agent = parts.pop("agent") if "agent" in parts else ScriptedAgent()
        self.states: list[SessionState] = []
        self.session = VoiceSession(
            stt=self.stt, tts=self.tts, agent=agent, on_state_changed=self.states.append, **parts
        )

    async def speaks(self, duration: float) -> None:
        """The caller speaks, and then is silent for half a second."""
        for samples in (sounds.speech_like(duration), sounds.silence(0.5)):
            for frame in sounds.frames(samples):
                self.session.process_audio(frame)
                await asyncio.sleep(0.02)


@pytest.fixture
def make() -> Callable[..., Fed]:
    """Make a session that is not started."""
    return Fed


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)
