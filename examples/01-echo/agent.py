from collections.abc import AsyncIterator
from datetime import datetime

from beluga_voice import Turn, run


async def agent(turn: Turn) -> AsyncIterator[str]:
    if "time" in turn.text:
        yield f"It is {datetime.now():%H:%M}."
    else:
        yield f"You said {turn.text}."


if __name__ == "__main__":
    run(agent)
