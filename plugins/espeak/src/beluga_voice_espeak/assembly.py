# SPDX-License-Identifier: GPL-3.0-or-later
"""From the library's chunks to parts of speech: silence trimmed at the start, words with their times."""

from __future__ import annotations

import re
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Speech, Word
from beluga_voice_espeak.library import WordStart

_TOKEN = re.compile(r"\S+")
_SPOKEN = re.compile(r"[^\W_]|[&%@#+=$€£¥°§©®™]|[\U0001f000-\U0001faff\u2190-\u2bff]")
_SILENT = 32
"""Samples up to this count as silence: -60 dB of full scale."""


def is_spoken(text: str) -> bool:
    """Tell whether the library says anything for `text`: a letter, digit or symbol, not punctuation alone."""
    return _SPOKEN.search(text) is not None


Span = tuple[str, int, int]
"""A word, its first sample and its end in the piece's audio."""


class WordTimes:
    """Finds when each word of one piece of text is said.

    The library tells where words begin, not each of them ("in the" is one) and some more than once ("3.5"). A
    word ends where the next begins, less the silence between; words that the library takes as one share their
    time by length.
    """

    def __init__(self, text: str) -> None:
        tokens = [match for match in _TOKEN.finditer(text) if is_spoken(match[0])]
        self._texts = [token[0] for token in tokens]
        self._starts = [token.start() for token in tokens]
        self._given = 0  # words given so far
        self._current = -1  # the word that is being said
        self._since = 0  # the sample at which it began

    def begin(self, word: WordStart, loud_until: int) -> list[Span]:
        """Take the start of a word, and return those before it.

        Args:
            word: in order of their samples.
            loud_until: the end of the last sample before `word` that is not silent.
        """
        index = bisect_right(self._starts, word.character) - 1
        if index <= self._current:
            return []
        words = self._give(index, min(loud_until, word.sample)) if index > self._given else []
        self._current = index
        self._since = max(word.sample, self._since)
        return words

    def finish(self, loud_until: int) -> list[Span]:
        """Return the words that are left, once all audio is there."""
        return self._give(len(self._texts), loud_until)

    def _give(self, until: int, end: int) -> list[Span]:
        texts = self._texts[self._given : until]
        self._given = until
        start = min(self._since, end)  # a word without sound takes no time
        span = (end - start) / max(sum(map(len, texts)), 1)
        words = []
        for text in texts:
            stop = start + int(span * len(text))
            words.append((text, start, stop))
            start = stop
        return words


class Assembler:
    """Makes parts of speech of what the library says for one text, piece by piece.

    Silence before the first sound is left out, since it would be latency, and that after a piece is replaced by the
    pause that is asked for. So the newest sound is held back with the silence after it, and with it the last words.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._length = 0  # samples of the text's audio so far, with what is held back
        self._held: list[NDArray[np.int16]] = []
        self._held_words: list[Word] = []
        self.begin("")

    def begin(self, piece: str) -> None:
        """Start the next piece of the text; its characters and samples count from 0 again."""
        self._words = WordTimes(piece)
        self._seen = 0  # samples of the piece
        self._loud_until = 0  # end of the last sound in the piece
        self._origin = self._length  # of the piece's sample 0 in the text's audio

    def add(self, samples: NDArray[np.int16], starts: list[WordStart]) -> Speech | None:
        """Take a chunk of the piece, with the words that begin in it; return the part before it, if it is whole."""
        loud = np.flatnonzero((samples > _SILENT) | (samples < -_SILENT)) + self._seen
        spans = [span for start in starts for span in self._begin_word(start, loud)]
        if len(loud):
            self._loud_until = int(loud[-1]) + 1
        if self._length == 0:
            silent = int(loud[0]) - self._seen if len(loud) else len(samples)
            self._origin -= silent
            self._seen += silent
            samples = samples[silent:]
        self._seen += len(samples)
        part = self._release() if len(loud) and self._held else None
        if len(samples):
            self._held.append(samples)
            self._length += len(samples)
        self._held_words += self._timed(spans)
        return part

    def end(self, pause: float) -> Speech | None:
        """End the piece, with `pause` seconds of silence; return its last part, if any sound was in it."""
        self._held_words += self._timed(self._words.finish(self._loud_until))
        if not self._held:
            return None
        surplus = min(self._seen - self._loud_until, sum(map(len, self._held)) - 1)
        silence = np.zeros(round(pause * self._sample_rate), np.int16)
        self._length -= surplus
        part = self._release(surplus)
        self._length += len(silence)
        samples = np.concatenate((part.frame.samples, silence))
        return Speech(AudioFrame(samples, self._sample_rate, part.frame.position), part.words)

    def _begin_word(self, start: WordStart, loud: NDArray[np.intp]) -> list[Span]:
        before = int(np.searchsorted(loud, start.sample))
        return self._words.begin(start, int(loud[before - 1]) + 1 if before else self._loud_until)

    def _timed(self, spans: list[Span]) -> list[Word]:
        return [Word(text, self._seconds(start), self._seconds(end)) for text, start, end in spans]

    def _seconds(self, sample: int) -> float:
        return max(sample + self._origin, 0) / self._sample_rate

    def _release(self, surplus: int = 0) -> Speech:
        """Give out what is held back, less its last `surplus` samples."""
        samples = np.concatenate(self._held)
        samples = samples[: len(samples) - surplus]
        words = tuple(self._held_words)
        self._held, self._held_words = [], []
        return Speech(AudioFrame(samples, self._sample_rate, self._length - len(samples)), words)
