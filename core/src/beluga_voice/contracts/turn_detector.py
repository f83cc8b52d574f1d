"""Turn detection: is the caller done, or only pausing?"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.provider import Provider


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a turn detector judges by.

    Attributes:
        text: the caller's words of the open turn so far, finals and interim joined by spaces; may be empty.
        final: whether all of `text` is final.
        language: BCP 47 tag of the conversation.
        audio: the end of the caller's audio of this turn, up to now: int16 mono at 16 kHz, at most
            `TurnDetector.audio_seconds` of it, and maybe empty. None if the detector asks for none, or the session
            heard none. It is the detector's own.
    """

    text: str
    final: bool
    language: str = "en"
    audio: AudioFrame | None = field(default=None, compare=False)


class TurnDetector(Provider):
    """Predicts from words, or from how they sound, whether a pause ends the caller's turn."""

    audio_seconds: float = 0
    """Seconds of the turn's audio that `TurnContext.audio` shall hold, 0 to 60; 0 if only words are judged."""

    kind: ClassVar[str] = "turn_detector"

    @abstractmethod
    async def predict(self, context: TurnContext) -> float:
        """Return the probability, 0 to 1, that the caller's turn is complete.

        Asked at each speech end and whenever newer words come before the turn closes. May be cancelled.

        Raises:
            ProviderError: no prediction can be made; the session then waits the minimum delay.
        """
