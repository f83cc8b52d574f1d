"""Words with their times, out of the tokens that a model gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from beluga_voice.words import Word

SYLLABLE = 0.2
"""Seconds that the last token of a word is taken to last where nothing follows: models tell when a token begins,
and a syllable of conversation lasts about as long (Greenberg, "Speaking in shorthand", 1999: 200 ms on average)."""

_IDEOGRAPHS = "\u2e80"
"""From here on scripts write no space between words: each token is taken for one."""


def words_of(
    tokens: Sequence[str], times: Sequence[float], *, offset: float, end: float, lower: bool
) -> tuple[Word, ...]:
    """Join tokens to words.

    Args:
        tokens: as the engine gives them: a space before the first of a word.
        times: seconds from the utterance's first sample at which each begins; empty if the model tells none.
        offset: where the utterance begins, in seconds of the stream.
        end: where its audio ends, in seconds of the stream; no word lasts longer.
        lower: whether to write small letters.
    """
    if len(times) != len(tokens):
        return ()
    starts = [n for n, token in enumerate(tokens) if n == 0 or _begins(token)]
    words = []
    for first, after in pairwise([*starts, len(tokens)]):
        text = "".join(tokens[first:after]).strip()
        if not text:
            continue
        start = min(offset + times[first], end)
        stop = min(offset + times[after - 1] + SYLLABLE, end)
        if after < len(tokens):
            stop = min(stop, offset + times[after])
        words.append(Word(text.lower() if lower else text, start, max(start, stop)))
    return tuple(words)


def _begins(token: str) -> bool:
    return token.startswith((" ", "▁")) or token[:1] >= _IDEOGRAPHS
