"""What the caller may say, and the calls that are drawn of it."""

from __future__ import annotations

import asyncio
import re

import numpy as np
import pytest

from beluga_voice.contracts import Turn
from beluga_voice.demo.agent import WARES, agent
from beluga_voice.demo.script import (
    BACKCHANNELS,
    GREETINGS,
    ITEMS,
    ORDERS,
    SLOTS,
    AfterHearing,
    AfterSilence,
    Means,
    asks_two,
    draw_call,
    grammar,
    sentences,
)
from beluga_voice.demo.sounds import COUGH_LEVEL, cough
from beluga_voice.phrases import PhraseClassifier
from beluga_voice.words import Interruption

SEEDS = range(200)


def expansions() -> set[str]:
    """All sentences of the grammar, slots filled, by reading its text."""
    text = grammar()
    rules = dict(re.findall(r"^<(\w+)> = (.*);$", text, re.MULTILINE))
    said = re.search(r"public <call> = \[ (.*) \];", text)
    assert said is not None
    found = set()
    waiting = re.sub(r"/[\d.]+/ ", "", said[1]).split(" | ")
    while waiting:
        sentence = waiting.pop()
        slot = re.search(r"<(\w+)>", sentence)
        if slot is None:
            found.add(sentence)
        else:
            waiting += [sentence.replace(slot[0], value, 1) for value in rules[slot[1]].split(" | ")]
    return found


def test_there_are_at_least_300_sentences() -> None:
    assert len(set(sentences())) == len(list(sentences())) >= 300


def test_the_grammar_hears_every_sentence_backchannel_and_half_that_is_drawn() -> None:
    heard = expansions()
    assert set(sentences()) | set(BACKCHANNELS) <= heard
    assert {part for seed in SEEDS for line in draw_call(seed) for part in line.parts} <= heard


def test_the_grammar_allows_silence_so_that_a_cough_need_not_be_words() -> None:
    assert re.search(r"public <call> = \[ .* \];", grammar())


def test_no_order_number_stands_alone() -> None:
    assert not set(SLOTS["number"]) & expansions()
    assert all(not line.pause or line.parts[1] not in SLOTS["number"] for s in SEEDS for line in draw_call(s))
    assert all("order" in sentence for sentence in ORDERS)


def test_each_seed_is_a_different_call_and_the_same_one_again() -> None:
    assert len({draw_call(seed) for seed in SEEDS}) == len(SEEDS)
    assert draw_call(7) == draw_call(7)


@pytest.mark.parametrize("seed", range(20))
def test_a_call_has_everything_that_is_to_be_shown(seed: int) -> None:
    lines = draw_call(seed)
    turns = [line for line in lines if line.means is Means.TURN]
    assert len(turns) == 8
    assert sum(asks_two(line.text) for line in turns) == 1
    assert sum(isinstance(line.cue, AfterHearing) for line in turns) == 1
    assert sum(line.pause >= 0.8 and len(line.parts) == 2 for line in turns) == 1
    assert [line.means for line in lines].count(Means.COUGH) == 1
    assert [line.text for line in lines if line.means is Means.BACKCHANNEL] == ["mhm"]
    assert lines[0].text in GREETINGS
    assert "goodbye" in lines[-1].text
    assert isinstance(lines[-1].cue, AfterSilence)


def test_a_hum_is_a_backchannel_and_no_turn_begins_as_one() -> None:
    classify = PhraseClassifier().classify
    assert {classify(text, "en") for text in BACKCHANNELS} == {Interruption.BACKCHANNEL}
    assert {classify(text, "en") for text in sentences()} <= {Interruption.WORDS, Interruption.STOP}


async def answer(text: str) -> str:
    return "".join([piece async for piece in agent.reply(Turn(text, 1, (), "test"))]).rstrip()


async def test_the_agent_knows_an_answer_to_every_sentence() -> None:
    lost = [text for text in sentences() if "I heard" in await answer(text)]
    assert lost == []


async def test_the_agent_takes_its_time_to_look_up() -> None:
    before = asyncio.get_running_loop().time()
    assert await answer("how much is the pretzel") == "The pretzel is 1 dollar."
    assert asyncio.get_running_loop().time() > before


async def test_the_agent_does_not_know_every_order() -> None:
    assert await answer("where is my order number five") == "Order five is ready."
    assert await answer("where is my order number twenty") == "I have no order twenty."


async def test_a_long_answer_asks_nothing_so_that_a_hum_is_no_answer_to_it() -> None:
    assert set(WARES) == set(ITEMS)
    for item in ITEMS:
        assert "?" not in await answer(f"tell me about the {item}")


def test_a_cough_is_short_loud_breath_and_another_with_each_seed() -> None:
    coughs = [cough(seed, 22050) for seed in range(10)]
    assert all(0.25 < len(each) / 22050 < 0.8 for each in coughs)
    assert all(np.abs(each).max() == COUGH_LEVEL for each in coughs)
    assert len({each.tobytes() for each in coughs}) == 10
    assert np.array_equal(cough(3, 22050), coughs[3])
