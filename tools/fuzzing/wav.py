"""WAV files from anyone."""

from __future__ import annotations

import io
import struct
import tempfile
import wave
from pathlib import Path

import numpy as np

from beluga_voice.audio.wav import WavWriter, read_tracks, read_wav
from beluga_voice.errors import AudioError

from . import hold

TOKENS = (
    b"RIFF",
    b"WAVE",
    b"fmt ",
    b"data",
    b"LIST",
    b"\x01\x00",
    b"\x03\x00",
    b"\xfe\xff",
    b"\x11\x00\x00\x00",
)


def corpus() -> list[bytes]:
    """Give small files of every form that is read."""
    forms = [
        (1, 1, 8),
        (1, 2, 16),
        (1, 1, 16),
        (1, 3, 24),
        (1, 1, 32),
        (3, 2, 32),
        (3, 1, 64),
        (6, 1, 8),
        (7, 2, 8),
    ]
    return [*(_file(*form) for form in forms), _file(7, 2, 8), _extensible(), _ours()]


def _file(code: int, channels: int, bits: int) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, 8000, 8000 * frame, frame, bits)
    audio = bytes(range(256)) * frame
    return _riff(b"LIST" + struct.pack("<I", 3) + b"abc\0", b"fmt " + struct.pack("<I", 16) + form, audio)


def _extensible() -> bytes:
    form = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4, 1, b"\0" * 14)
    return _riff(b"fmt " + struct.pack("<I", len(form)) + form, b"", bytes(range(200)))


def _riff(first: bytes, second: bytes, audio: bytes) -> bytes:
    chunks = first + second + b"data" + struct.pack("<I", len(audio)) + audio
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _ours() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.wav"
        writer = WavWriter(path, 24000, channels=2)
        writer.write(np.arange(200, dtype=np.int16).reshape(-1, 2))
        writer.close()
        return path.read_bytes()


def check(data: bytes, folder: Path) -> None:
    """Read `data`; what is read must be audio, and what the standard library reads too must be the same."""
    path = folder / "in.wav"
    path.write_bytes(data)
    try:
        read = read_wav(path)
    except AudioError as error:
        hold(str(path) in str(error), "the error does not name the file")
        return
    tracks = read_tracks(path)
    assert read.samples.dtype == tracks.samples.dtype == np.int16
    assert read.samples.ndim == 1
    assert len(read.samples) >= 1
    assert 1000 <= read.sample_rate == tracks.sample_rate <= 384000
    assert tracks.samples.shape == (len(read.samples), read.channels)
    assert read.missing_samples == tracks.missing_samples >= 0
    loud = np.abs(tracks.samples.astype(float)).max(axis=1) >= 32767  # saturates each for itself
    mean = tracks.samples.astype(float).mean(axis=1)
    hold(bool((loud | (np.abs(mean - read.samples) <= 1.01)).all()), "the mean of the tracks is another")
    _compare(data, read.sample_rate, tracks.samples)


def _compare(data: bytes, rate: int, samples: np.ndarray) -> None:
    try:
        with wave.open(io.BytesIO(data)) as other:
            form = other.getnchannels(), other.getsampwidth(), other.getframerate()
            frames = other.readframes(other.getnframes())
    except Exception:  # noqa: BLE001 - the standard library reads fewer files, and fails in many ways
        return
    if form == (samples.shape[1], 2, rate) and 0 < len(frames) <= samples.nbytes:
        theirs = np.frombuffer(frames[: len(frames) // (2 * form[0]) * 2 * form[0]], "<i2")
        assert samples.ravel()[: len(theirs)].tolist() == theirs.tolist(), "other samples than the library's"
