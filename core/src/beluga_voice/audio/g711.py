"""G.711: mu-law and A-law, the two companding laws of telephony.

Both laws keep a sign, a segment (a power of two) and four bits within the segment. The samples are 16-bit
here, and the laws are defined on fewer bits, so the lowest bits are cut off first: two for mu-law (14 bits),
three for A-law (13 bits). Decoded samples are scaled back to 16 bits. Source: ITU-T G.711 (11/88), tables 1
and 2.

A number on a decision value goes to the larger magnitude in mu-law, to the larger number in A-law, as
telephony's common code has it.

Encoding and decoding are one look-up in a table; the tables are computed from the definition at import.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MULAW_BIAS = 33
_MULAW_CLIP = 8158
_AS_SIGNED = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)


def _floor_log2(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the position of the highest bit of each of `values`, which are at least 1."""
    return (np.frexp(values.astype(np.float64))[1] - 1).astype(np.int32)


def _mulaw_encoding() -> NDArray[np.uint8]:
    linear = _AS_SIGNED >> 2
    magnitude = np.minimum(np.abs(linear), _MULAW_CLIP) + _MULAW_BIAS
    segment = _floor_log2(magnitude) - 5
    code: NDArray[np.int32] = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    return (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)


def _mulaw_decoding() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0xFF
    magnitude = (((code & 0x0F) * 2 + _MULAW_BIAS) << ((code >> 4) & 0x07)) - _MULAW_BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def _alaw_encoding() -> NDArray[np.uint8]:
    linear = _AS_SIGNED >> 3
    magnitude = np.where(linear < 0, -linear - 1, linear).astype(np.int32)
    segment = np.maximum(_floor_log2(np.maximum(magnitude, 1)) - 4, 0)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    return (code ^ np.where(linear < 0, 0x55, 0xD5)).astype(np.uint8)


def _alaw_decoding() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0xD5
    segment, step = (code >> 4) & 0x07, (code & 0x0F) * 2
    magnitude = np.where(segment == 0, step + 1, (step + 33) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, -magnitude, magnitude) * 8).astype(np.int16)


_MULAW_ENCODING = _mulaw_encoding()
_MULAW_DECODING = _mulaw_decoding()
_ALAW_ENCODING = _alaw_encoding()
_ALAW_DECODING = _alaw_decoding()


def mulaw_encode(samples: NDArray[np.int16]) -> bytes:
    """Compress int16 samples, shape ``(n,)``, to `n` bytes of mu-law."""
    return _MULAW_ENCODING[samples.view(np.uint16)].tobytes()


def mulaw_decode(data: bytes | bytearray | memoryview) -> NDArray[np.int16]:
    """Expand `n` bytes of mu-law to int16 samples, shape ``(n,)``, of -32124 to 32124."""
    return _MULAW_DECODING[np.frombuffer(data, np.uint8)]


def alaw_encode(samples: NDArray[np.int16]) -> bytes:
    """Compress int16 samples, shape ``(n,)``, to `n` bytes of A-law."""
    return _ALAW_ENCODING[samples.view(np.uint16)].tobytes()


def alaw_decode(data: bytes | bytearray | memoryview) -> NDArray[np.int16]:
    """Expand `n` bytes of A-law to int16 samples, shape ``(n,)``, of -32256 to 32256."""
    return _ALAW_DECODING[np.frombuffer(data, np.uint8)]
