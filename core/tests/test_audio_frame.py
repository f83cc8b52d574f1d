"""Frames."""

from __future__ import annotations

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.errors import AudioError


def test_reads_and_writes_little_endian_pcm() -> None:
    frame = AudioFrame.from_bytes(b"\x01\x00\xff\xff", 8000, position=160)
    assert frame.samples.tolist() == [1, -1]
    assert frame.samples.dtype == np.int16
    assert (frame.sample_rate, frame.position, len(frame)) == (8000, 160, 2)
    assert frame.tobytes() == b"\x01\x00\xff\xff"


def test_reads_any_buffer_without_a_copy() -> None:
    data = bytearray(b"\x01\x00\x02\x00")
    frame = AudioFrame.from_bytes(memoryview(data), 8000)
    assert np.shares_memory(frame.samples, np.frombuffer(data, np.int16))


def test_writes_a_view_with_a_stride() -> None:
    assert AudioFrame(np.arange(4, dtype=np.int16)[::2], 8000).tobytes() == b"\x00\x00\x02\x00"


def test_lasts_as_long_as_its_samples() -> None:
    assert AudioFrame(np.zeros(441, np.int16), 22050).duration == 0.02


def test_silence_has_the_length_asked_for() -> None:
    frame = AudioFrame.silence(0.02, 16000, position=7)
    assert len(frame) == 320
    assert not frame.samples.any()
    assert frame.position == 7


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"", "0 bytes"), (b"\x00\x01\x02", "3 bytes; .* even number")]
)
def test_refuses_bytes_that_are_no_samples(data: bytes, sentence: str) -> None:
    with pytest.raises(AudioError, match=sentence):
        AudioFrame.from_bytes(data, 16000)


def test_repr_tells_length_rate_and_position() -> None:
    assert repr(AudioFrame.silence(0.02, 16000, 320)) == "AudioFrame(320 samples, 16000 Hz, position=320)"
