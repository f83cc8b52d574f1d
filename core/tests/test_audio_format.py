"""Formats: what is allowed, and bytes to samples and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.audio import AudioFormat, Encoding, alaw_encode, mulaw_decode, mulaw_encode
from beluga_voice.errors import AudioError, ConfigurationError

pcm_samples = st.lists(st.integers(-32768, 32767), max_size=50).map(lambda values: np.array(values, np.int16))


@given(samples=pcm_samples, channels=st.sampled_from([1, 2]))
def test_pcm_comes_back_as_it_went(samples: np.ndarray, channels: int) -> None:
    form = AudioFormat(channels=channels)
    np.testing.assert_array_equal(form.decode(form.encode(samples)), samples)


def test_stereo_is_averaged_without_overflow() -> None:
    data = np.array([32767, 32767, -32768, -32768, 32767, -32768, 10, 20], "<i2").tobytes()
    assert AudioFormat(channels=2).decode(data).tolist() == [32767, -32768, -1, 15]


def test_pcm_is_little_endian() -> None:
    assert AudioFormat().decode(b"\x01\x02").tolist() == [0x0201]
    assert AudioFormat().encode(np.array([0x0201], np.int16)) == b"\x01\x02"


def test_g711_is_decoded_and_encoded() -> None:
    samples = np.array([0, 1000, -1000, 32767], np.int16)
    assert AudioFormat(8000, encoding="mulaw").encode(samples) == mulaw_encode(samples)
    assert AudioFormat(8000, encoding="alaw").encode(samples) == alaw_encode(samples)
    code = bytes(range(256))
    assert AudioFormat(8000, encoding="mulaw").decode(code).tolist() == mulaw_decode(code).tolist()


def test_g711_in_stereo_takes_two_bytes_a_sample() -> None:
    form = AudioFormat(8000, channels=2, encoding="alaw")
    samples = np.array([8, -8, 5000], np.int16)
    data = form.encode(samples)
    assert len(data) == 6
    assert form.decode(data).tolist() == AudioFormat(8000, encoding="alaw").decode(data[::2]).tolist()


def test_no_bytes_give_no_samples() -> None:
    assert len(AudioFormat().decode(b"")) == 0


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (AudioFormat(), 32000),
        (AudioFormat(8000, encoding="mulaw"), 8000),
        (AudioFormat(48000, channels=2), 192000),
    ],
)
def test_bytes_per_second(form: AudioFormat, wanted: int) -> None:
    assert form.bytes_per_second == wanted


@pytest.mark.parametrize(
    ("channels", "encoding", "length", "size"),
    [(1, "pcm_s16le", 3, 2), (2, "pcm_s16le", 6, 4), (2, "alaw", 1, 2)],
)
def test_refuses_a_part_of_a_sample(channels: int, encoding: Encoding, length: int, size: int) -> None:
    form = AudioFormat(8000, channels, encoding)
    with pytest.raises(AudioError, match=f"^{length} bytes of {encoding}.*multiples of {size} bytes"):
        form.decode(bytes(length))


@pytest.mark.parametrize("rate", [0, -16000, 7999, 192001])
def test_refuses_a_sample_rate_that_is_none(rate: int) -> None:
    with pytest.raises(ConfigurationError, match=f"sample_rate {rate}; allowed are 8000 to 192000 Hz"):
        AudioFormat(rate)


@pytest.mark.parametrize("channels", [0, 3])
def test_refuses_other_numbers_of_channels(channels: int) -> None:
    with pytest.raises(ConfigurationError, match=f"channels {channels}; allowed are 1"):
        AudioFormat(channels=channels)


def test_refuses_an_encoding_that_it_does_not_know() -> None:
    with pytest.raises(ConfigurationError, match="encoding 'opus'; allowed are pcm_s16le, mulaw, alaw"):
        AudioFormat(encoding="opus")  # type: ignore[arg-type]
