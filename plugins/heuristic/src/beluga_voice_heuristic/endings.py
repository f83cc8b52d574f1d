"""What the last words of a text tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = re.compile("[\u2019\u02bc]")


def words_of(text: str) -> list[str]:
    """Split into words, without regard to case and punctuation; "I'll" is one."""
    return _WORD.findall(_APOSTROPHES.sub("'", text.casefold()))


def table(phrases: str) -> frozenset[str]:
    """Read the phrases of a table, which stand between commas."""
    return frozenset(" ".join(phrase.split()) for phrase in phrases.split(",") if phrase.strip())


@dataclass(frozen=True, slots=True)
class Endings:
    """Words and phrases of one language that end a text; the longest that fits decides.

    Attributes:
        incomplete: the speaker goes on after these.
        complete: end with one of `incomplete` and yet are whole ("turn it on").
    """

    incomplete: frozenset[str] = frozenset()
    complete: frozenset[str] = frozenset()


class EndingTable:
    """Looks up how a text ends."""

    def __init__(self, *endings: Endings) -> None:
        self._whole: dict[tuple[str, ...], bool] = {}
        for ending in endings:
            self._add(ending.incomplete, whole=False)
            self._add(ending.complete, whole=True)
        self._longest = max(map(len, self._whole), default=0)

    def _add(self, phrases: Iterable[str], *, whole: bool) -> None:
        for words in filter(None, map(words_of, phrases)):
            self._whole[tuple(words)] = whole

    def is_whole(self, words: list[str]) -> bool:
        """Tell whether `words`, from `words_of`, do not end as if more were to come."""
        for length in range(min(self._longest, len(words)), 0, -1):
            whole = self._whole.get(tuple(words[-length:]))
            if whole is not None:
                return whole
        return True
