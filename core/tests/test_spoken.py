"""What was heard of a text, by what was heard of its spoken form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.playout import Ledger
from beluga_voice.spoken import Alignment
from beluga_voice.words import Word


@pytest.mark.parametrize(
    ("written", "spoken", "heard", "means"),
    [
        ("**Total:** two", "Total: two", "Total:", "**Total:**"),
        ("see [our site](https://acme.com/x), or not", "see our site, or not", "see our", "see [our"),
        (
            "see [our site](https://acme.com/x), or not",
            "see our site, or not",
            "see our site,",
            "see [our site](https://acme.com/x),",
        ),
        ("at https://acme.com/x today", "at link today", "at link", "at https://acme.com/x"),
        ("at https://acme.com/x today", "at acme.com today", "at acme.com", "at https://acme.com/x"),
        ("**你好**,世界", "你好,世界", "你好", "**你好**,"),
        ("a 😀 b", "a  b", "a", "a"),
        ("all", "all", "", ""),
    ],
)
def test_words_that_both_have_stand_for_each_other(written: str, spoken: str, heard: str, means: str) -> None:
    assert written[: Alignment(written, spoken).written_until(len(heard))] == means


@given(st.text(max_size=60), st.text(max_size=60))
def test_more_heard_never_means_less(written: str, spoken: str) -> None:
    aligned = Alignment(written, spoken)
    ends = [aligned.written_until(count) for count in range(len(spoken) + 1)]
    assert ends == sorted(ends)
    assert 0 <= ends[0] <= ends[-1] <= len(written)


def test_texts_that_are_too_long_to_compare_count_as_one() -> None:
    assert Alignment("word " * 100_000, "words " * 100_000).written_until(1000) == 0


def test_the_ledger_tells_what_was_written_and_knows_what_was_spoken() -> None:
    ledger = Ledger(100)
    ledger.begin("**Go** to https://acme.com/x now. ", "Go to link now. ")
    ledger.add(400, [Word(w, i, i + 1) for i, w in enumerate(("Go", "to", "link", "now."))])
    ledger.hear(270)
    assert ledger.heard() == "**Go** to https://acme.com/x"
    assert ledger.unheard() == "now."
    assert ledger.heard_lately(9).split() == ["Go", "to", "link"]
    ledger.end()
    ledger.hear(130)
    assert ledger.heard() == "**Go** to https://acme.com/x now."


def test_a_question_is_one_whatever_is_written_around_it() -> None:
    ledger = Ledger(100)
    ledger.begin("**Really?** ", "Really? ")
    ledger.add(100)
    ledger.begin("🙂", "")
    ledger.hear(100)
    assert ledger.asks()
