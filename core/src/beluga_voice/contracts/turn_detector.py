"""Turn detection: is the caller done, or only pausing?"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from beluga_voice.contracts.provider import Provider


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a turn detector judges by.

    Attributes:
        text: the caller's words of the open turn so far, finals and interim joined by spaces; may be empty.
        final: whether all of `text` is final.
        language: BCP 47 tag of the conversation.
    """

    text: str
    final: bool
    language: str = "en"


class TurnDetector(Provider):
    """Predicts from words whether a pause ends the caller's turn."""

    kind: ClassVar[str] = "turn_detector"

    @abstractmethod
    async def predict(self, context: TurnContext) -> float:
        """Return the probability, 0 to 1, that the caller's turn is complete.

        Asked at each speech end and whenever newer words come before the turn closes. May be cancelled.

        Raises:
            ProviderError: no prediction can be made; the session then waits the minimum delay.
        """
