"""The built-in interruption classifier: stop phrases and backchannels, as tables of phrases per language.

A text is read from its left, the longest known phrase first, and judged by the first rule that fits:

1. a stop phrase, before which there are at most polite words and backchannels ("okay, please stop"), is STOP,
   whatever follows ("no, I meant Tuesday");
2. a text of backchannels alone, however many ("uh-huh, yeah, okay"), is BACKCHANNEL;
3. a text with any other word is WORDS ("the bus stop is near", "please", "don't stop");
4. a text without a word is NONE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from unicodedata import combining, normalize

from beluga_voice.contracts.classifier import InterruptionClassifier
from beluga_voice.phrases.languages import BUILT_IN
from beluga_voice.phrases.table import INTERNATIONAL, Phrases
from beluga_voice.words import Interruption

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"['\u2019\u02bc`\u00b4]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def words_of(text: str) -> list[str]:
    """Split `text` into words, without regard to case, punctuation, apostrophes and accents."""
    folded = _APOSTROPHES.sub("", text.casefold())
    return _WORD.findall(folded if folded.isascii() else _plain(folded))


def _plain(text: str) -> str:
    """Leave out accents, which recognizers often do: "si" for "sí", "arrete" for "arrête"."""
    letters = (c for c in normalize("NFD", text) if not combining(c))
    return normalize("NFC", "".join(letters))


_Kind = Interruption | None  # None: polite words
_Index = dict[str, list[tuple[list[str], _Kind]]]


@lru_cache(maxsize=64)  # each session has a classifier, nearly all of the same tables; one table takes 0.5 ms
def _index(phrases: Phrases) -> _Index:
    """File the phrases under their first word, the longest first, the more special kind first.

    The index is shared, and not to be changed.
    """
    kinds: list[tuple[frozenset[str], _Kind]] = [
        (phrases.words, Interruption.WORDS),
        (phrases.stop, Interruption.STOP),
        (phrases.backchannels, Interruption.BACKCHANNEL),
        (phrases.polite, None),
    ]
    index: _Index = {}
    for texts, kind in kinds:
        for words in filter(None, map(words_of, sorted(texts))):
            index.setdefault(words[0], []).append((words, kind))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))  # stable: kinds of one length keep their order
    return index


def _kinds(words: list[str], index: _Index) -> Iterator[_Kind]:
    """Give the kind of each phrase from the left; an unknown word is WORDS."""
    at = 0
    while at < len(words):
        for phrase, kind in index.get(words[at], ()):
            if words[at : at + len(phrase)] == phrase:
                at += len(phrase)
                yield kind
                break
        else:
            at += 1
            yield Interruption.WORDS


def _judge(words: list[str], index: _Index) -> Interruption:
    only_backchannels = True
    for kind in _kinds(words, index):
        if kind is Interruption.STOP or kind is Interruption.WORDS:
            return kind
        only_backchannels &= kind is Interruption.BACKCHANNEL
    return Interruption.BACKCHANNEL if only_backchannels else Interruption.WORDS


class PhraseClassifier(InterruptionClassifier):
    """Tells stop phrases and backchannels from other words by tables.

    A language is looked up by its primary subtag (``en`` for ``en-GB``). One without a table has the
    `INTERNATIONAL` phrases alone: the English ones would do harm there ("no" is "in the" in Portuguese and
    "yes" in Polish).
    """

    def __init__(self, phrases: Mapping[str, Phrases] | None = None) -> None:
        """Take tables in place of the built-in ones of the same languages.

        Args:
            phrases: by primary language subtag, lower case; ``{"en": ENGLISH | Phrases(...)}`` extends a
                table. `INTERNATIONAL` is always added.
        """
        tables = {**BUILT_IN, **(phrases or {})}
        self._international = _index(INTERNATIONAL)
        self._indexes = {language: _index(INTERNATIONAL | table) for language, table in tables.items()}

    def classify(self, text: str, language: str) -> Interruption:
        """Judge `text` by the rules at the top of this module; letters drawn out ("nooo") count once."""
        words = words_of(text)
        if not words:
            return Interruption.NONE
        index = self._indexes.get(language) or self._index_of(language)
        kind = _judge(words, index)
        if kind is Interruption.WORDS and _DRAWN_OUT.search(text.casefold()):
            return _judge([_DRAWN_OUT.sub(r"\1", word) for word in words], index)
        return kind

    def _index_of(self, language: str) -> _Index:
        primary = language.replace("_", "-").partition("-")[0].lower()
        return self._indexes.get(primary, self._international)
