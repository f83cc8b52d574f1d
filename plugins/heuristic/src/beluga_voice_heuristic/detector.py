"""A turn detector that looks at how the caller's words end."""

from __future__ import annotations

import re
from collections.abc import Mapping

from beluga_voice.contracts import TurnContext, TurnDetector
from beluga_voice_heuristic.endings import Endings, EndingTable, words_of
from beluga_voice_heuristic.english import ENGLISH
from beluga_voice_heuristic.settings import HeuristicSettings

COMPLETE = 0.9
INCOMPLETE = 0.1
"""The two answers: on either side of any sensible threshold, and no calibrated probabilities."""

LANGUAGES: Mapping[str, Endings] = {"en": ENGLISH}
"""The tables there are, by primary language subtag."""

_QUOTES = r"[\s\"'’”»)\]]*$"
_SENTENCE = re.compile(r"[.!?。！？｡؟۔।።։](?<!\.\.)" + _QUOTES)
_GOES_ON = re.compile(r"(?:\.\.|[…,;:،؛、，；：–—-])" + _QUOTES)


class HeuristicTurnDetector(TurnDetector):
    """Takes a turn for complete unless its last words say that more is to come.

    By the first rule that fits:

    1. no words: incomplete;
    2. a sentence's mark at the end: complete;
    3. a comma, a dash, an ellipsis or the like at the end: incomplete;
    4. a conjunction, preposition, article or filler at the end, as the language's table has them: incomplete;
    5. anything else, short answers among it: complete.

    In a language without a table rule 4 knows only the words from the settings.
    """

    def __init__(self, settings: HeuristicSettings | None = None) -> None:
        """Make a detector; it holds nothing but its tables."""
        settings = settings or HeuristicSettings()
        own = Endings(incomplete=frozenset(settings.incomplete_words))
        self._language = settings.language
        self._tables = {language: EndingTable(endings, own) for language, endings in LANGUAGES.items()}
        self._without_language = EndingTable(own)

    async def predict(self, context: TurnContext) -> float:
        """Return 0.9 for complete or 0.1 for incomplete, which are not calibrated."""
        return COMPLETE if self._is_complete(context) else INCOMPLETE

    def _is_complete(self, context: TurnContext) -> bool:
        text = context.text.rstrip()
        words = words_of(text[-200:])
        if not words:
            return False
        if _SENTENCE.search(text, max(len(text) - 20, 0)):
            return True
        if _GOES_ON.search(text, max(len(text) - 20, 0)):
            return False
        return self._table(self._language or context.language).is_whole(words)

    def _table(self, language: str) -> EndingTable:
        primary = language.replace("_", "-").partition("-")[0].lower()
        return self._tables.get(primary, self._without_language)
