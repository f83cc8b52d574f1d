"""An agent that answers by its script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from beluga_voice.contracts import Agent, Turn

Reply = str | Sequence[str | float | Exception]
"""A reply: one text, or a sequence of texts to yield, numbers of seconds to wait, and exceptions to raise."""


class ScriptedAgent(Agent):
    """Answers each turn by its script.

    Args:
        replies: by the turn's text, or for one reply after the other in the order of asking.
        otherwise: the reply where the script has none; None says the turn's text again.

    Attributes:
        turns: all turns that were asked, in order.
        finished: numbers of the turns whose replies came to their end.
        cut: numbers of the turns whose replies were closed or cancelled before.
    """

    def __init__(
        self, replies: Mapping[str, Reply] | Sequence[Reply] = (), *, otherwise: Reply | None = None
    ) -> None:
        self.turns: list[Turn] = []
        self.finished: list[int] = []
        self.cut: list[int] = []
        self._replies = replies
        self._otherwise = otherwise

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        script = self._reply_to(turn)
        self.turns.append(turn)
        try:
            for step in [script] if isinstance(script, str) else script:
                if isinstance(step, str):
                    yield step
                elif isinstance(step, Exception):
                    raise step
                else:
                    await asyncio.sleep(step)
        except (asyncio.CancelledError, GeneratorExit):
            self.cut.append(turn.number)
            raise
        self.finished.append(turn.number)

    def _reply_to(self, turn: Turn) -> Reply:
        otherwise = turn.text if self._otherwise is None else self._otherwise
        if isinstance(self._replies, Mapping):
            return self._replies.get(turn.text, otherwise)
        asked = len(self.turns)
        return self._replies[asked] if asked < len(self._replies) else otherwise
