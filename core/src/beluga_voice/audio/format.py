"""Formats of audio outside the session, and the way in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio.g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode
from beluga_voice.errors import AudioError, ConfigurationError

Encoding = Literal["pcm_s16le", "mulaw", "alaw"]
"""How a sample is written: 16-bit little-endian PCM, or G.711 in either law."""

MIN_SAMPLE_RATE = 8000
MAX_SAMPLE_RATE = 192000


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The form of audio on a wire or in a file.

    Attributes:
        sample_rate: Hz, 8000 to 192000.
        channels: 1, or 2 interleaved.
        encoding: ``pcm_s16le``, ``mulaw`` or ``alaw``.

    Raises:
        ConfigurationError: a value is none of these.
    """

    sample_rate: int = 16000
    channels: int = 1
    encoding: Encoding = "pcm_s16le"

    def __post_init__(self) -> None:
        if not MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise ConfigurationError(
                f"sample_rate {self.sample_rate}; allowed are {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
            )
        if self.channels not in (1, 2):
            raise ConfigurationError(
                f"channels {self.channels}; allowed are 1 (mono) and 2 (stereo): mix more channels down first"
            )
        if self.encoding not in get_args(Encoding):
            raise ConfigurationError(
                f"encoding {self.encoding!r}; allowed are {', '.join(get_args(Encoding))}: "
                "convert anything else first"
            )

    @property
    def bytes_per_second(self) -> int:
        """Bytes that a second of audio takes."""
        return self.sample_rate * self._bytes_per_sample * self.channels

    @property
    def _bytes_per_sample(self) -> int:
        return 2 if self.encoding == "pcm_s16le" else 1

    def decode(self, data: bytes | bytearray | memoryview) -> NDArray[np.int16]:
        """Read `data` as mono: int16, shape ``(n,)``, at `sample_rate`.

        Stereo becomes the mean of its channels, rounded down. Mono PCM is not copied where the machine's own
        byte order is little-endian: the samples are then a read-only view of immutable `data`. No bytes give
        no samples.

        Raises:
            AudioError: `data` ends within a sample, or within a pair of them.
        """
        size = self._bytes_per_sample * self.channels
        if len(data) % size:
            raise AudioError(
                f"{len(data)} bytes of {self.encoding} with {self.channels} channel(s); allowed are "
                f"multiples of {size} bytes: keep the rest for the next call"
            )
        samples = self._expand(data)
        if self.channels == 1:
            return samples
        left, right = samples[0::2], samples[1::2]
        return (np.add(left, right, dtype=np.int32) >> 1).astype(np.int16)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Write mono int16 samples, shape ``(n,)``, in this format; stereo gets the same in both channels."""
        if self.channels == 2:
            samples = samples.repeat(2)
        if self.encoding == "mulaw":
            return mulaw_encode(samples)
        if self.encoding == "alaw":
            return alaw_encode(samples)
        return samples.astype("<i2", copy=False).tobytes()

    def _expand(self, data: bytes | bytearray | memoryview) -> NDArray[np.int16]:
        if self.encoding == "mulaw":
            return mulaw_decode(data)
        if self.encoding == "alaw":
            return alaw_decode(data)
        return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)
