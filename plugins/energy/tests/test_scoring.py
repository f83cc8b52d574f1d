"""The noise floor and the formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice_energy.scoring import BLOCKS, SMOOTHING, NoiseFloor, Scorer

powers = st.floats(0, 1)


def scorer(windows: int = 80, margin: float = 9.0, slope: float = 0.6, quietest: float = -60.0) -> Scorer:
    return Scorer(windows, margin, slope, quietest)


@given(st.lists(powers, min_size=1, max_size=300), st.integers(1, 40))
def test_the_floor_is_the_lowest_smoothed_power_that_is_remembered(
    history: list[float], windows: int
) -> None:
    floor = NoiseFloor(windows)
    smoothed: list[float] = []
    block = math.ceil(windows / BLOCKS)
    for number, power in enumerate(history):
        past = smoothed[-1] if smoothed else power
        smoothed.append(SMOOTHING * past + (1 - SMOOTHING) * power)
        first = max(0, number // block - BLOCKS) * block
        assert floor.update(power) == min(smoothed[first:])


@pytest.mark.parametrize("over", [-3.0, 0.0, 9.0, 15.0])
def test_the_probability_is_the_logistic_of_the_level_over_floor_and_margin(over: float) -> None:
    score = scorer()
    for _ in range(200):
        score.score(1e-4)
    # The window itself moves the smoothed power, and a quieter one the floor.
    smoothed = SMOOTHING * 1e-4 + (1 - SMOOTHING) * 1e-4 * 10 ** (over / 10)
    expected = 10 * math.log10(1e-4 * 10 ** (over / 10) / min(1e-4, smoothed))
    assert score.score(1e-4 * 10 ** (over / 10)) == pytest.approx(1 / (1 + math.exp(-0.6 * (expected - 9.0))))


@given(st.lists(powers, max_size=100))
def test_the_probability_is_one_whatever_comes(history: list[float]) -> None:
    score = scorer(slope=2.0, quietest=-90.0)
    assert all(0 <= score.score(power) <= 1 for power in [0.0, *history])


def test_a_rising_background_is_speech_until_it_is_all_that_is_remembered() -> None:
    score = scorer(windows=80)
    for _ in range(100):
        score.score(1e-5)
    scores = np.array([score.score(1e-3) for _ in range(120)])
    adapted = int(np.argmax(scores < 0.1))
    assert scores[: adapted - 1].min() > 0.9
    assert 80 <= adapted <= 80 + 80 // BLOCKS
    assert scores[adapted:].max() < 0.1


def test_a_falling_background_is_followed_at_once() -> None:
    score = scorer()
    for _ in range(100):
        score.score(1e-2)
    for _ in range(20):
        assert score.score(1e-5) < 0.1
    assert score.score(1e-3) > 0.9
