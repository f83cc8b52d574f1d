"""How far a voice had come in a text, by the audio it gave, and what is left to say. Pure.

With the times of words it is exact: audio is let through up to the end of the last whole word, and the rest of
the text begins with the next. Without, it is estimated by the voice's pace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Speech
from beluga_voice.words import Word

PACE = 0.065
"""Seconds for each letter of speech at some 180 words a minute, until the voice has shown its own."""

_WORD = re.compile(r"\S+")


class Progress:
    """One text on its way through a voice.

    Args:
        text: what is to be said.
        sample_rate: of the audio, in Hz.
        exact: whether the times of all words are given.
    """

    def __init__(self, text: str, sample_rate: int, *, exact: bool) -> None:
        self._text = text
        self._rate = sample_rate
        self._exact = exact
        self._held = np.zeros(0, np.int16)
        self._let_through = 0
        self._waiting: list[Word] = []
        self._passed = 0

    @property
    def duration(self) -> float:
        """Seconds of audio that were let through."""
        return self._let_through / self._rate

    def take(self, speech: Speech) -> Speech | None:
        """Take a part, and return what may be heard now: whole words, where their times are known."""
        if not self._exact:
            self._let_through += len(speech.frame)
            return speech
        self._held = np.concatenate([self._held, speech.frame.samples])
        self._waiting += speech.words
        have = (self._let_through + len(self._held)) / self._rate
        whole = [word for word in self._waiting if word.end <= have]
        if not whole:
            return None
        return self._release(round(whole[-1].end * self._rate) - self._let_through, len(whole))

    def finish(self) -> Speech | None:
        """Return what is still held back: the voice has said all of the text."""
        return self._release(len(self._held), len(self._waiting)) if len(self._held) else None

    def _release(self, samples: int, words: int) -> Speech | None:
        if samples <= 0:
            return None
        frame = AudioFrame(self._held[:samples], self._rate, self._let_through)
        told, self._waiting = tuple(self._waiting[:words]), self._waiting[words:]
        self._held = self._held[samples:]
        self._let_through += samples
        self._passed += len(told)
        return Speech(frame, told)

    def rest(self, pace: float) -> str:
        """Return what of the text is left to say, after a failure.

        Args:
            pace: seconds for each letter; used where the times of words are not known.
        """
        words = list(_WORD.finditer(self._text))
        if not self._let_through:
            said = 0
        elif self._exact:
            said = min(self._passed, len(words))
        else:
            said = _nearest([m.end() - m.start() for m in words], self.duration / pace)
        return self._text[words[said].start() :] if said < len(words) else ""


def _nearest(letters: Sequence[int], heard: float) -> int:
    """Return how many words end nearest to `heard` letters."""
    ends = np.cumsum([0, *letters])
    return int(np.argmin(np.abs(ends - heard)))


def letters_of(text: str) -> int:
    """Count what takes time to say."""
    return sum(not character.isspace() for character in text)
