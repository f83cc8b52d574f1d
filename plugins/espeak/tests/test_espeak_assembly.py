# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.contracts import Speech, Word
from beluga_voice_espeak.assembly import Assembler, is_spoken
from beluga_voice_espeak.library import WordStart

RATE = 1000


def chunk(pattern: str) -> np.ndarray:
    """Make audio: a dot is a silent sample, anything else a loud one."""
    return np.array([0 if letter == "." else 1000 for letter in pattern], np.int16)


def assemble(text: str, chunks: list[tuple[str, list[WordStart]]], pause: float = 0.0) -> list[Speech]:
    assembler = Assembler(RATE)
    assembler.begin(text)
    parts = [assembler.add(chunk(pattern), starts) for pattern, starts in chunks]
    return [part for part in [*parts, assembler.end(pause)] if part is not None]


def pattern_of(parts: list[Speech]) -> str:
    return "".join("x" if sample else "." for part in parts for sample in part.frame.samples)


def times(parts: list[Speech]) -> list[tuple[str, int, int]]:
    words = [word for part in parts for word in part.words]
    return [(word.text, round(word.start * RATE), round(word.end * RATE)) for word in words]


def test_silence_at_both_ends_is_cut_and_that_between_is_kept() -> None:
    parts = assemble(
        "a b", [("....", []), ("..xx", []), ("....", []), ("x...", []), ("....", [])], pause=0.003
    )
    assert pattern_of(parts) == "xx....x..."
    assert [part.frame.position for part in parts] == [0, 6]


def test_word_times_count_from_the_first_sound() -> None:
    parts = assemble("a b", [("..xx..xx", [WordStart(0, 0), WordStart(2, 6)])])
    assert times(parts) == [("a", 0, 2), ("b", 4, 6)]


def test_a_word_before_the_first_sound_takes_no_time() -> None:
    parts = assemble("a b", [(".xxx", [WordStart(0, 0), WordStart(2, 1)])])
    assert times(parts) == [("a", 0, 0), ("b", 0, 3)]


def test_words_that_the_library_takes_as_one_share_their_time_by_length() -> None:
    parts = assemble("in the end", [("xxxxxxxxxx", [WordStart(0, 0), WordStart(7, 5)])])
    assert times(parts) == [("in", 0, 2), ("the", 2, 5), ("end", 5, 10)]


def test_a_word_begun_twice_is_one() -> None:
    parts = assemble(
        "3.5 m", [("xxxxxx", [WordStart(0, 0), WordStart(1, 2), WordStart(1, 3), WordStart(4, 4)])]
    )
    assert times(parts) == [("3.5", 0, 4), ("m", 4, 6)]


def test_punctuation_alone_is_no_word() -> None:
    assert times(assemble("- a -", [("xxxx", [WordStart(2, 0)])])) == [("a", 0, 4)]


def test_nothing_comes_of_silence() -> None:
    assert assemble("a", [("....", [WordStart(0, 0)]), ("....", [])], pause=1) == []


@pytest.mark.parametrize(
    ("text", "spoken"), [("a", True), ("7", True), ("€", True), ("é", True), ("...", False), ("", False)]
)
def test_tells_what_is_spoken(text: str, spoken: bool) -> None:
    assert is_spoken(text) is spoken


CHUNKS = st.lists(st.text(".x", max_size=6), max_size=8)
PIECES = st.lists(st.tuples(st.sampled_from(["a bc - d", "one", "x y z w"]), CHUNKS, st.data()), max_size=3)


@given(PIECES, st.sampled_from([0.0, 0.002]))
def test_any_audio_keeps_its_order(pieces: list[tuple[str, list[str], st.DataObject]], pause: float) -> None:
    assembler = Assembler(RATE)
    parts: list[Speech | None] = []
    for text, patterns, data in pieces:
        assembler.begin(text)
        seen = 0
        for pattern in patterns:
            places = data.draw(
                st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(0, 6)), max_size=2)
            )
            starts = [WordStart(at, seen + min(late, len(pattern))) for at, late in places]
            parts.append(assembler.add(chunk(pattern), sorted(starts, key=lambda start: start.sample)))
            seen += len(pattern)
        parts.append(assembler.end(pause))
    speech = [part for part in parts if part is not None]
    position = 0
    for part in speech:
        assert part.frame.position == position
        assert len(part.frame) > 0
        position += len(part.frame)
    words = [Word("", 0, 0), *(word for part in speech for word in part.words)]
    assert all(a.end <= b.start <= b.end for a, b in pairwise(words))
    assert words[-1].end <= position / RATE
