"""The ledger of what the caller has heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.playout import CHARACTERS_PER_SECOND, Ledger
from beluga_voice.words import Word

RATE = 1000


def _ledger(*pieces: tuple[str, int]) -> Ledger:
    ledger = Ledger(RATE)
    for text, samples in pieces:
        ledger.begin(text)
        ledger.add(samples)
    ledger.end()
    return ledger


def test_nothing_heard_is_nothing() -> None:
    ledger = _ledger(("One two three.", 900))
    assert (ledger.heard(), ledger.unheard()) == ("", "One two three.")


def test_all_heard_is_the_text_as_written() -> None:
    ledger = _ledger(("One, two;  three… ", 900), ("(Four!)", 100))
    ledger.hear(1000)
    assert (ledger.heard(), ledger.unheard()) == ("One, two;  three… (Four!)", "")


@pytest.mark.parametrize(("samples", "heard"), [(100, ""), (160, "One"), (449, "One"), (451, "One two")])
def test_without_word_times_whole_words_count_by_their_share_of_the_samples(samples: int, heard: str) -> None:
    ledger = _ledger(("One two three.", 900))
    ledger.hear(samples)
    assert ledger.heard() == heard


@pytest.mark.parametrize(
    ("milliseconds", "heard"),
    [(99, ""), (100, "One,"), (249, "One,"), (550, "One, two"), (900, "One, two three")],
)
def test_with_word_times_a_word_counts_once_half_of_it_was_heard(milliseconds: int, heard: str) -> None:
    ledger = Ledger(RATE)
    ledger.begin("One, two three. ")
    ledger.add(1200, [Word("One", 0.0, 0.2), Word("two", 0.5, 0.6), Word("three", 0.6, 1.0)])
    ledger.hear(milliseconds)
    assert ledger.heard().rstrip(".") == heard


def test_times_of_a_word_that_the_text_does_not_hold_are_passed_over() -> None:
    ledger = Ledger(RATE)
    ledger.begin("It costs $5 now")
    ledger.add(
        1000,
        [Word("It", 0, 0.1), Word("costs", 0.1, 0.2), Word("five", 0.2, 0.3), Word("now", 0.5, 0.7)],
    )
    ledger.hear(400)
    assert ledger.heard() == "It costs"
    ledger.hear(300)
    assert ledger.heard() == "It costs $5 now"


def test_times_count_from_the_first_sample_of_their_piece() -> None:
    ledger = Ledger(RATE)
    ledger.begin("One. ")
    ledger.add(500, [Word("One.", 0, 0.5)])
    ledger.begin("Two three.")
    ledger.add(600, [Word("Two", 0, 0.3), Word("three.", 0.3, 0.6)])
    ledger.hear(500 + 200)
    assert (ledger.heard(), ledger.unheard()) == ("One. Two", "three.")


def test_a_piece_whose_audio_still_comes_is_estimated_by_its_letters() -> None:
    ledger = Ledger(RATE)
    text = "aaaa bbbb cccc dddd eeee ffff"
    ledger.begin(text)
    ledger.add(100)
    ledger.hear(100)
    assert ledger.heard() == ""
    ledger.add(900)
    ledger.hear(900)
    assert ledger.heard().split() == text.split()[: round(6 / (len(text) / CHARACTERS_PER_SECOND))]


def test_a_piece_without_audio_is_heard_with_what_follows() -> None:
    ledger = _ledger(("Yes", 300), (" ... ", 0), ("No", 300))
    ledger.hear(300)
    assert ledger.heard() == "Yes"
    ledger.hear(1)
    assert ledger.heard() == "Yes ..."


@pytest.mark.parametrize("text", ["Hm?", 'He asked "why?"', "真的吗？", "هل؟", "(Really?) "])
def test_a_sentence_that_ends_with_a_question_mark_asks(text: str) -> None:
    ledger = _ledger(("So. ", 100), (text, 100), ("Well.", 100))
    ledger.hear(150)
    assert ledger.asks()
    assert not ledger.asks(before=0.1)
    ledger.hear(100)
    assert not ledger.asks()
    assert ledger.asks(before=0.1)


WORDS = st.text(
    st.characters(exclude_categories=("Zs", "Zl", "Zp", "Cc", "Cs")), min_size=1, max_size=8
).filter(lambda word: not any(c.isspace() for c in word))
PIECES = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=8), st.integers(0, 900)), min_size=1, max_size=4
)


@given(PIECES, st.lists(st.integers(0, 500), max_size=12), st.booleans())
def test_heard_grows_word_by_word_and_with_unheard_is_the_text(
    pieces: list[tuple[list[str], int]], steps: list[int], timed: bool
) -> None:
    ledger = Ledger(RATE)
    for words, samples in pieces:
        ledger.begin(" ".join(words) + " ")
        length = samples / RATE / len(words)
        times = [Word(word, i * length, (i + 1) * length) for i, word in enumerate(words)]
        ledger.add(samples, times if timed else ())
    ledger.end()
    before = ""
    for step in [0, *steps, 900 * 4]:
        ledger.hear(step)
        heard = ledger.heard()
        assert ledger.text.startswith(heard)
        assert heard.startswith(before)
        assert (heard + " " + ledger.unheard()).split() == ledger.text.split()
        before = heard
    assert before == ledger.text


@given(PIECES, st.integers(0, 3600))
def test_heard_is_within_one_word_of_the_words_whose_time_has_come(
    pieces: list[tuple[list[str], int]], heard_samples: int
) -> None:
    ledger = Ledger(RATE)
    spoken = 0.0
    start = 0
    for words, samples in pieces:
        ledger.begin(" ".join(words) + " ")
        ledger.add(samples)
        spoken += len(words) * min(1.0, max(0.0, (heard_samples - start) / max(1, samples)))
        start += samples
    ledger.end()
    ledger.hear(heard_samples)
    # Each piece is rounded by itself, and only the one that is being heard is not whole.
    assert abs(len(ledger.heard().split()) - spoken) <= 1 + sum(not samples for _, samples in pieces) * 8


def test_what_was_heard_lately_is_what_the_last_seconds_held() -> None:
    ledger = Ledger(RATE)
    ledger.begin("One two three four. ")
    ledger.add(4000, [Word(text, at, at + 1) for at, text in enumerate(("One", "two", "three", "four"))])
    ledger.begin("Five six.")
    ledger.add(2000, [Word("Five", 0, 1), Word("six", 1, 2)])
    ledger.hear(4600)
    assert ledger.heard_lately(2).split() == ["four.", "Five"]
    assert ledger.heard_lately(60).split() == ["One", "two", "three", "four.", "Five"]


def test_a_word_that_is_being_said_was_heard_lately() -> None:
    ledger = _ledger(("One two three.", 900))
    assert ledger.heard_lately(3).split() == ["One"]
    ledger.hear(300)
    assert ledger.heard_lately(3).split() == ["One", "two"]
