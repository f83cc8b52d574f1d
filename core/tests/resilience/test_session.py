"""Outages within a session: what the caller notices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from beluga_voice import events as ev
from beluga_voice.contracts import STT, TTS
from beluga_voice.resilience import FallbackSTT, FallbackTTS
from beluga_voice.session import VoiceSession
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
)


class Phone:
    """A session with a caller, and what it told."""

    def __init__(self, stt: STT, tts: TTS, replies: str) -> None:
        self.line = LoopbackTransport()
        self.events: list[ev.Event] = []
        self.vad = AmplitudeVAD()
        self.session = VoiceSession(
            stt=stt, tts=tts, agent=ScriptedAgent(otherwise=replies), vad=self.vad, transport=self.line
        )
        self.session.on_event(self.events.append)

    async def say(self, duration: float = 1.2) -> None:
        """Speak, and then be silent."""
        await self.line.speak(duration)
        await self.line.silence(4.0)

    def switched(self) -> list[tuple[str, str, str]]:
        found = [event for event in self.events if isinstance(event, ev.ProviderSwitched)]
        return [(event.kind, event.old, event.new) for event in found]

    @property
    def history(self) -> list[str]:
        return [message.text.strip() for message in self.session.history]


@asynccontextmanager
async def phone(stt: STT, tts: TTS, replies: str = "Well then.") -> AsyncIterator[Phone]:
    rig = Phone(stt, tts, replies)
    async with stt, tts, rig.vad, rig.session:
        yield rig


async def latency(first: ScriptedSTT) -> tuple[float, Phone]:
    """Return the time from the end of a caller's words to the reply."""
    second = ScriptedSTT(["order seven"])
    both = FallbackSTT([first, second], names=["first", "second"])
    async with phone(both, ScriptedTTS()) as rig:
        await rig.say()
    closed = next(event for event in rig.events if isinstance(event, ev.TurnClosed))
    return closed.at - closed.speech_end, rig


async def test_a_recognizer_that_dies_in_mid_turn_costs_a_second_at_most_and_no_word() -> None:
    well, _ = await latency(ScriptedSTT(["order seven"]))
    for faulty in (ScriptedSTT(fails_after=0.8), ScriptedSTT(hangs=True)):
        late, rig = await latency(faulty)
        assert rig.history == ["order seven", "Well then."]
        assert late - well <= 1.0
        assert rig.switched() == [("stt", "first", "second")]


async def test_a_voice_that_dies_in_mid_sentence_is_followed_by_the_next_with_the_rest() -> None:
    first = ScriptedTTS(word_timestamps=True, fails_after=5)
    second = ScriptedTTS(word_timestamps=True)
    both = FallbackTTS([first, second], names=["first", "second"])
    async with phone(ScriptedSTT(["hello"]), both, "one two three four five six") as rig:
        await rig.say()
    assert rig.history == ["hello", "one two three four five six"]
    assert rig.switched() == [("tts", "first", "second")]
    assert second.texts == ["two three four five six"]
    heard = rig.line.heard
    wanted = second.audio_of("one two three four five six")
    start = int(np.flatnonzero(heard)[0])
    assert np.array_equal(heard[start : start + len(wanted) - 10], wanted[:-10])
