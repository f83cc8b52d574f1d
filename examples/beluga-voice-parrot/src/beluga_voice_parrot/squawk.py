"""The language of parrots: each letter a tone, 40 ms long. Pure."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LETTERS = string.ascii_lowercase + string.digits
LOWEST, STEP = 500, 60
"""Hz of the first letter, and between two."""

TONE, GAP, SPACE = 0.04, 0.02, 0.08
"""Seconds of a letter, between two letters, and between two words beside that."""

WINDOW = 0.01
LOUD = 500.0
"""Root mean square of 16-bit samples from which a window holds a tone."""

Word = tuple[str, float, float]


def plain(text: str) -> list[str]:
    """Return the words of a text as far as parrots can say them."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    words = ("".join(each for each in word if each in LETTERS) for word in folded.split())
    return [word for word in words if word]


def speak(word: str, rate: int) -> NDArray[np.int16]:
    """Return a word's tones and the pause after it."""
    times = np.arange(round(TONE * rate)) / rate
    gap = np.zeros(round(GAP * rate), np.int16)
    parts: list[NDArray[np.int16]] = []
    for letter in word:
        pitch = LOWEST + STEP * LETTERS.index(letter)
        parts += [(8000 * np.sin(2 * np.pi * pitch * times)).astype(np.int16), gap]
    return np.concatenate([*parts, np.zeros(round(SPACE * rate), np.int16)])


class Ear:
    """Finds words in a stream of samples.

    Args:
        rate: Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._size = round(WINDOW * rate)
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._tone: list[NDArray[np.int16]] = []
        self._letters = ""
        self._began = self._ended = 0.0
        self._windows = 0

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self._windows * WINDOW

    @property
    def quiet(self) -> float:
        """Seconds since the last tone."""
        return self.seconds - self._ended

    def feed(self, samples: NDArray[np.int16]) -> Iterator[Word]:
        """Take samples; yield each word once it is over."""
        self._rest = np.concatenate([self._rest, samples])
        while len(self._rest) >= self._size:
            window, self._rest = self._rest[: self._size], self._rest[self._size :]
            self._windows += 1
            if float(np.sqrt(np.mean(np.square(window.astype(np.float64))))) >= LOUD:
                if not self._letters and not self._tone:
                    self._began = self.seconds - WINDOW
                self._tone.append(window)
                self._ended = self.seconds
                continue
            self._end_letter()
            if self.quiet > SPACE / 2 + GAP:
                yield from self.end()

    def end(self) -> Iterator[Word]:
        """Yield the word that has begun, if one has."""
        self._end_letter()
        letters, self._letters = self._letters, ""
        if letters:
            yield letters, self._began, self._ended

    def _end_letter(self) -> None:
        tone, self._tone = self._tone, []
        if len(tone) < 2:
            return
        samples = np.concatenate(tone).astype(np.float64)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4096))
        pitch = float(np.argmax(spectrum)) * self._rate / 4096
        index = round((pitch - LOWEST) / STEP)
        if 0 <= index < len(LETTERS):
            self._letters += LETTERS[index]
