"""What a parrot cannot say, and what makes it stop."""

from __future__ import annotations

import re
import unicodedata

from beluga_voice.contracts import Interruption, InterruptionClassifier, TextFilter, TextFilterStream

STOP = {"stop", "wait", "hush", "no"}
BACKCHANNELS = {"mhm", "yeah", "okay", "squawk"}


class ParrotTextFilter(TextFilter):
    """Leaves out marks and pictures: what is neither a letter, a digit, nor punctuation."""

    def open_stream(self, language: str) -> TextFilterStream:
        """Open a stream for one utterance."""
        return _Stream()


class _Stream(TextFilterStream):
    def process(self, text: str) -> str:
        """Return how the next piece is spoken."""
        return "".join(each for each in text if each.isspace() or unicodedata.category(each)[0] in "LMNP")


class ParrotClassifier(InterruptionClassifier):
    """Knows the words that stop a parrot, in any language."""

    def classify(self, text: str, language: str) -> Interruption:
        """Judge `text`."""
        words = set(re.findall(r"\w+", text.casefold()))
        if not words:
            return Interruption.NONE
        if words & STOP:
            return Interruption.STOP
        return Interruption.BACKCHANNEL if words <= BACKCHANNELS else Interruption.WORDS
