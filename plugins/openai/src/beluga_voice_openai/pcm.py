"""Samples as they go over HTTP: bare, or with the header of a WAV file."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import Resampler
from beluga_voice.errors import ProviderError

RIFF = 12
"""Bytes before the first part of a WAV file."""


class PcmReader:
    """Reads samples from pieces of bytes that are cut anywhere.

    Args:
        sample_rate: Hz of what is returned, and of bare samples.
        has_header: whether a WAV header comes first; what it tells of the rate is converted.
    """

    def __init__(self, sample_rate: int, *, has_header: bool = False) -> None:
        self._sample_rate = sample_rate
        self._has_header = has_header
        self._rest = b""
        self._resampler: Resampler | None = None

    def feed(self, data: bytes) -> NDArray[np.int16]:
        """Return the samples that `data` completes: int16, shape ``(n,)``; perhaps none.

        Raises:
            ProviderError: the header is none, or of other than mono samples of 16 bits.
        """
        data = self._rest + data
        if self._has_header:
            body = _body(data)
            if body is None:
                self._rest = data
                return np.zeros(0, np.int16)
            start, rate = body
            self._has_header, data = False, data[start:]
            self._resampler = Resampler(rate, self._sample_rate) if rate != self._sample_rate else None
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False)
        return samples if self._resampler is None else self._resampler.process(samples)

    def flush(self) -> NDArray[np.int16]:
        """Return what a conversion of the rate has held back."""
        return np.zeros(0, np.int16) if self._resampler is None else self._resampler.flush()


def _body(data: bytes) -> tuple[int, int] | None:
    """Return where the samples begin, and their rate; None while the header is not complete."""
    if len(data) < RIFF:
        return None
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ProviderError("speech was to come as WAV, and came as something else", retryable=False)
    at, rate = RIFF, 0
    while len(data) >= at + 8:
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"data":
            return at, rate
        if len(data) < at + size:
            return None
        if name == b"fmt ":
            _, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, at)
            if channels != 1 or bits != 16:
                raise ProviderError(
                    f"speech came in {channels} channel(s) of {bits} bits, not mono of 16", retryable=False
                )
        at += size + size % 2
    return None


def wav(samples: NDArray[np.int16], sample_rate: int) -> bytes:
    """Return mono samples as a WAV file."""
    data = samples.astype("<i2", copy=False).tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    rest = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(rest)) + rest
