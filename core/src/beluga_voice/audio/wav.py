"""WAV files: read from anyone, written so that a crash leaves a file that opens.

The form is RIFF/WAVE of Microsoft and IBM (Multimedia Programming Interface and Data Specifications 1.0,
1991), with ``WAVEFORMATEXTENSIBLE`` (Microsoft, Multiple Channel Audio Data and WAVE Files).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio.g711 import alaw_decode, mulaw_decode
from beluga_voice.audio.output import create_file
from beluga_voice.errors import AudioError, ConfigurationError

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE
_WIDTHS = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8), _ALAW: (1,), _MULAW: (1,)}
_ALLOWED = "PCM of 8, 16, 24 and 32 bits, float of 32 and 64 bits, mu-law and A-law"
_CONVERT = "convert it, for example with `ffmpeg -i IN -c:a pcm_s16le OUT.wav`"
_MIN_RATE, _MAX_RATE = 1000, 384000
_BLOCK = 1 << 18
_HEADER_BYTES = 44
_UNKNOWN_SIZE = 0x7FFFF000
"""From here up, sizes are what programs write that do not know them: sox 0x7FFFF000, ffmpeg 0xFFFFFFFF."""


@dataclass(frozen=True, slots=True)
class Wav:
    """What a WAV file holds, as mono.

    Attributes:
        samples: int16, shape ``(n,)``, at least one; the mean of the file's channels.
        sample_rate: Hz, the file's own.
        channels: of the file.
        missing_samples: samples (of each channel) that the header announces and the file does not have: it
            was cut off. 0 when the file is whole, or when its writer did not know the length.
    """

    samples: NDArray[np.int16]
    sample_rate: int
    channels: int
    missing_samples: int = 0


@dataclass(frozen=True, slots=True)
class Tracks:
    """What a WAV file holds, channel by channel.

    Attributes:
        samples: int16, shape ``(n, channels)``, n at least 1.
        sample_rate: Hz, the file's own.
        missing_samples: as of `Wav`.
    """

    samples: NDArray[np.int16]
    sample_rate: int
    missing_samples: int = 0


class _Form(NamedTuple):
    code: int
    channels: int
    sample_rate: int
    width: int  # bytes of one sample of one channel


def read_wav(path: Path) -> Wav:
    """Read a WAV file of any common form.

    PCM of 8 to 32 bits, float, mu-law and A-law, plain or extensible; any number of channels; chunks of other
    kinds are skipped. A file that is cut off gives what is there, with `Wav.missing_samples`: half a
    recording is worth hearing, and the one who asked is told. Finer samples are rounded, float saturates, and
    NaN is silence.

    Raises:
        ConfigurationError: there is no such file, or it may not be read.
        AudioError: the file is empty, is no WAV file, holds another form of audio, or no audio at all.
    """
    data, form, missing = _open(path)
    return Wav(_to_mono(data, form), form.sample_rate, form.channels, missing)


def read_tracks(path: Path) -> Tracks:
    """Read a WAV file as `read_wav` does, each channel for itself: both sides of a recorded call.

    Raises:
        ConfigurationError: as `read_wav`.
        AudioError: as `read_wav`.
    """
    data, form, missing = _open(path)
    if (form.code, form.width) == (_PCM, 2):
        samples = np.frombuffer(data, "<i2").astype(np.int16, copy=False)
    else:
        samples = np.rint(_as_float(data, form)).clip(-32768, 32767).astype(np.int16)
    return Tracks(samples.reshape(-1, form.channels), form.sample_rate, missing)


def _open(path: Path) -> tuple[memoryview, _Form, int]:
    """Find the audio: its bytes, its form, and how many samples of each channel are missing at its end."""
    data = _read(path)
    form, start, size = _parse(data, path)
    streamed = size == 0 or size >= _UNKNOWN_SIZE
    there = len(data) - start
    frame = form.width * form.channels
    count = (there if streamed else min(size, there)) // frame
    if count == 0:
        raise AudioError(f"{path} holds 0 samples; at least one is needed: record or export it again")
    missing = 0 if streamed else size // frame - count
    return data[start : start + count * frame], form, missing


def _read(path: Path) -> memoryview:
    try:
        return memoryview(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}; name a WAV file that is there"
        ) from error


def _parse(data: memoryview, path: Path) -> tuple[_Form, int, int]:
    """Find the form, where the audio begins, and the size that its chunk announces."""
    if len(data) == 0:
        raise AudioError(f"{path} is empty; a WAV file begins with a header: record or export it again")
    head = bytes(data[:12])
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise AudioError(f"{path} is no WAV file: it begins with {head!r}, not RIFF....WAVE; {_CONVERT}")
    form, at = None, 12
    while at + 8 <= len(data):
        name, size = bytes(data[at : at + 4]), struct.unpack_from("<I", data, at + 4)[0]
        at += 8
        if name == b"fmt ":
            form = _parse_form(data[at : at + size], path)
        elif name == b"data":
            if form is None:
                raise AudioError(f"{path} has no 'fmt ' chunk before its 'data' chunk; {_CONVERT}")
            return form, at, size
        at += size + size % 2
    raise AudioError(f"{path} has no 'data' chunk in its {len(data)} bytes; record or export it again")


def _parse_form(chunk: memoryview, path: Path) -> _Form:
    if len(chunk) < 16:
        raise AudioError(
            f"{path} has a 'fmt ' chunk of {len(chunk)} bytes; it has at least 16: export it again"
        )
    code, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == _EXTENSIBLE and len(chunk) >= 26:
        code = struct.unpack_from("<H", chunk, 24)[0]
    if channels == 0 or frame % channels or frame // channels not in _WIDTHS.get(code, ()):
        raise AudioError(
            f"{path} holds WAVE format 0x{code:04X} of {bits} bits, {channels} channel(s), {frame} bytes a "
            f"frame; allowed are {_ALLOWED}: {_CONVERT}"
        )
    if bits > 8 * frame // channels:
        raise AudioError(
            f"{path} contradicts itself: samples of {bits} bits in {frame // channels} byte(s); {_CONVERT}"
        )
    if not _MIN_RATE <= rate <= _MAX_RATE:
        raise AudioError(f"{path} has {rate} Hz; allowed are {_MIN_RATE} to {_MAX_RATE} Hz: {_CONVERT}")
    return _Form(code, channels, rate, frame // channels)


def _to_mono(data: memoryview, form: _Form) -> NDArray[np.int16]:
    """Read interleaved frames as the mean of their channels, a block at a time to spare memory."""
    if form.channels == 1 and (form.code, form.width) == (_PCM, 2):
        return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
    frame = form.width * form.channels
    mono = np.empty(len(data) // frame, np.int16)
    for at in range(0, len(mono), _BLOCK):
        block = _as_float(data[at * frame : (at + _BLOCK) * frame], form).reshape(-1, form.channels)
        mono[at : at + _BLOCK] = np.rint(block.mean(axis=1)).clip(-32768, 32767)
    return mono


def _as_float(data: memoryview, form: _Form) -> NDArray[np.float64]:
    """Read samples as doubles of which 1.0 is one step of 16-bit PCM."""
    if form.code == _MULAW:
        return mulaw_decode(data).astype(np.float64)
    if form.code == _ALAW:
        return alaw_decode(data).astype(np.float64)
    if form.code == _FLOAT:
        with np.errstate(invalid="ignore"):  # there are NaNs that warn
            floats = np.frombuffer(data, f"<f{form.width}").astype(np.float64)
        return np.nan_to_num(floats, nan=0.0, posinf=1.0, neginf=-1.0).clip(-2, 2) * 32768
    if form.width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) * 256
    # Left-justify in 32 bits: 16, 24 and 32 bits then differ in their lowest bytes only.
    wide = np.zeros((len(data) // form.width, 4), np.uint8)
    wide[:, 4 - form.width :] = np.frombuffer(data, np.uint8).reshape(-1, form.width)
    return wide.view("<i4").ravel() / 65536


class WavWriter:
    """Writes 16-bit PCM to a WAV file while it comes.

    The header tells the length of what was written before: it is brought up to date after the audio at each
    `write`, so that the file opens at any time, also when the program was killed. Past 4 GiB, which the
    header cannot tell, it says "unknown length".
    """

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        """Create the file, or overwrite it.

        Raises:
            ConfigurationError: it cannot be opened for writing, or another call is being written to it.
            OSError: it can, and the disk is full or gone.
        """
        self._sample_rate = sample_rate
        self._channels = channels
        self._size = 0
        self._file = create_file(path)
        try:
            self._write_header()
        except OSError:
            self._file.close()
            raise

    def write(self, samples: NDArray[np.int16]) -> None:
        """Append int16 samples, shape ``(n, channels)``.

        Raises:
            OSError: the disk is full or gone.
        """
        data = samples.astype("<i2", copy=False).tobytes()
        self._put(_HEADER_BYTES + self._size, data)
        self._size += len(data)
        self._write_header()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.close()

    def _write_header(self) -> None:
        frame = 2 * self._channels
        form = struct.pack(
            "<HHIIHH", _PCM, self._channels, self._sample_rate, self._sample_rate * frame, frame, 16
        )
        size = min(self._size, 0xFFFFFFFF)
        riff = struct.pack("<4sI4s4sI", b"RIFF", min(size + 36, 0xFFFFFFFF), b"WAVE", b"fmt ", len(form))
        self._put(0, riff + form + struct.pack("<4sI", b"data", size))

    def _put(self, at: int, data: bytes) -> None:
        """Write `data` at byte `at`: to the system, which keeps it when the program is killed."""
        self._file.seek(at)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
