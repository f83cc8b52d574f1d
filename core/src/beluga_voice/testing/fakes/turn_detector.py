"""A turn detector that predicts by its script."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from beluga_voice.contracts import TurnContext, TurnDetector
from beluga_voice.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ScriptedTurnDetector(TurnDetector):
    """Gives each text the probability of its script.

    Args:
        scores: probability by text.
        otherwise: probability of texts that the script does not have.
        delay: seconds that a prediction takes.
        fails: whether every prediction raises `ProviderError`.

    Attributes:
        asked: every context it was asked about, in order.
    """

    def __init__(
        self,
        scores: Mapping[str, float] | None = None,
        *,
        otherwise: float = 1.0,
        delay: float = 0.0,
        fails: bool = False,
    ) -> None:
        self.scores = dict(scores or {})
        self.otherwise = otherwise
        self.delay = delay
        self.fails = fails
        self.asked: list[TurnContext] = []

    async def predict(self, context: TurnContext) -> float:
        self.asked.append(context)
        await asyncio.sleep(self.delay)
        if self.fails:
            raise ProviderError("the script says that no prediction can be made")
        return self.scores.get(context.text, self.otherwise)
