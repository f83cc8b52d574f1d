"""Gain and level."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beluga_voice.audio import apply_gain, rms


@pytest.mark.parametrize(
    ("gain", "wanted"),
    [(2.0, [2000, -2000, 32767, -32768]), (0.5, [500, -500, 10000, -10000]), (0.0, [0, 0, 0, 0])],
)
def test_gain_is_rounded_and_saturates(gain: float, wanted: list[int]) -> None:
    samples = np.array([1000, -1000, 20000, -20000], np.int16)
    louder = apply_gain(samples, gain)
    assert louder.tolist() == wanted
    assert louder.dtype == np.int16
    assert samples.tolist() == [1000, -1000, 20000, -20000]


def test_a_gain_of_one_copies_nothing() -> None:
    samples = np.arange(5, dtype=np.int16)
    assert apply_gain(samples, 1) is samples


def test_rms_of_a_full_scale_square_wave_is_one() -> None:
    assert rms(np.full(320, -32768, np.int16)) == 1.0


def test_rms_of_a_sine_is_three_decibels_below_its_peak() -> None:
    sine = np.rint(16384 * np.sin(np.arange(1600) * 2 * math.pi / 16)).astype(np.int16)
    assert rms(sine) == pytest.approx(0.5 / math.sqrt(2), abs=1e-4)


def test_rms_of_nothing_and_of_silence_is_zero() -> None:
    assert rms(np.empty(0, np.int16)) == 0.0
    assert rms(np.zeros(320, np.int16)) == 0.0
