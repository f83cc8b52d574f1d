"""How loud something is, as a bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOOR = -60.0
"""dB of full scale at which the bar is empty."""


def level(samples: NDArray[np.int16]) -> float:
    """Return the level in dB of full scale, `FLOOR` at least."""
    power = float(np.mean((samples / 32768.0) ** 2)) if len(samples) else 0.0
    return max(FLOOR, 10 * float(np.log10(max(power, 1e-12))))


def bar(decibels: float, width: int = 20) -> str:
    """Return a bar of `width` characters."""
    full = round((min(decibels, 0.0) - FLOOR) / -FLOOR * width)
    return "#" * full + "." * (width - full)
