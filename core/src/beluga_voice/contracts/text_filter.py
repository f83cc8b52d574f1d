"""Text filters: how text is spoken that was written to be read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from beluga_voice.contracts.provider import Provider


class TextFilterStream(ABC):
    """One utterance's text on its way to the TTS."""

    @abstractmethod
    def process(self, text: str) -> str:
        """Return how the next piece of the utterance is spoken; empty if it is not.

        Sync, cheap and pure: it depends on the utterance's pieces so far, and on nothing else. The history keeps
        the text as it was written.

        Args:
            text: a sentence, a clause, a line or less, as `beluga_voice.sentences` cuts them; the filters before
                this one have seen it. What begins in one piece, as a block of code, may end in a later one.

        Raises:
            Exception: the piece is spoken without this filter, and the session tells that it failed.
        """


class TextFilter(Provider):
    """Takes out of text what a listener should not hear, or puts it otherwise."""

    kind: ClassVar[str] = "text_filter"

    @abstractmethod
    def open_stream(self, language: str) -> TextFilterStream:
        """Open a stream for one utterance. Never waits; there is nothing to close.

        Args:
            language: BCP 47 tag of the conversation.
        """
