"""An agent that looks orders up, and speaks while it does.

python agent.py chat
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path

from beluga_voice import Turn, run

ORDERS = Path(__file__).with_name("orders.json")
DIGITS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}


def find(number: str) -> str | None:
    """Look one order up. Blocks, as most lookups do; hence the thread below."""
    statuses: dict[str, str] = json.loads(ORDERS.read_text(encoding="utf-8"))
    return statuses.get(number)


async def agent(turn: Turn) -> AsyncGenerator[str, None]:
    asked = re.search(r"order (?:number )?(\w+)", turn.text.lower())
    if asked is None:
        yield "Which order do you mean?"
        return
    yield "One moment. "  # is being said while the lookup runs
    number = DIGITS.get(asked[1], asked[1])
    status = await asyncio.to_thread(find, number)
    yield f"Order {number} {status}." if status else f"I do not know order {number}."


if __name__ == "__main__":
    run(agent)
