"""The bakery's agent: it answers what the caller may ask, by looking things up."""

from __future__ import annotations

import asyncio

import pytest

from beluga_voice.contracts import Turn
from beluga_voice.demo.agent import HOURS, LOOK_UP, WARES, agent


async def answer(text: str) -> str:
    return "".join([piece async for piece in agent.reply(Turn(text, 1, (), "test"))]).rstrip()


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("goodbye", "Thank you for calling. Goodbye."),
        ("where is order five", "Order five is ready."),
        ("where is order twenty", "I have no order twenty."),
        ("put two pretzel aside", "I have put two of the pretzel aside for you."),
        ("do you have lemonade on Tuesday", "I am sorry, on Tuesday there is no lemonade."),
        ("do you have lemonade on Friday", "Yes, on Friday we have the lemonade."),
        ("how much is the pretzel", "The pretzel is 1 dollar."),
        ("what is the price of lemonade", "The lemonade is 3 dollars."),
        ("how much are three pumpkin soup", "3 of them are 12 dollars."),
        (
            "how much is the pretzel and do you have it on Friday",
            "The pretzel is 1 dollar. Yes, on Friday we have the pretzel.",
        ),
        (
            "do you have lemonade on Tuesday and how much is it",
            "I am sorry, on Tuesday there is no lemonade. The lemonade is 3 dollars.",
        ),
        ("when are you open on Christmas", "On Christmas we are open from eight to eleven."),
        ("good morning", "Good morning. What can I do for you?"),
        ("that is enough", "All right. I am listening."),
        ("the weather", "I heard the weather. Ask me about opening hours, prices or an order."),
    ],
)
async def test_answers(text: str, reply: str) -> None:
    assert await answer(text) == reply


@pytest.mark.parametrize("item", sorted(WARES))
async def test_a_story_is_told_a_sentence_at_a_time(item: str) -> None:
    pieces = [piece async for piece in agent.reply(Turn(f"tell me about the {item}", 1, (), "test"))]
    assert len(pieces) == 3
    assert "".join(pieces).rstrip() == WARES[item].story


@pytest.mark.parametrize("item", sorted(WARES))
async def test_an_item_is_missing_on_one_day_alone(item: str) -> None:
    answers = [await answer(f"is there {item} on {day}") for day in HOURS]
    assert sum("there is no" in each for each in answers) == 1


async def test_two_lookups_take_the_time_of_one() -> None:
    loop = asyncio.get_running_loop()
    asked = loop.time()
    await answer("how much is the pretzel and do you have it on friday")
    assert loop.time() - asked == pytest.approx(LOOK_UP)


async def test_a_lookup_takes_its_time() -> None:
    loop = asyncio.get_running_loop()
    asked = loop.time()
    await answer("how much is the pretzel")
    assert loop.time() - asked == pytest.approx(LOOK_UP)
