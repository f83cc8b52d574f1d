"""Loudness: making audio louder or softer, and saying how loud it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_FULL_SCALE = 32768.0


def apply_gain(samples: NDArray[np.int16], gain: float) -> NDArray[np.int16]:
    """Return int16 `samples` times `gain`, rounded, saturating at -32768 and 32767; a gain of 1 copies
    nothing.

    Args:
        samples: any shape; not changed.
        gain: a factor, not decibels; 0 is silence.
    """
    if gain == 1.0:
        return samples
    scaled: NDArray[np.float64] = np.rint(samples * float(gain))
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def rms(samples: NDArray[np.int16]) -> float:
    """Return the root mean square of int16 samples, shape ``(n,)``, as a part of full scale: 0 to 1.

    No samples give 0.
    """
    if len(samples) == 0:
        return 0.0
    scaled = samples.astype(np.float64)
    return math.sqrt(float(np.dot(scaled, scaled)) / len(scaled)) / _FULL_SCALE
