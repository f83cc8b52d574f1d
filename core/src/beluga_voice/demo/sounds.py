"""The sounds that the caller of the demonstration makes: sentences by a synthesiser, and coughs."""

from __future__ import annotations

from contextlib import aclosing

import numpy as np
from numpy.typing import NDArray

from beluga_voice.contracts import TTS
from beluga_voice.demo.script import SPOKEN, Line, Means

COUGH_LEVEL = 12000
"""Peak of a cough, in 16-bit samples: as loud as the voice."""

_FORMANTS = ((700.0, 250.0, 1.0), (1300.0, 300.0, 0.8), (2600.0, 500.0, 0.4))
"""Middle in Hz, width in Hz and weight of what an open throat lets through."""


async def make(tts: TTS, line: Line) -> NDArray[np.int16]:
    """Return the sound of a line, int16 at the TTS's rate."""
    if line.means is Means.COUGH:
        return cough(line.seed, tts.sample_rate)
    silence = np.zeros(round(line.pause * tts.sample_rate), np.int16)
    sound: list[NDArray[np.int16]] = []
    for part in line.parts:
        sound += [silence] if sound else []
        sound.append(_trim(await synthesise(tts, SPOKEN.get(part, part))))
    return np.concatenate(sound)


async def synthesise(tts: TTS, text: str) -> NDArray[np.int16]:
    """Return the audio of `text`, int16 at the TTS's rate."""
    stream = await tts.open_stream()
    try:
        async with aclosing(stream.synthesize(text)) as parts:
            frames = [part.frame.samples async for part in parts]
    finally:
        await stream.aclose()
    return np.concatenate(frames) if frames else np.zeros(0, np.int16)


def cough(seed: int, sample_rate: int) -> NDArray[np.int16]:
    """Draw a cough of one or two bursts of breath, without voice."""
    draw = np.random.default_rng(seed)
    bursts = [_burst(draw, sample_rate) for _ in range(draw.integers(1, 3))]
    return np.concatenate(bursts)


def _burst(draw: np.random.Generator, sample_rate: int) -> NDArray[np.int16]:
    """The throat opens with a bang, then breath rushes through it."""
    duration = draw.uniform(0.27, 0.37)
    count = round(duration * sample_rate)
    t = np.arange(count) / sample_rate
    loudness = np.exp(-t / 0.03) + 0.3 * np.exp(-(((t - 0.45 * duration) / (0.25 * duration)) ** 2))
    spectrum = np.fft.rfft(draw.normal(0, 1, count) * loudness)
    hz = np.fft.rfftfreq(count, 1 / sample_rate)
    throat = 0.05 / (1 + (hz / 1200) ** 2)
    for middle, width, weight in _FORMANTS:
        throat += weight * np.exp(-(((hz - middle) / width) ** 2))
    wave: NDArray[np.float64] = np.fft.irfft(spectrum * throat, count)
    samples: NDArray[np.int16] = np.round(wave * (COUGH_LEVEL / np.abs(wave).max())).astype(np.int16)
    return samples


def _trim(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Leave out the silence at the end, so that pauses are as long as they are asked for."""
    loud = np.flatnonzero(samples)
    return samples[: loud[-1] + 1] if len(loud) else samples
