from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import beluga_voice_heuristic
from beluga_voice.contracts import TurnContext
from beluga_voice.plugins import Plugins
from beluga_voice_heuristic.detector import HeuristicTurnDetector
from beluga_voice_heuristic.endings import Endings, EndingTable, words_of
from beluga_voice_heuristic.english import ENGLISH
from beluga_voice_heuristic.settings import HeuristicSettings

COMPLETE = """
    yes; no; two; okay; what is the weather in paris; two nine three four zero; hello world; eight of
    spades; i think so; turn it on; turn on the light; where are you from; what is it like; i would like a
    table for two; do you know; book it for monday; thank you; What is the weather in Paris?; I want to.;
    Stop!; And.; He said "yes."; (yes.); uh-huh; Yes; it was good...but no; log in; this is what i was
    looking for; forward; my name is anna; one; nine; mhm; sure; i don't know; それでいい。; plan a; that's all
    i know; i feel ill; i am well; here is my id; mm hmm; for a while; me neither; up to you
"""
INCOMPLETE = """
    i want to; what is the weather in; i would like the; turn on the; and; and then i saw a; it was good
    but; because; book a table for; um; well, um; I mean; you know; so; i'm; I; let's; i'd like; my; call
    me if; a kind of; Yes,; first:; I think...; I think…; well -; I was going to—; two or; tell me about;
    i live near; i need a; because of; how about; I think so and; turn it on and; and ...; Um,; hello,
    i'm; we'll; it’s
"""


def table(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(";")]


@pytest.mark.parametrize("text", table(COMPLETE))
async def test_is_complete(text: str) -> None:
    assert await HeuristicTurnDetector().predict(TurnContext(text, final=True)) == 0.9


@pytest.mark.parametrize("text", ["", "  ", "...", "?", *table(INCOMPLETE)])
async def test_is_incomplete(text: str) -> None:
    assert await HeuristicTurnDetector().predict(TurnContext(text, final=False)) == 0.1


@pytest.mark.parametrize(
    ("language", "probability"), [("en", 0.1), ("en-GB", 0.1), ("EN_us", 0.1), ("de", 0.9), ("", 0.9)]
)
async def test_looks_at_the_words_of_the_conversations_language(language: str, probability: float) -> None:
    context = TurnContext("das ist so", final=True, language=language)
    assert await HeuristicTurnDetector().predict(context) == probability


async def test_the_language_can_be_set() -> None:
    detector = HeuristicTurnDetector(HeuristicSettings(language="en"))
    assert await detector.predict(TurnContext("and", final=True, language="de")) == 0.1


@pytest.mark.parametrize("language", ["en", "de"])
async def test_further_words_are_taken_from_the_settings(language: str) -> None:
    detector = HeuristicTurnDetector(HeuristicSettings(incomplete_words=("Order Number", "und")))
    texts = {"my order number": 0.1, "a number": 0.9, "dies und": 0.1, "Order number.": 0.9}
    for text, probability in texts.items():
        assert await detector.predict(TurnContext(text, final=True, language=language)) == probability


@given(st.text(max_size=60), st.booleans(), st.sampled_from(["en", "de", "x-y"]))
async def test_any_text_has_an_answer(text: str, final: bool, language: str) -> None:
    assert await HeuristicTurnDetector().predict(TurnContext(text, final, language)) in {0.1, 0.9}


def test_each_phrase_stands_on_one_side_and_none_is_superfluous() -> None:
    assert not ENGLISH.incomplete & ENGLISH.complete
    without = EndingTable(Endings(incomplete=ENGLISH.incomplete))
    assert [phrase for phrase in ENGLISH.complete if without.is_whole(words_of(phrase))] == []


def test_registers_its_detector() -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_heuristic, "heuristic")
    assert isinstance(
        plugins.create("turn_detector", "heuristic", HeuristicSettings()), HeuristicTurnDetector
    )
    assert plugins.problems == ()


def test_importing_it_loads_no_pydantic() -> None:
    check = "import sys, beluga_voice_heuristic; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=20)


@pytest.mark.parametrize("wrong", [{"threshold": 0.5}, {"incomplete_words": "und"}, {"language": 3}])
def test_unknown_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HeuristicSettings.model_validate(wrong)
