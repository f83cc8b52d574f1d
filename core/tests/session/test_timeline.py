"""From positions in audio to times, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.session.timeline import SLACK, SentAudio, Timeline

RATE = 16000
FRAME = 320


def test_a_steady_line_maps_positions_to_when_they_were_said() -> None:
    timeline = Timeline(RATE)
    for number in range(1, 100):
        timeline.arrived(number * FRAME, 5.0 + number * 0.02)
    assert timeline.at(0) == pytest.approx(5.0)
    assert timeline.at(RATE) == pytest.approx(6.0)


def test_late_frames_move_it_little_and_early_ones_at_once() -> None:
    timeline = Timeline(RATE)
    timeline.arrived(FRAME, 0.02)
    timeline.arrived(2 * FRAME, 0.04 + 0.15)
    assert timeline.at(0) == pytest.approx(0.0, abs=0.001)
    timeline.arrived(3 * FRAME, 0.06 - 0.01)
    assert timeline.at(0) == pytest.approx(-0.01)


def test_a_line_that_was_silent_goes_on_from_now() -> None:
    timeline = Timeline(RATE)
    timeline.arrived(FRAME, 0.02)
    timeline.arrived(2 * FRAME, 10.0)
    assert timeline.at(2 * FRAME) == pytest.approx(10.0)


def test_it_follows_a_slow_clock() -> None:
    timeline = Timeline(RATE)
    for number in range(1, 50_000):
        timeline.arrived(number * FRAME, number * 0.02 * 1.0002)
    assert timeline.at(number * FRAME) == pytest.approx(number * 0.02 * 1.0002, abs=0.01)


@given(st.lists(st.floats(0, SLACK / 2), min_size=1, max_size=200))
def test_jitter_never_moves_it_beyond_itself(delays: list[float]) -> None:
    timeline = Timeline(RATE)
    for number, delay in enumerate(delays, 1):
        now = number * 0.02 + delay
        timeline.arrived(number * FRAME, now)
        assert -1e-9 <= timeline.at(0) <= max(delays) + 1e-9
        assert timeline.at(number * FRAME) <= now + 1e-9


SPANS = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), min_size=1, max_size=60)


@given(SPANS)
def test_each_sent_sample_is_found_where_it_was_said(spans: list[tuple[int, int]]) -> None:
    sent, position, count = SentAudio(RATE), 0, 0
    expected = []
    for number, (gap, samples) in enumerate(spans):
        position += gap
        jumped = sent.add(position, samples)
        assert jumped is (gap > 0 or number == 0)
        expected += [(count, position), (count + samples - 1, position + samples - 1)]
        count, position = count + samples, position + samples
    for sample, where in expected:
        assert sent.position(sample / RATE) == where
    assert sent.position(count / RATE) == position


def test_the_end_of_a_word_at_a_gap_stands_before_the_gap() -> None:
    sent = SentAudio(RATE)
    sent.add(1000, 500)
    sent.add(9000, 500)
    assert sent.position(500 / RATE, end=True) == 1500
    assert sent.position(500 / RATE) == 9000


def test_before_anything_was_sent_times_are_positions() -> None:
    assert SentAudio(RATE).position(0.5) == 8000
