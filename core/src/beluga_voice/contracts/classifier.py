"""Interruption classification: does this take the floor?"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from beluga_voice.contracts.provider import Provider
from beluga_voice.words import Interruption


class InterruptionClassifier(Provider):
    """Tells stop words and backchannels from other words."""

    kind: ClassVar[str] = "interruption_classifier"

    @abstractmethod
    def classify(self, text: str, language: str) -> Interruption:
        """Judge `text`. Sync and pure: the same text gives the same answer.

        Args:
            text: a transcript, interim or final; may be empty.
            language: BCP 47 tag of the conversation.
        """
