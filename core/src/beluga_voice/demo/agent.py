"""The agent of the demonstration: answers calls for a bakery, by looking things up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

from beluga_voice.contracts import Turn

HOURS = {
    "monday": "from seven to six",
    "tuesday": "from seven to six",
    "wednesday": "from seven to one",
    "thursday": "from seven to six",
    "friday": "from six to six",
    "saturday": "from six to two",
    "sunday": "not at all",
}
PRICES = {
    "bread": "four dollars",
    "coffee": "two dollars",
    "apple cake": "three dollars",
    "sandwich": "five dollars",
}
ORDERS = {"one": "in the oven", "three": "on its way", "five": "ready", "nine": "not yet paid"}

LOOK_UP = 0.05
"""Seconds that the bakery's till takes to answer."""


async def look_up(table: dict[str, str], key: str) -> str | None:
    """Ask the till, which takes its time."""
    await asyncio.sleep(LOOK_UP)
    return table.get(key)


async def agent(turn: Turn) -> AsyncGenerator[str, None]:
    """Answer one turn of the caller's."""
    text = turn.text.lower()
    if day := re.search("|".join(HOURS), text):
        yield f"On {day[0].title()} we are open {await look_up(HOURS, day[0])}."
    elif order := re.search(r"order (?:number )?(\w+)", text):
        status = await look_up(ORDERS, order[1])
        yield f"Order {order[1]} is {status}." if status else f"I do not know order {order[1]}."
    elif item := re.search("|".join(PRICES), text):
        yield f"The {item[0]} is {await look_up(PRICES, item[0])}. "
        yield "Shall I put one aside for you?"
    elif "goodbye" in text:
        yield "Thank you for calling. Goodbye."
    else:
        yield f"I heard {turn.text}. Ask me about opening hours, prices or an order."
