"""What callers and agents say commands no terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice import events as ev
from beluga_voice.cli.printable import on_one_line, printable


@pytest.mark.parametrize("text", ["naïve café", "数\t字\n", "👩‍👩‍👧", "שלום"])
def test_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("text", ["\x1b", "\x00", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"])
def test_what_a_terminal_obeys_or_cannot_be_given_is_replaced(text: str) -> None:
    assert printable(f"a{text}b") == "a\ufffdb"


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_can_be_encoded_and_holds_no_escape(text: str) -> None:
    safe = printable(text)
    safe.encode("utf-8")
    assert len(safe) == len(text)
    assert not {"\x1b", "\x9b", "\r", "\x07", "\x08"} & set(safe)


def test_the_texts_of_an_event_are_put_on_one_line_and_its_names_are_kept() -> None:
    event = ev.UtteranceEnded(1.0, 7, ev.Source.REPLY, ev.Outcome.CUT, heard="one\r\n two\x1b[2J")
    shown = on_one_line(event)
    assert shown.heard == "one two\ufffd[2J"
    assert (shown.at, shown.utterance, shown.outcome) == (1.0, 7, ev.Outcome.CUT)
    assert type(shown.outcome) is ev.Outcome
    without = ev.PlayoutStarted(1.0, 7)
    assert on_one_line(without) is without
