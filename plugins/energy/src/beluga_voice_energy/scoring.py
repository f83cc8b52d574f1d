"""From the power of successive windows to the probability of speech; pure.

    p = 1 / (1 + exp(-slope * (level - floor - margin)))

with the window's level and the noise floor in dB. The floor is that of R. Martin, "Noise power spectral density
estimation based on optimal smoothing and minimum statistics", IEEE Transactions on Speech and Audio Processing
9 (5), 2001, for one band and with constant smoothing: speech pauses, so the lowest smoothed power of the last
seconds is that of the background, whether or not anybody speaks.
"""

from __future__ import annotations

import math
from collections import deque

SMOOTHING = 0.7
"""Weight of the past in the power whose minimum is searched. Steady noise then seems less than 1 dB quieter than it
is at any window from 0.01 s on, so that no correction for the minimum's bias is needed."""

BLOCKS = 8
"""The memory is kept as the minima of that many blocks (Martin's sub-windows): a step per window, not a search."""


class NoiseFloor:
    """The lowest smoothed power among the last windows.

    Args:
        windows: how many are remembered, to the next multiple of `BLOCKS`; a block more while one is being filled.
    """

    __slots__ = ("_block", "_filled", "_minimum", "_past", "_size", "_smoothed")

    def __init__(self, windows: int) -> None:
        self._size = -(-windows // BLOCKS)
        self._past: deque[float] = deque(maxlen=BLOCKS)
        self._minimum = math.inf
        self._block = math.inf
        self._filled = 0
        self._smoothed: float | None = None

    def update(self, power: float) -> float:
        """Take the power of the next window and return the floor, this window included."""
        past = power if self._smoothed is None else self._smoothed
        self._smoothed = SMOOTHING * past + (1 - SMOOTHING) * power
        self._block = min(self._block, self._smoothed)
        floor = min(self._minimum, self._block)
        self._filled += 1
        if self._filled == self._size:
            self._past.append(self._block)
            self._minimum = min(self._past)
            self._block = math.inf
            self._filled = 0
        return floor


class Scorer:
    """Turns the powers of one caller's windows into probabilities.

    Args:
        windows: how many the noise floor remembers.
        margin: dB over the floor at which the probability is 0.5.
        slope: per dB.
        quietest: the lowest floor, in dB.
    """

    __slots__ = ("_floor", "_least", "_margin", "_slope")

    def __init__(self, windows: int, margin: float, slope: float, quietest: float) -> None:
        self._floor = NoiseFloor(windows)
        self._margin = margin
        self._slope = slope
        self._least = 10 ** (quietest / 10)

    def score(self, power: float) -> float:
        """Return the probability of speech in the next window.

        Args:
            power: mean square of its samples, where 1 is a square wave at full scale.
        """
        floor = max(self._floor.update(power), self._least)
        over = 10 * math.log10(max(power, self._least / 1000) / floor)
        return 1 / (1 + math.exp(-self._slope * (over - self._margin)))
