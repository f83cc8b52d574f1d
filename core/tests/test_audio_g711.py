"""G.711 against the standard's own decision values and, where Python still has it, against audioop."""

from __future__ import annotations

import itertools
import warnings
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))


@pytest.fixture
def audioop() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pytest.importorskip("audioop", reason="Python 3.13 has no audioop")


def mulaw_decisions() -> list[int]:
    """The 129 decision values of G.711, table 2: 16 steps a segment, twice as wide in each."""
    widths = [1, *[2] * 15, *(2 << segment for segment in range(1, 8) for _ in range(16))]
    return [0, *itertools.accumulate(widths)]


def alaw_decisions() -> list[int]:
    """The 129 decision values of G.711, table 1, whose first two segments have the same step."""
    widths = [2] * 32 + [2 << segment for segment in range(1, 7) for _ in range(16)]
    return [0, *itertools.accumulate(widths)]


def values_between(decisions: list[int]) -> list[int]:
    """The decoder's values lie half-way between decisions; rounded down, which makes mu-law's first one 0."""
    return [(low + high) // 2 for low, high in itertools.pairwise(decisions)]


def index_of_interval(magnitudes: NDArray[np.int32], decisions: list[int]) -> NDArray[np.intp]:
    return np.searchsorted(decisions[1:-1], magnitudes, side="right")


def test_the_decision_values_end_where_the_standard_says() -> None:
    assert mulaw_decisions()[-1] == 8159
    assert alaw_decisions()[-1] == 4096


def test_mulaw_decodes_to_the_values_of_the_standard() -> None:
    decoded = mulaw_decode(EVERY_CODE) // 4
    assert decoded[0xFF - np.arange(128)].tolist() == values_between(mulaw_decisions())
    assert decoded[0x7F - np.arange(128)].tolist() == [-value for value in values_between(mulaw_decisions())]


def test_alaw_decodes_to_the_values_of_the_standard() -> None:
    decoded = alaw_decode(EVERY_CODE) // 8
    assert decoded[np.arange(128) ^ 0xD5].tolist() == values_between(alaw_decisions())
    assert decoded[np.arange(128) ^ 0x55].tolist() == [-value for value in values_between(alaw_decisions())]


def test_mulaw_encodes_by_the_decision_values_of_the_standard() -> None:
    linear = EVERY_SAMPLE.astype(np.int32) >> 2
    index = index_of_interval(np.abs(linear), mulaw_decisions())
    assert mulaw_encode(EVERY_SAMPLE) == (np.where(linear < 0, 0x7F, 0xFF) - index).astype(np.uint8).tobytes()


def test_alaw_encodes_by_the_decision_values_of_the_standard() -> None:
    linear = EVERY_SAMPLE.astype(np.int32) >> 3
    index = index_of_interval(np.where(linear < 0, -linear - 1, linear), alaw_decisions())
    assert alaw_encode(EVERY_SAMPLE) == (np.where(linear < 0, 0x55, 0xD5) ^ index).astype(np.uint8).tobytes()


def test_every_code_survives_a_round_trip() -> None:
    assert alaw_encode(alaw_decode(EVERY_CODE)) == EVERY_CODE
    # Negative zero, 0x7F, is the one mu-law code that comes back as another: positive zero.
    assert mulaw_encode(mulaw_decode(EVERY_CODE)) == EVERY_CODE.replace(b"\x7f", b"\xff")


def test_equals_audioop(audioop: ModuleType) -> None:
    pcm = EVERY_SAMPLE.astype("<i2").tobytes()
    assert mulaw_encode(EVERY_SAMPLE) == audioop.lin2ulaw(pcm, 2)
    assert alaw_encode(EVERY_SAMPLE) == audioop.lin2alaw(pcm, 2)
    assert mulaw_decode(EVERY_CODE).astype("<i2").tobytes() == audioop.ulaw2lin(EVERY_CODE, 2)
    assert alaw_decode(EVERY_CODE).astype("<i2").tobytes() == audioop.alaw2lin(EVERY_CODE, 2)


def test_encodes_a_view_with_a_stride() -> None:
    stereo = np.array([100, -5, 200, -6], np.int16)
    assert mulaw_encode(stereo[::2]) == mulaw_encode(np.array([100, 200], np.int16))
    assert alaw_encode(stereo[::2]) == alaw_encode(np.array([100, 200], np.int16))
