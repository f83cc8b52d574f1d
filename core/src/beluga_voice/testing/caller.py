"""A caller of whom a test says what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from beluga_voice.agents import AgentLike
from beluga_voice.container import VoiceContainer
from beluga_voice.plugins import Plugins
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.settings import Settings
from beluga_voice.testing.fakes.stt import ScriptedSTT, ScriptedSTTStream
from beluga_voice.testing.fakes.transport import LoopbackTransport
from beluga_voice.testing.fakes.tts import ScriptedTTS
from beluga_voice.testing.fakes.vad import AmplitudeVAD
from beluga_voice.turns import TurnPolicy

WORD = 0.3
"""Seconds that the caller takes for each word."""


class ScriptedCaller:
    """A caller, and the providers that hear and answer them; a session's audio goes all the way through.

        async with caller.calls(agent) as session:
            await caller.says("what time is it")
            assert session.history[-1].text == "It is noon."

    Attributes:
        line: between caller and session.
        stt: hears what the caller says.
        tts: speaks for the agent; `ScriptedTTS.texts` are what it was given.
        vad: finds the caller's speech.
    """

    def __init__(self) -> None:
        self.line = LoopbackTransport()
        self.stt = _Ears()
        self.tts = ScriptedTTS()
        self.vad = AmplitudeVAD()

    async def says(self, text: str, *, then: float = 5.0) -> None:
        """Say `text`, a word after the other, and be silent for `then` seconds, in which the agent may answer."""
        self.stt.hear(text)
        await self.line.speak(WORD * max(1, len(text.split())))
        await self.line.silence(then)

    async def listens(self, seconds: float) -> None:
        """Be silent."""
        await self.line.silence(seconds)

    def hangs_up(self) -> None:
        """End the call."""
        self.line.hang_up()

    @asynccontextmanager
    async def calls(
        self,
        agent: AgentLike,
        *,
        container: VoiceContainer | None = None,
        config: SessionConfig | None = None,
        turns: TurnPolicy | None = None,
    ) -> AsyncIterator[VoiceSession]:
        """Open a session with `agent`, and end it.

        Args:
            agent: answers.
            container: makes the session; one with this caller's providers by default, and no plugins.
            config: of the session.
            turns: how turns are taken.
        """
        voice = container or fake_container(self)
        async with voice.lifespan():
            opening = voice.get_sessions().open(agent, transport=self.line, config=config, turns=turns)
            async with opening as session:
                yield session


def fake_container(caller: ScriptedCaller, settings: Settings | None = None) -> VoiceContainer:
    """Make a container whose recognizer, voice and detector are the caller's, with no plugin loaded.

    Other providers are turned off; ``container.llm.override(...)`` puts one in.
    """
    voice = VoiceContainer(settings or Settings(turn_detector=None), Plugins())
    for provider, fake in ((voice.stt, caller.stt), (voice.tts, caller.tts), (voice.vad, caller.vad)):
        provider.override(fake)
    return voice


class _Ears(ScriptedSTT):
    """A recognizer whose script grows as the caller speaks."""

    def hear(self, text: str) -> None:
        """Have `text` recognised next."""
        self.transcripts = (*self.transcripts, text)
        for stream in self.streams:
            if isinstance(stream, ScriptedSTTStream):
                stream.append(text)
