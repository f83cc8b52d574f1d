"""Synthesised audio for tests: mono int16, the same at every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

FULL_SCALE = 32767


def silence(duration: float, sample_rate: int = 16000) -> NDArray[np.int16]:
    """Make `duration` seconds of zeros."""
    return np.zeros(round(duration * sample_rate), np.int16)


def tone(
    duration: float, sample_rate: int = 16000, *, frequency: float = 440.0, level: float = 0.3
) -> NDArray[np.int16]:
    """Make a sine wave.

    Args:
        duration: seconds.
        sample_rate: Hz.
        frequency: Hz.
        level: peak, where 1 is full scale.
    """
    return _int16(level * np.sin(2 * np.pi * frequency * _times(duration, sample_rate)))


def noise(
    duration: float, sample_rate: int = 16000, *, seed: int = 0, level: float = 0.3
) -> NDArray[np.int16]:
    """Make white noise between ``-level`` and ``level`` of full scale, drawn from `seed`."""
    draw = np.random.default_rng(seed)
    return _int16(draw.uniform(-level, level, round(duration * sample_rate)))


def speech_like(
    duration: float, sample_rate: int = 16000, *, pitch: float = 120.0, level: float = 0.3
) -> NDArray[np.int16]:
    """Make a buzz that rises and falls four times a second, as syllables do, and never falls silent.

    Harmonics of `pitch` below 4 kHz, each weaker in proportion to its number. It has the loudness of speech
    for what measures loudness; a model of speech need not take it for speech.

    Args:
        duration: seconds.
        sample_rate: Hz.
        pitch: fundamental in Hz.
        level: highest possible peak, where 1 is full scale.
    """
    t = _times(duration, sample_rate)
    numbers = np.arange(1, max(2, int(min(4000.0, sample_rate / 2) / pitch)))
    buzz = np.sin(2 * np.pi * pitch * np.outer(t, numbers)) @ (1 / numbers) / (1 / numbers).sum()
    syllables = 0.65 - 0.35 * np.cos(2 * np.pi * 4 * t)
    return _int16(level * buzz * syllables)


def frames(
    samples: NDArray[np.int16], sample_rate: int = 16000, *, duration: float = 0.02, position: int = 0
) -> Iterator[AudioFrame]:
    """Cut `samples` into frames of `duration` seconds, the last one shorter if need be.

    Args:
        samples: int16, shape ``(n,)``.
        sample_rate: Hz.
        duration: seconds of each frame.
        position: of the first sample in its stream.
    """
    size = round(duration * sample_rate)
    sizes = (size for _ in range(0, len(samples), size))
    return split(samples, sizes, sample_rate, position=position)


def split(
    samples: NDArray[np.int16], sizes: Iterable[int], sample_rate: int = 16000, *, position: int = 0
) -> Iterator[AudioFrame]:
    """Cut `samples` into frames of `sizes` samples each, until either has come to its end."""
    start = 0
    for size in sizes:
        if start >= len(samples):
            return
        yield AudioFrame(samples[start : start + size], sample_rate, position + start)
        start += size


def peak(samples: NDArray[np.int16]) -> float:
    """Return the loudest sample's magnitude, where 1 is full scale; 0 for no samples."""
    return float(np.abs(samples.astype(np.int32)).max(initial=0)) / (FULL_SCALE + 1)


def _times(duration: float, sample_rate: int) -> NDArray[np.float64]:
    return np.arange(round(duration * sample_rate)) / sample_rate


def _int16(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.round(np.clip(wave, -1, 1) * FULL_SCALE).astype(np.int16)
