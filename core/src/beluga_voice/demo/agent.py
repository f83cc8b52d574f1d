"""The agent of the demonstration: answers calls for a bakery, by looking things up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from beluga_voice.agent import Agent
from beluga_voice.contracts import (
    LLM,
    CallerMessage,
    Finished,
    FinishReason,
    TextDelta,
    ToolCallDelta,
    ToolChoice,
    ToolMessage,
    ToolSpec,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage


@dataclass(frozen=True, slots=True)
class Ware:
    """What the bakery sells.

    Attributes:
        price: in dollars.
        not_on: the day on which there is none.
        story: how it is made.
    """

    price: int
    not_on: str
    story: str


WARES = {
    "apple cake": Ware(
        3,
        "tuesday",
        "Our apple cake is made from old apples of the orchard behind the house. We slice them by hand and bake "
        "them slowly under a crust of butter and brown sugar. It tastes best while it is still warm.",
    ),
    "banana bread": Ware(
        4,
        "wednesday",
        "For the banana bread we wait until the bananas are nearly black. Then we mash them with walnuts, honey "
        "and a little salt, and bake the loaf for one hour. It keeps for a week, but it never lasts that long.",
    ),
    "blueberry pie": Ware(
        5,
        "tuesday",
        "The blueberry pie comes out of the oven at six in the morning. We pick the berries in the summer and "
        "freeze them the same day, so that they stay firm. The lattice on top is woven by hand.",
    ),
    "cheese sandwich": Ware(
        6,
        "friday",
        "The cheese sandwich is made on bread that we baked the same morning. We put in three kinds of cheese and "
        "a spoon of pickled onions, and press it on the hot plate. Many people ask for a second one.",
    ),
    "chocolate muffin": Ware(
        2,
        "friday",
        "A chocolate muffin of ours begins with dark chocolate, melted slowly over hot water. We fold it into the "
        "batter with cream, and leave a whole piece in the middle. When you open it, the middle is still soft.",
    ),
    "orange juice": Ware(
        2,
        "saturday",
        "The orange juice is pressed while you wait. We take six oranges for a glass, and they come on a truck "
        "from the south each week. Some people have it with ginger, and in winter we serve it warm.",
    ),
    "lemonade": Ware(
        3,
        "tuesday",
        "The lemonade is pressed from twelve lemons every morning. We stir in cane sugar and fresh mint, and let "
        "it stand in the cold for an hour. On warm days it is gone before noon, so come early.",
    ),
    "pretzel": Ware(
        1,
        "christmas",
        "Each pretzel is twisted by hand and it takes a year to learn that. We dip them in hot lye, which makes "
        "them brown and gives them their taste. Then comes coarse salt, and five minutes in a very hot oven.",
    ),
    "pumpkin soup": Ware(
        4,
        "friday",
        "The pumpkin soup cooks on the back of the bread oven all night. It has ginger in it and an orange, and "
        "we roast the seeds and put them on top. You get it with a slice of the dark bread.",
    ),
    "raspberry tart": Ware(
        5,
        "saturday",
        "A raspberry tart is only good on the day it is made. So we bake the shells at noon, and fill them with "
        "cream when you order. The berries come from a garden down the road, as long as there are any.",
    ),
    "vanilla pudding": Ware(
        2,
        "wednesday",
        "The vanilla pudding is stirred for twenty minutes without a break. We use whole beans and the yolks of "
        "eggs from the farm next door, and nothing else to make it thick. My grandmother left us the recipe.",
    ),
}
HOURS = {
    "tuesday": "from seven to six",
    "wednesday": "from seven to one",
    "friday": "from six to six",
    "saturday": "from six to two",
    "christmas": "from eight to eleven",
}
ORDERS = {"two": "in the oven", "three": "on its way", "five": "ready", "twelve": "not yet paid"}
NUMBERS = {"two": 2, "three": 3, "five": 5, "twelve": 12, "twenty": 20}

LOOK_UP = 0.05
"""Seconds that the bakery's till takes to answer."""

THANKS = "Thank you for calling. Goodbye."


class Assistant(LLM):
    """Stands where a language model does: by rules it knows what to look up, and says what was found."""

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),  # noqa: ARG002 - they are known
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,  # noqa: ARG002 - nothing is called twice
    ) -> AsyncGenerator[LLMChunk, None]:
        asked = max(i for i, message in enumerate(messages) if isinstance(message, CallerMessage))
        text = cast("CallerMessage", messages[asked]).text
        found = [message.text for message in messages[asked:] if isinstance(message, ToolMessage)]
        calls = [] if found else lookups(text)
        for index, (name, arguments) in enumerate(calls):
            yield ToolCallDelta(index, "", name, json.dumps(arguments))
        if not calls:
            for sentence in found or answer(text):
                yield TextDelta(f"{sentence} ")
        yield Finished(FinishReason.TOOL_CALLS if calls else FinishReason.STOP)


def lookups(text: str) -> list[tuple[str, dict[str, str]]]:
    """What is to be looked up, by the names and arguments of tools, in the order in which it was asked."""
    text = text.lower()
    day, item, number = _find(HOURS, text), _find(WARES, text), _find(NUMBERS, text)
    if "goodbye" in text:
        return []
    if "order" in text:
        return [("order", {"number": number})]
    if item and "aside" in text:
        return [("set_aside", {"item": item, "number": number})]
    if not item:
        return [("hours", {"day": day})] if day else []
    asked = {}
    if day:
        asked[text.find(day)] = "stock", {"item": item, "day": day}
    if price_at := re.search("much|price", text):
        asked[price_at.start()] = "price", {"item": item, "number": number or "one"}
    return [call for _, call in sorted(asked.items())]


def answer(text: str) -> list[str]:
    """What is said to what needs no look at the till, in sentences."""
    asked = text.lower()
    item = _find(WARES, asked)
    if "goodbye" in asked:
        return [THANKS]
    if item:
        return re.split(r"(?<=\.) ", WARES[item].story)
    if "hello" in asked or "morning" in asked:
        return ["Good morning. What can I do for you?"]
    if "stop" in asked or "enough" in asked:
        return ["All right. I am listening."]
    return [f"I heard {text}. Ask me about opening hours, prices or an order."]


agent: Agent[None] = Agent("You answer calls for a bakery. Be brief.", llm=Assistant())
"""Whoever answers the phone."""


@agent.tool(effects=False)
async def order(number: str) -> str:
    """Look up where an order is."""
    await asyncio.sleep(LOOK_UP)
    return f"Order {number} is {ORDERS[number]}." if number in ORDERS else f"I have no order {number}."


@agent.tool(effects=False)
async def stock(item: str, day: str) -> str:
    """Look up whether there is `item` on `day`."""
    await asyncio.sleep(LOOK_UP)
    if WARES[item].not_on == day:
        return f"I am sorry, on {day.title()} there is no {item}."
    return f"Yes, on {day.title()} we have the {item}."


@agent.tool(effects=False)
async def price(item: str, number: str) -> str:
    """Look up what `number` of `item` cost."""
    await asyncio.sleep(LOOK_UP)
    count = NUMBERS.get(number, 1)
    dollars = WARES[item].price * count
    what = f"The {item} is" if count == 1 else f"{count} of them are"
    return f"{what} {dollars} dollar{'s' if dollars > 1 else ''}."


@agent.tool(effects=False)
async def hours(day: str) -> str:
    """Look up when the shop is open on `day`."""
    await asyncio.sleep(LOOK_UP)
    return f"On {day.title()} we are open {HOURS[day]}."


@agent.tool
async def set_aside(item: str, number: str) -> str:
    """Put `number` of `item` aside for the caller."""
    await asyncio.sleep(LOOK_UP)
    return f"I have put {number} of the {item} aside for you."


def _find(table: Mapping[str, object], text: str) -> str:
    """The first of a table's keys that is in `text`; empty if none is."""
    found = re.search("|".join(table), text)
    return found[0] if found else ""
