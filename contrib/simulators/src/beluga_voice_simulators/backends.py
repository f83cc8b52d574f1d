"""What a simulator hears, speaks and thinks with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from beluga_voice.plugins import Plugins
from beluga_voice_simulators.hearing import Ear, EngineEar, ScriptedEar
from beluga_voice_simulators.speaking import BuzzVoice, EngineVoice, Voice
from beluga_voice_simulators.thinking import Mind, PlainMind, ScriptedMind


@dataclass(frozen=True, slots=True)
class Backends:
    """An ear, a voice and a mind; they serve several simulators, and are opened and closed by who made them."""

    ear: Ear = field(default_factory=ScriptedEar)
    voice: Voice = field(default_factory=BuzzVoice)
    mind: Mind = field(default_factory=PlainMind)

    async def open(self) -> None:
        """Open both engines; what was opened is closed if one fails."""
        async with AsyncExitStack() as stack:
            await self.ear.open()
            stack.push_async_callback(self.ear.aclose)
            await self.voice.open()
            stack.pop_all()

    async def aclose(self) -> None:
        """Close both. Idempotent."""
        await self.ear.aclose()
        await self.voice.aclose()


def scripts(hears: Sequence[str] = (), answers: Sequence[str] = ()) -> Backends:
    """Return an ear that hears these lines, or "hello", a buzz, and a model that gives these answers."""
    ear = ScriptedEar(hears) if hears else ScriptedEar()
    return Backends(ear, BuzzVoice(), _mind(answers))


def engines(answers: Sequence[str] = ()) -> Backends:
    """Return pocketsphinx, espeak, and a model that gives these answers.

    Raises:
        PluginError: one of them is not installed.
    """
    plugins = Plugins.discover()
    stt, tts = plugins.stt.create("pocketsphinx"), plugins.tts.create("espeak")
    return Backends(EngineEar(stt), EngineVoice(tts), _mind(answers))


def _mind(answers: Sequence[str]) -> Mind:
    return ScriptedMind(answers) if answers else PlainMind()
