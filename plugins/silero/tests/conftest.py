"""What Silero's tests listen to, and how they listen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice_silero.network import Network
from beluga_voice_silero.vad import SileroVAD
from beluga_voice_silero.weights import load_weights

MODEL = Path(__file__).parents[1] / "src" / "beluga_voice_silero" / "model" / "silero_vad_16k_op15.onnx"


class Scores:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []
        self.probabilities: list[float] = []

    def __call__(self, start: int, end: int, probability: float) -> None:
        self.spans.append((start, end))
        self.probabilities.append(probability)


VOWELS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
"""Formants of men's vowels in Hz (Peterson and Barney, 1952)."""


class Ears:
    """Audio to listen to, and ways to cut it up."""

    def speech(self, seconds: float, seed: int = 7) -> NDArray[np.int16]:
        """Make a voice that Silero takes for speech: 0.1 s of faint noise, then syllables without a pause."""
        rng = np.random.default_rng(seed)
        sound = [np.zeros(1600)]
        while sum(map(len, sound)) < seconds * 16000:
            sound += [self._consonant(rng), self._diphthong(rng)]
        whole = np.concatenate(sound)[: round(seconds * 16000)]
        return (6000 * whole + rng.normal(0, 8, len(whole))).astype(np.int16)

    def noise(self, seconds: float, level: float, seed: int = 3) -> NDArray[np.int16]:
        """Make white noise of a standard deviation of `level`."""
        sound = np.random.default_rng(seed).normal(0, level, round(seconds * 16000))
        return sound.clip(-32768, 32767).astype(np.int16)

    def _consonant(self, rng: np.random.Generator) -> NDArray[np.float64]:
        return 0.06 * np.diff(rng.normal(size=800), prepend=0) * np.hanning(800)

    def _diphthong(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Make a falling, slightly unsteady pitch through three resonances that glide from vowel to vowel."""
        size = int(rng.uniform(2600, 4200))
        time = np.linspace(0, 1, size)
        pitch = rng.uniform(110, 150) * (1.1 - 0.25 * time) * (1 + np.cumsum(rng.normal(0, 5e-4, size)))
        phase = 2 * np.pi * np.cumsum(pitch) / 16000
        first, last = (VOWELS[vowel] for vowel in rng.choice(list(VOWELS), 2, replace=False))
        formants = [np.interp(time, [0.3, 0.7], ends) for ends in zip(first, last, strict=True)]
        voice = 0.02 * rng.normal(size=size)
        for harmonic in range(1, 36):
            gain = np.full(size, 1 / harmonic)
            for formant, width in zip(formants, (60, 90, 120), strict=True):
                frequency = harmonic * pitch
                gain *= formant**2 / np.hypot(formant**2 - frequency**2, width * frequency)
            voice += gain * np.sin(harmonic * phase)
        return voice / np.abs(voice).max() * np.clip(np.minimum(time / 0.15, (1 - time) / 0.2), 0, 1)

    def frames(
        self, samples: NDArray[np.int16], sizes: Iterable[int] | int = 320, position: int = 0
    ) -> Iterator[AudioFrame]:
        """Cut audio into frames of one size, or of these sizes one after the other and then the rest."""
        start = 0
        steps = iter(sizes) if not isinstance(sizes, int) else None
        while start < len(samples):
            size = sizes if isinstance(sizes, int) else next(steps or iter(()), len(samples))
            yield AudioFrame(samples[start : start + size], 16000, position + start)
            start += size

    async def score(
        self, samples: NDArray[np.int16], sizes: Iterable[int] | int = 320, position: int = 0
    ) -> Scores:
        """Score audio by a detector of its own."""
        scores = Scores()
        async with SileroVAD() as vad:
            stream = vad.open_stream(scores)
            for frame in self.frames(samples, sizes, position):
                stream.feed(frame)
            await asyncio.sleep(0)
        return scores


@pytest.fixture(scope="session")
def ears() -> Ears:
    return Ears()


@pytest.fixture
def scores() -> Scores:
    return Scores()


@pytest.fixture
def network() -> Network:
    return Network(load_weights(MODEL))
