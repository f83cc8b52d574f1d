from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.connection import EventParser, ServerEvent
from beluga_voice.errors import ProviderError

STREAM = "\ufeff: hello\r\nevent: delta\rdata: one\ndata:two\n\nid: 7\nretry: 3\n\ndata: é\r\n\r\ndata\n\ndata: cut"
EVENTS = [ServerEvent("one\ntwo", "delta"), ServerEvent("é"), ServerEvent("")]


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=12))
def test_events_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    data, parser = STREAM.encode(), EventParser()
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


def test_bytes_that_are_no_text_are_read_with_marks_in_their_place() -> None:
    assert list(EventParser().feed(b"data: \xff\n\n")) == [ServerEvent("�")]


def test_an_event_without_end_is_given_up() -> None:
    parser = EventParser()
    line = b"data: " + b"x" * 10000 + b"\n"
    for _ in range(104):
        assert list(parser.feed(line)) == []
    with pytest.raises(ProviderError, match="given up"):
        list(parser.feed(line))
