"""What a simulated voice sounds like: a buzz as long as the words, or a local engine's speech."""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import Resampler
from beluga_voice.contracts import TTS, SpeechOptions, Word
from beluga_voice_simulators.hearing import spread

PIECE = 0.1
"""Seconds of audio that a voice gives at a time."""

LETTER = 0.06
"""Seconds that the buzz takes for a letter: about 150 English words a minute."""


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of speech, int16 at the rate asked for, and the words that end in it, in seconds of the text."""

    samples: NDArray[np.int16]
    words: tuple[Word, ...] = ()


class Voice(ABC):
    """Speaks texts, for all connections of a simulator."""

    async def open(self) -> None:
        """Load what it needs."""

    async def aclose(self) -> None:
        """Let go of it. Idempotent."""

    @abstractmethod
    def speak(
        self, text: str, rate: int, *, voice: str = "", speed: float = 1.0
    ) -> AsyncGenerator[Said, None]:
        """Yield `text` as speech at `rate` Hz, piece by piece; nothing for a text without letters."""


class BuzzVoice(Voice):
    """Buzzes for as long as the words would take; each voice has a pitch of its own."""

    async def speak(
        self, text: str, rate: int, *, voice: str = "", speed: float = 1.0
    ) -> AsyncGenerator[Said, None]:
        duration = LETTER * len(re.findall(r"\w", text)) / speed
        words = list(spread(text, 0.0, duration)) if duration else []
        pitch = 80.0 + zlib.crc32(voice.encode()) % 160
        total, step, done = round(duration * rate), round(PIECE * rate), 0
        while done < total:
            count = min(step, total - done)
            until = (done + count) / rate if done + count < total else float("inf")
            given = tuple(word for word in words if word.end <= until)
            words = words[len(given) :]
            yield Said(_buzz(pitch, done, count, rate), given)
            done += count


def _buzz(pitch: float, start: int, count: int, rate: int) -> NDArray[np.int16]:
    """Make samples `start` to `start + count` of harmonics that rise and fall four times a second."""
    t = np.arange(start, start + count) / rate
    wave = sum(np.sin(2 * np.pi * pitch * n * t) / n for n in range(1, 6))
    loud = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * t)
    scaled: NDArray[np.int16] = np.rint(0.15 * 32767 * loud * wave).astype(np.int16)
    return scaled


class EngineVoice(Voice):
    """Speaks by a synthesiser of beluga-voice's, such as espeak; all names of voices sound the same.

    Args:
        tts: not yet open.
    """

    def __init__(self, tts: TTS) -> None:
        self._tts = tts

    async def open(self) -> None:
        await self._tts.open()

    async def aclose(self) -> None:
        await self._tts.aclose()

    async def speak(
        self,
        text: str,
        rate: int,
        *,
        voice: str = "",  # noqa: ARG002 - a vendor's name says nothing to the engine
        speed: float = 1.0,
    ) -> AsyncGenerator[Said, None]:
        resampler = Resampler(self._tts.sample_rate, rate)
        options = SpeechOptions(speed=speed if "speed" in self._tts.honours else None)
        stream = await self._tts.open_stream()
        try:
            async with aclosing(stream.synthesize(text, options)) as speech:
                async for part in speech:
                    yield Said(resampler.process(part.frame.samples), part.words)
            yield Said(resampler.flush())
        finally:
            await stream.aclose()
