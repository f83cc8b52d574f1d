"""Resampling of a stream from one rate to another.

A polyphase filter: the output sample at time ``t`` is the windowed sinc around ``t`` over the input samples
near it. With rates in the ratio L to M (lowest terms) there are L different sub-filters, one for each place
that an output sample can have between two input samples. The sinc is cut off a little below the lower Nyquist
frequency and shaped by a Kaiser window of 16 sample periods of the lower rate to each side, ``I0(b sqrt(1
- x^2)) / I0(b)`` (Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5; b = 6.2 gives about 69
dB).

With N the lower of the two Nyquist frequencies: flat within 0.3 dB up to 0.85 N; 60 dB and more are taken off
what lies above 1.07 N, and what lies between N and 1.07 N folds to between 0.93 N and N, where speech has
nothing. Holds back 16 sample periods of the lower rate: 1 ms at 16 kHz, 2 ms at 8 kHz.

The coefficients are multiples of 2^-30, so that all products with 16-bit samples and all their sums are exact
in double precision: in whatever order they are added up, and however a stream is split, the output is the
same.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from beluga_voice.errors import ConfigurationError

_PERIODS = 16
_BETA = 6.2
_CUTOFF = 0.94
_COEFFICIENT_SCALE = 2.0**30
_BLOCK_SAMPLES = 4096
_FEW_PHASES = 8


class Resampler:
    """Turns int16 samples at one rate into int16 samples at another, as a stream.

    The output's first sample stands at the time of the input's first sample; before and after the input there
    is silence. Silence stays silence and a constant stays that constant. Equal rates pass the samples
    through.

    The sub-filters of a pair of rates are shared by all its resamplers: 32 doubles for every Hz of the higher
    rate over the rates' greatest common divisor, as in 768 bytes for 48000 to 16000 Hz and 113 KB for 44100
    to 16000.

    Attributes:
        source_rate: Hz of the input.
        target_rate: Hz of the output.
        delay: seconds of input that are held back until what follows them is known.
    """

    __slots__ = (
        "_down",
        "_filters",
        "_phase",
        "_reach",
        "_tail",
        "_up",
        "delay",
        "source_rate",
        "target_rate",
    )

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Prepare the sub-filters.

        Raises:
            ConfigurationError: a rate is less than 1 Hz.
        """
        if source_rate < 1 or target_rate < 1:
            raise ConfigurationError(
                f"resampling from {source_rate} to {target_rate} Hz; allowed are rates of 1 Hz and more"
            )
        divisor = gcd(source_rate, target_rate)
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._up, self._down = target_rate // divisor, source_rate // divisor
        self._filters = _design(self._up, self._down)
        self._reach = self._filters.shape[1] // 2
        self.delay = 0.0 if source_rate == target_rate else self._reach / source_rate
        self._rewind()

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take the next samples and return what can be said of the output so far.

        Args:
            samples: int16, shape ``(n,)``, of any length. Not retained.

        Returns:
            int16, shape ``(m,)``, rounded and saturated; may be empty. `samples` itself if the rates are
            equal.
        """
        if self._up == self._down:
            return samples
        if len(samples) <= _BLOCK_SAMPLES:
            return self._process_block(samples)
        starts = range(0, len(samples), _BLOCK_SAMPLES)
        return np.concatenate([self._process_block(samples[at : at + _BLOCK_SAMPLES]) for at in starts])

    def flush(self) -> NDArray[np.int16]:
        """End the stream and return the rest of its output; the next samples begin a new stream.

        All output of a stream of ``n`` samples is then ``ceil(n * target_rate / source_rate)`` samples: each
        that stands before the input's end.
        """
        if self._up == self._down:
            return np.empty(0, np.int16)
        rest = self._process_block(np.zeros(self._reach, np.int16))
        self._rewind()
        return rest

    def _rewind(self) -> None:
        # The tail begins with the first sample that the next output needs: `reach - 1` before the stream.
        self._tail = np.zeros(self._reach - 1)
        self._phase = 0

    def _process_block(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        held = len(self._tail)
        signal = np.empty(held + len(samples))
        signal[:held] = self._tail
        signal[held:] = samples
        windows = len(signal) - self._filters.shape[1] + 1
        count = max(0, -((self._phase - windows * self._up) // self._down))
        filtered = self._few_phases if self._up <= _FEW_PHASES else self._many_phases
        output = filtered(signal, count)
        advance, self._phase = divmod(self._phase + count * self._down, self._up)
        self._tail = signal[advance:].copy()
        np.rint(output, output)
        return np.clip(output, -32768, 32767, output).astype(np.int16)

    def _few_phases(self, signal: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Compute `count` outputs, one sub-filter after the other.

        The windows that one sub-filter meets are `down` samples apart: a view shows them, without a copy.
        """
        output = np.empty(count)
        for first in range(min(self._up, count)):
            at, phase = divmod(self._phase + first * self._down, self._up)
            part = output[first :: self._up]
            windows = _windows(signal, at, self._down, len(part), self._filters.shape[1])
            np.vecdot(windows, self._filters[phase], part)
        return output

    def _many_phases(self, signal: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Compute `count` outputs at once, gathering for each its window and its sub-filter."""
        at, phase = np.divmod(np.arange(count) * self._down + self._phase, self._up)
        taps = self._filters.shape[1]
        windows = _windows(signal, 0, 1, max(0, len(signal) - taps + 1), taps)
        output: NDArray[np.float64] = np.vecdot(windows[at], self._filters[phase])
        return output


def _windows(signal: NDArray[np.float64], at: int, step: int, count: int, taps: int) -> NDArray[np.float64]:
    """View `count` overlapping windows of `taps` samples, the first at `at`, each `step` after the last."""
    size = signal.itemsize
    return np.ndarray((count, taps), np.float64, signal, at * size, (step * size, size))


@lru_cache(maxsize=16)
def _design(up: int, down: int) -> NDArray[np.float64]:
    """Design the sub-filters for rates in the ratio `up` to `down`.

    Returns:
        Shape ``(up, taps)``, read-only. Each row sums to 1 within 1e-6, so that a 16-bit constant stays what
        it is.
    """
    period = max(1.0, down / up)
    half = _PERIODS * period
    reach = ceil(half)
    offsets = np.arange(1 - reach, reach + 1) - np.arange(up)[:, np.newaxis] / up
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, None)))
    filters = np.where(np.abs(offsets) < half, window * np.sinc(offsets * (_CUTOFF / period)), 0.0)
    filters *= _COEFFICIENT_SCALE / filters.sum(axis=1, keepdims=True)
    np.rint(filters, filters)
    filters /= _COEFFICIENT_SCALE
    filters.flags.writeable = False
    return filters
