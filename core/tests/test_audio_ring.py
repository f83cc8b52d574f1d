"""The ring buffer against a list that forgets nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.audio import RingBuffer
from beluga_voice.errors import ConfigurationError


@given(
    capacity=st.integers(1, 40),
    lengths=st.lists(st.integers(0, 90), max_size=12),
    start=st.integers(-5, 400),
    length=st.integers(-5, 100),
)
def test_reads_what_a_plain_list_holds_of_the_last_samples(
    capacity: int, lengths: list[int], start: int, length: int
) -> None:
    ring = RingBuffer(capacity)
    model: list[int] = []
    for count in lengths:
        block = list(range(len(model), len(model) + count))
        ring.write(np.array(block, np.int16))
        model += block
    held_from = max(0, len(model) - capacity)
    assert (ring.start, ring.end) == (held_from, len(model))
    assert ring.read(start, start + length).tolist() == model[max(start, held_from) : max(0, start + length)]


def test_what_was_read_stays_when_the_buffer_goes_on() -> None:
    ring = RingBuffer(4)
    ring.write(np.array([1, 2, 3], np.int16))
    read = ring.read(0, 3)
    ring.write(np.array([4, 5, 6, 7], np.int16))
    assert read.tolist() == [1, 2, 3]


def test_what_was_written_may_change_afterwards() -> None:
    ring = RingBuffer(4)
    block = np.array([1, 2, 3], np.int16)
    ring.write(block)
    block[:] = 0
    assert ring.read(0, 3).tolist() == [1, 2, 3]


def test_positions_hold_over_many_turns_of_the_buffer() -> None:
    ring = RingBuffer(16000)
    frame = np.arange(320, dtype=np.int16)
    for _ in range(1800):
        ring.write(frame)
    assert ring.end == 1800 * 320
    assert ring.read(ring.end - 640, ring.end).tolist() == [*range(320), *range(320)]


def test_refuses_to_hold_nothing() -> None:
    with pytest.raises(ConfigurationError, match="a ring buffer of 0 samples; allowed is 1 and more"):
        RingBuffer(0)


@given(
    capacity=st.integers(1, 20),
    wanted=st.integers(1, 60),
    before=st.integers(0, 50),
    after=st.integers(0, 70),
)
def test_a_ring_that_grows_keeps_what_it_held_and_its_positions(
    capacity: int, wanted: int, before: int, after: int
) -> None:
    ring = RingBuffer(capacity)
    ring.write(np.arange(before, dtype=np.int16))
    held_from = ring.start
    ring.grow(wanted)
    assert ring.capacity == max(capacity, wanted)
    assert (ring.start, ring.end) == (held_from, before)
    ring.write(np.arange(before, before + after, dtype=np.int16))
    oldest = max(held_from, before + after - ring.capacity)
    assert (ring.start, ring.end) == (oldest, before + after)
    assert ring.read(0, ring.end).tolist() == list(range(oldest, ring.end))
