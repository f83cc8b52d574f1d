"""Synthesised audio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.testing import sounds


@pytest.mark.parametrize("make", [sounds.silence, sounds.tone, sounds.noise, sounds.speech_like])
@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_sounds_are_int16_of_the_duration_and_the_same_at_every_call(make, rate) -> None:  # type: ignore[no-untyped-def]
    samples = make(0.5, rate)
    assert samples.dtype == np.int16
    assert samples.shape == (rate // 2,)
    assert np.array_equal(samples, make(0.5, rate))


def test_a_tone_has_its_frequency_and_level() -> None:
    samples = sounds.tone(1.0, 16000, frequency=1000, level=0.5)
    assert int(np.argmax(np.abs(np.fft.rfft(samples)))) == 1000
    assert sounds.peak(samples) == pytest.approx(0.5, abs=0.001)


def test_noise_differs_by_seed() -> None:
    assert not np.array_equal(sounds.noise(0.1, seed=1), sounds.noise(0.1, seed=2))


def test_speech_like_sound_is_audible_in_every_frame_and_swells_four_times_a_second() -> None:
    samples = sounds.speech_like(2.0, 16000, level=0.3)
    loudness = np.array([sounds.peak(frame.samples) for frame in sounds.frames(samples, 16000)])
    assert loudness.min() > 0.03
    assert loudness.max() <= 0.3
    assert int(np.argmax(np.abs(np.fft.rfft(loudness - loudness.mean())))) == 4 * 2


@given(length=st.integers(0, 2000), sizes=st.lists(st.integers(1, 500)))
def test_split_keeps_every_sample_and_counts_positions(length: int, sizes: list[int]) -> None:
    samples = np.arange(length, dtype=np.int16)
    parts = list(sounds.split(samples, sizes, 16000, position=100))
    joined = np.concatenate([samples[:0], *(part.samples for part in parts)])
    assert np.array_equal(joined, samples[: sum(sizes)])
    assert all(part.position == 100 + part.samples[0] for part in parts)


def test_peak_counts_the_lowest_sample_as_full_scale() -> None:
    assert sounds.peak(np.array([-32768], np.int16)) == 1
    assert sounds.peak(np.zeros(0, np.int16)) == 0
