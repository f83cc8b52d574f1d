"""Text as it was written against text as it is spoken: which part of the one the other stands for. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from difflib import SequenceMatcher

# A character of a script that writes no spaces is a token of its own; elsewhere a word is.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W_]+?(?=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[\W_]|$)"
)
_RUN = re.compile(r"\S*")

MOST_TOKENS = 500
"""Tokens that are compared; what is longer counts as one, since comparing is quadratic."""


class Alignment:
    """Tells how much of a written text was heard, by how much of its spoken form was.

    Words that both have stand for each other; what was replaced counts as heard with the last word that replaces
    it, and marks with the word before them.
    """

    __slots__ = ("_spoken_ends", "_written_ends")

    def __init__(self, written: str, spoken: str) -> None:
        """Compare the two texts."""
        self._spoken_ends: list[int] = []
        self._written_ends: list[int] = []
        mine, others = list(_TOKEN.finditer(written)), list(_TOKEN.finditer(spoken))
        if max(len(mine), len(others)) > MOST_TOKENS:
            return
        pairs = list(_pairs([token[0] for token in mine], [token[0] for token in others]))
        for (mine_at, others_at), (next_at, _) in zip(pairs, [*pairs[1:], (len(mine), 0)], strict=False):
            limit = mine[next_at].start() if next_at < len(mine) else len(written)
            run = _RUN.match(written, mine[mine_at].end())
            assert run is not None
            self._spoken_ends.append(others[others_at].end())
            self._written_ends.append(min(run.end(), limit))

    def written_until(self, spoken: int) -> int:
        """Return how many characters were heard of the written text, when `spoken` of the spoken one were."""
        known = bisect_right(self._spoken_ends, spoken)
        return self._written_ends[known - 1] if known else 0


def _pairs(written: list[str], spoken: list[str]) -> Iterator[tuple[int, int]]:
    """Yield which token of the one stands for which of the other, both in order."""
    for kind, w, w_end, s, s_end in SequenceMatcher(None, written, spoken, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(range(w, w_end), range(s, s_end), strict=True)
        elif kind == "replace":
            yield w_end - 1, s_end - 1
