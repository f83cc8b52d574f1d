from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.phrases import ENGLISH, INTERNATIONAL, PhraseClassifier, Phrases
from beluga_voice.testing import check_classifier
from beluga_voice.words import Interruption

CLASSIFIER = PhraseClassifier()

STOP = """
    stop; Stop!; STOP.; stop stop stop; please stop; stop please; okay stop; Okay, stop.; uh-huh yeah
    stop; wait; wait a minute; wait, wait; Wait for me; no; No.; no no no; nooooo; no, I meant Tuesday;
    nope; hold on; hold on a second; hang on; but wait; oh no wait; yes, but no; excuse me; can you
    stop; could you please stop; well no; one moment please; just a second; that's enough; that’s
    enough; thats enough; shut up; be quiet; never mind; not now; cancel that; sorry, stop; i know, but
    wait; stop at the next exit; no more; no thank you
"""
BACKCHANNEL = """
    mhm; Mhm.; mm-hmm; mm hmm; Mm-hm; hmm; hmmmm; hm; mmm; m hm; um hum; um-hum; uh-huh; uh huh; uhhuh;
    huh; aha; a-ha; ah; oh; um; yeah; yeah yeah; Yeah, yeah, yeah.; yeahhh; yes; yep; yup; okay; ok; OK;
    okaaay; right; sure; uh huh yeah okay; oh okay; oh yeah; I see; oh, I see.; got it; all right; no
    problem; No worries!; no way; of course; that's right; i know; oh no; yes that's it; makes sense; go
    on; exactly
"""
WORDS = """
    the bus stop is near; don't stop; do not stop; please don't stop; know; i know that; no one; no
    idea; there is no stop; please; thank you; okay thank you; okay bye; yeah what about tuesday; yes
    please; stopwatch; nobody; waiter; wait times are long; sorry; hey; hello; no one told me to stop;
    problem; two; uh two; 42; no problem but i want the other one; right now; stopping; a moment ago; i
    want to stop at the station; well; 停止
"""
NONE = ["", " ", "\n", "...", "?!", "-", "'", "_", "\N{GRINNING FACE}", "\u200b"]


async def test_keeps_the_contract_of_a_classifier() -> None:
    await check_classifier(PhraseClassifier)


def table(text: str) -> list[str]:
    """Split a table at its semicolons."""
    return [" ".join(phrase.split()) for phrase in text.split(";")]


@pytest.mark.parametrize("text", table(STOP))
def test_asks_to_stop(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.STOP


@pytest.mark.parametrize("text", table(BACKCHANNEL))
def test_is_a_backchannel(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.BACKCHANNEL


@pytest.mark.parametrize("text", table(WORDS))
def test_is_words(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.WORDS


@pytest.mark.parametrize("text", NONE)
def test_holds_no_words(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.NONE


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "en-gb", "en_US", "en-Latn-US"])
def test_finds_the_language_by_its_primary_subtag(language: str) -> None:
    assert CLASSIFIER.classify("hold on", language) is Interruption.STOP


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stop", Interruption.STOP),
        ("okay, stop", Interruption.STOP),
        ("mhm okay", Interruption.BACKCHANNEL),
        ("no", Interruption.WORDS),
        ("yes", Interruption.WORDS),
        ("", Interruption.NONE),
    ],
)
@pytest.mark.parametrize("language", ["pt", "pl-PL", "xx", ""])
def test_understands_only_international_phrases_in_a_language_without_a_table(
    text: str, expected: Interruption, language: str
) -> None:
    assert CLASSIFIER.classify(text, language) is expected


def test_a_table_is_extended_by_the_users_phrases() -> None:
    classifier = PhraseClassifier({"en": ENGLISH | Phrases(stop=frozenset({"Red light!"}))})
    assert classifier.classify("red light", "en") is Interruption.STOP
    assert classifier.classify("wait", "en") is Interruption.STOP
    assert CLASSIFIER.classify("red light", "en") is Interruption.WORDS


def test_a_table_is_replaced_by_the_users() -> None:
    classifier = PhraseClassifier({"en": Phrases(backchannels=frozenset({"jolly good"}))})
    assert classifier.classify("Jolly good, mhm.", "en") is Interruption.BACKCHANNEL
    assert classifier.classify("wait", "en") is Interruption.WORDS


def test_a_language_is_added_by_the_user() -> None:
    classifier = PhraseClassifier(
        {"pt": Phrases(stop=frozenset({"pare", "não"}), polite=frozenset({"por favor"}))}
    )
    assert classifier.classify("Por favor, pare!", "pt-BR") is Interruption.STOP
    assert classifier.classify("NÃO", "pt") is Interruption.STOP
    assert classifier.classify("no carro", "pt") is Interruption.WORDS
    assert classifier.classify("wait", "en") is Interruption.STOP


def test_each_phrase_has_one_meaning() -> None:
    kinds = [ENGLISH.stop, ENGLISH.backchannels | INTERNATIONAL.backchannels, ENGLISH.polite, ENGLISH.words]
    assert sum(map(len, kinds)) == len(frozenset().union(*kinds))


@given(st.lists(st.sampled_from(sorted(INTERNATIONAL.backchannels)), min_size=1, max_size=8))
def test_any_row_of_backchannels_is_one(phrases: list[str]) -> None:
    assert CLASSIFIER.classify(" ".join(phrases), "en") is Interruption.BACKCHANNEL


@given(st.text(max_size=50))
def test_any_text_is_judged_alike_in_any_case(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is CLASSIFIER.classify(text.casefold(), "en")
