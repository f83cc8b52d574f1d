"""From samples to keys: dual-tone multi-frequency signalling, ITU-T Q.23. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477)
NAMES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "star", "zero", "pound"]
"""The keys by their tones: the row's, then the column's."""

WINDOW = 0.02
"""Seconds of a window. Two in a row make a key: receivers accept tones of 40 ms (ITU-T Q.24)."""

QUIET = 100.0
"""Root mean square of 16-bit samples below which nothing is a key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was pressed, and the seconds from which and until which its tones were heard."""

    name: str
    start: float
    end: float


class KeyFinder:
    """Finds keys in a stream of samples.

    Args:
        sample_rate: Hz.
        purity: share of a window's power, from 0 to 1, that must be in the two tones.
    """

    def __init__(self, sample_rate: int, purity: float) -> None:
        self._rate, self._purity = sample_rate, purity
        self._size = round(WINDOW * sample_rate)
        turns = np.outer((*LOW, *HIGH), np.arange(self._size)) / sample_rate
        self._waves = np.exp(-2j * np.pi * turns)
        self._rest = np.zeros(0, np.int16)
        self._windows = 0
        self._last = ""
        self._pressed = ""

    @property
    def seconds(self) -> float:
        """How much was looked at."""
        return self._windows * self._size / self._rate

    def find(self, samples: NDArray[np.int16]) -> Iterator[Key]:
        """Take samples; yield each key once, as soon as it is sure. Keeps nothing of `samples`."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self._size * self._size
        self._rest = samples[whole:]
        for start in range(0, whole, self._size):
            name = self._name(samples[start : start + self._size].astype(np.float64))
            self._windows += 1
            if name and name == self._last and name != self._pressed:
                self._pressed = name
                yield Key(name, self.seconds - 2 * WINDOW, self.seconds)
            elif not name and not self._last:
                self._pressed = ""  # two windows without a tone: the same key may be pressed again
            self._last = name

    def _name(self, window: NDArray[np.float64]) -> str:
        power = float(np.sum(window * window))
        if power < QUIET**2 * self._size:
            return ""
        tones = 2 * np.abs(self._waves @ window) ** 2 / self._size
        row, column = int(np.argmax(tones[:4])), int(np.argmax(tones[4:]))
        both = float(tones[row] + tones[4 + column])
        balanced = min(tones[row], tones[4 + column]) > 0.1 * both
        return NAMES[3 * row + column] if balanced and both > self._purity * power else ""
