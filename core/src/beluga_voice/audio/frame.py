"""A span of audio on its way through a session."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from beluga_voice.errors import AudioError

_LITTLE_ENDIAN = sys.byteorder == "little"


class AudioFrame:
    """Mono PCM of one instant: samples, their rate, and where the first of them stands in its stream.

    A frame is a view, not a container: it is made per 20 ms and session, so it has slots and checks nothing.
    Whoever takes audio from outside uses `AudioFrame.from_bytes` or `AudioFormat.decode`, which do check.

    Attributes:
        samples: int16, shape ``(n,)``. Not to be changed once the frame has been handed on.
        sample_rate: samples per second.
        position: index of ``samples[0]`` in its stream, counted at `sample_rate` from 0.
    """

    __slots__ = ("position", "sample_rate", "samples")

    def __init__(self, samples: NDArray[np.int16], sample_rate: int, position: int = 0) -> None:
        self.samples = samples
        self.sample_rate = sample_rate
        self.position = position

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, sample_rate: int, position: int = 0
    ) -> AudioFrame:
        """Read little-endian 16-bit mono PCM, without a copy where the machine's own order is little-endian.

        Raises:
            AudioError: `data` is empty or has an odd number of bytes.
        """
        if len(data) == 0:
            raise AudioError("a frame of 0 bytes; a frame holds at least one 16-bit sample")
        if len(data) % 2:
            raise AudioError(f"a frame of {len(data)} bytes; 16-bit samples need an even number of bytes")
        samples = np.frombuffer(data, np.int16)
        return cls(samples if _LITTLE_ENDIAN else samples.byteswap(), sample_rate, position)

    @classmethod
    def silence(cls, duration: float, sample_rate: int, position: int = 0) -> AudioFrame:
        """Make `duration` seconds of zeros."""
        return cls(np.zeros(round(duration * sample_rate), np.int16), sample_rate, position)

    @property
    def duration(self) -> float:
        """Seconds that the frame lasts."""
        return len(self.samples) / self.sample_rate

    def tobytes(self) -> bytes:
        """Return the samples as little-endian 16-bit PCM."""
        return self.samples.astype("<i2", copy=False).tobytes()

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"AudioFrame({len(self.samples)} samples, {self.sample_rate} Hz, position={self.position})"
