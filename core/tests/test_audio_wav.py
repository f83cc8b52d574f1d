"""WAV files of every form that callers bring, and of none."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import alaw_decode, mulaw_decode
from beluga_voice.audio.wav import WavWriter, read_tracks, read_wav
from beluga_voice.errors import AudioError, ConfigurationError

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def form(code: int, channels: int, rate: int, bits: int, extra: bytes = b"") -> bytes:
    frame = channels * ((bits + 7) // 8)
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits) + extra)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.wav"


@pytest.mark.parametrize(
    ("code", "bits", "data", "wanted"),
    [
        (PCM, 8, bytes([0, 128, 255]), [-32768, 0, 32512]),
        (PCM, 16, np.array([-32768, 1, 32767], "<i2").tobytes(), [-32768, 1, 32767]),
        (PCM, 12, np.array([-32768, 16, 32752], "<i2").tobytes(), [-32768, 16, 32752]),
        (
            PCM,
            24,
            b"\x00\x00\x80" + b"\x7f\x01\x00" + b"\x81\x01\x00" + b"\xff\xff\x7f",
            [-32768, 1, 2, 32767],
        ),
        (PCM, 32, np.array([-(2**31), 3 << 16, 2**31 - 1], "<i4").tobytes(), [-32768, 3, 32767]),
        (FLOAT, 32, np.array([-1, 0.5, 1, 7, -7], "<f4").tobytes(), [-32768, 16384, 32767, 32767, -32768]),
        (FLOAT, 64, np.array([-0.25, np.nan, np.inf], "<f8").tobytes(), [-8192, 0, 32767]),
        (MULAW, 8, bytes(range(256)), mulaw_decode(bytes(range(256))).tolist()),
        (ALAW, 8, bytes(range(256)), alaw_decode(bytes(range(256))).tolist()),
    ],
)
def test_reads_every_form_of_sample(path: Path, code: int, bits: int, data: bytes, wanted: list[int]) -> None:
    path.write_bytes(riff(form(code, 1, 11025, bits), chunk(b"data", data)))
    wav = read_wav(path)
    assert wav.samples.tolist() == wanted
    assert wav.samples.dtype == np.int16
    assert (wav.sample_rate, wav.channels, wav.missing_samples) == (11025, 1, 0)


@pytest.mark.parametrize(
    ("channels", "frames", "wanted"),
    [
        (2, [[32767, 32767], [-32768, -32768], [100, 300]], [32767, -32768, 200]),
        (6, [[6, 12, 18, 24, 30, 36]], [21]),
    ],
)
def test_channels_are_averaged(path: Path, channels: int, frames: list[list[int]], wanted: list[int]) -> None:
    data = np.array(frames, "<i2").tobytes()
    path.write_bytes(riff(form(PCM, channels, 44100, 16), chunk(b"data", data)))
    wav = read_wav(path)
    assert wav.samples.tolist() == wanted
    assert wav.channels == channels


@pytest.mark.parametrize(
    ("code", "bits", "data", "wanted"),
    [
        (PCM, 24, b"\x00\x00\x40", [16384]),
        (FLOAT, 32, struct.pack("<f", -0.5), [-16384]),
        (MULAW, 8, b"\x00", [-32124]),
    ],
)
def test_reads_extensible_headers(path: Path, code: int, bits: int, data: bytes, wanted: list[int]) -> None:
    guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
    extra = struct.pack("<HHI", 22, bits, 4) + guid
    path.write_bytes(riff(form(EXTENSIBLE, 1, 48000, bits, extra), chunk(b"data", data)))
    assert read_wav(path).samples.tolist() == wanted


def test_skips_unknown_chunks_and_their_padding(path: Path) -> None:
    data = np.array([1, 2, 3], "<i2").tobytes()
    odd = chunk(b"LIST", b"INFOx")
    path.write_bytes(
        riff(odd, form(PCM, 1, 16000, 16), odd, chunk(b"fact", b"1234"), chunk(b"data", data), odd)
    )
    wav = read_wav(path)
    assert wav.samples.tolist() == [1, 2, 3]
    assert wav.missing_samples == 0


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_reads_a_stream_of_unknown_length_to_its_end(path: Path, size: int) -> None:
    data = np.array([5, 6, 7], "<i2").tobytes()
    path.write_bytes(riff(form(PCM, 1, 16000, 16), chunk(b"data", data, size)))
    wav = read_wav(path)
    assert wav.samples.tolist() == [5, 6, 7]
    assert wav.missing_samples == 0


def test_a_file_that_is_cut_off_gives_what_is_there_and_says_what_is_missing(path: Path) -> None:
    whole = riff(form(PCM, 2, 16000, 16), chunk(b"data", np.arange(100, dtype="<i2").repeat(2).tobytes()))
    path.write_bytes(whole[: 44 + 4 * 30 + 3])
    wav = read_wav(path)
    assert wav.samples.tolist() == list(range(30))
    assert wav.missing_samples == 70


def test_a_long_file_is_read_across_blocks(path: Path) -> None:
    left = np.random.default_rng(1).integers(-30000, 30000, 600_000).astype("<i2")
    path.write_bytes(riff(form(PCM, 2, 48000, 16), chunk(b"data", np.repeat(left, 2).tobytes())))
    np.testing.assert_array_equal(read_wav(path).samples, left)


HEADER = form(PCM, 1, 16000, 16)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; a WAV file begins with a header: record or export it again"),
        (
            b"hello, this is no sound at all",
            "is no WAV file: it begins with b'hello, this ', not RIFF....WAVE",
        ),
        (b"RIFX\0\0\0\0WAVE", "is no WAV file"),
        (b"RIFF", "is no WAV file"),
        (riff(HEADER), "has no 'data' chunk in its 36 bytes"),
        (riff(HEADER)[:30], "has a 'fmt ' chunk of 10 bytes; it has at least 16"),
        (riff(chunk(b"data", b"12")), "has no 'fmt ' chunk before its 'data' chunk"),
        (riff(HEADER, chunk(b"data", b"")), "holds 0 samples; at least one is needed"),
        (riff(HEADER, chunk(b"data", b"1")), "holds 0 samples"),
        (
            riff(form(0x55, 1, 44100, 0), chunk(b"data", b"12")),
            "WAVE format 0x0055 of 0 bits, 1 .* allowed are PCM",
        ),
        (riff(form(PCM, 1, 44100, 64), chunk(b"data", bytes(8))), "WAVE format 0x0001 of 64 bits"),
        (riff(form(PCM, 0, 44100, 16), chunk(b"data", bytes(8))), "0 channel"),
        (riff(form(PCM, 1, 0, 16), chunk(b"data", bytes(8))), "has 0 Hz; allowed are 1000 to 384000 Hz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_says_why_a_file_is_no_audio(path: Path, content: bytes, sentence: str) -> None:
    path.write_bytes(content)
    with pytest.raises(AudioError, match=sentence) as caught:
        read_wav(path)
    assert str(caught.value).startswith(str(path))


def test_says_that_there_is_no_file(path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot read .*call\.wav: No such file or directory; name a WAV"
    ):
        read_wav(path)


def test_says_that_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        read_wav(tmp_path)


def stereo(count: int, start: int = 0) -> NDArray[np.int16]:
    return np.arange(start, start + 2 * count, dtype=np.int16).reshape(-1, 2)


def test_writes_what_another_reader_reads(path: Path) -> None:
    writer = WavWriter(path, 22050, channels=2)
    writer.write(stereo(100))
    writer.write(stereo(50, start=200))
    writer.close()
    writer.close()
    with wave.open(str(path)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate(), read.getnframes()) == (
            2,
            2,
            22050,
            150,
        )
        assert read.readframes(150) == np.arange(300, dtype="<i2").tobytes()


def test_the_file_opens_while_it_is_being_written(path: Path) -> None:
    writer = WavWriter(path, 16000, channels=2)
    writer.write(stereo(100))
    with wave.open(str(path)) as read:
        assert read.getnframes() == 100
    writer.close()


def test_says_that_a_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot write .*: No such file or directory; name a file in a"
    ):
        WavWriter(tmp_path / "nowhere" / "call.wav", 16000, channels=2)


def test_reads_each_channel_for_itself(path: Path) -> None:
    writer = WavWriter(path, 16000, channels=2)
    writer.write(stereo(100))
    writer.close()
    read = read_tracks(path)
    assert read.sample_rate == 16000
    assert read.samples.tolist() == stereo(100).tolist()


def test_reads_each_channel_of_other_forms_too(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes([128, 255, 0, 129]))
    assert read_tracks(path).samples.tolist() == [[0, 127 * 256], [-128 * 256, 256]]


def test_a_signalling_nan_is_silence_like_any_other(path: Path) -> None:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, FLOAT, 1, 8000, 32000, 4, 32)
    audio = struct.pack("<4sI4s4s", b"data", 8, b"\x01\x00\x80\x7f", struct.pack("<f", 0.5))
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(form) + len(audio)) + b"WAVE" + form + audio)
    assert read_wav(path).samples.tolist() == [0, 16384]


def test_samples_that_do_not_fit_their_bytes_are_refused(path: Path) -> None:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, PCM, 1, 8000, 16000, 1, 16)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 48) + b"WAVE" + form + struct.pack("<4sI8s", b"data", 8, b"12345678")
    )
    with pytest.raises(
        AudioError, match=r"contradicts itself: samples of 16 bits in 1 byte\(s\); convert it"
    ):
        read_wav(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_from_a_path_that_is_wrong() -> None:
    with pytest.raises(OSError, match="No space left"):
        WavWriter(Path("/dev/full"), 16000, channels=2)
