"""Packets in order, Opus both ways, and when the agent's voice leaves."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.audio import AudioFrame
from beluga_voice.testing import sounds
from beluga_voice_webrtc.opus import FRAME, Encoder, Hearing, mono
from beluga_voice_webrtc.seams import Reordering, packets_received, reorder
from beluga_voice_webrtc.track import TAIL, VoiceTrack


def packet(number: int, payload: bytes = b"x") -> RtpPacket:
    made = RtpPacket(sequence_number=number % 65536, timestamp=number * 960)
    made.payload = payload
    made._data = payload  # type: ignore[attr-defined]
    return made


def put(numbers: list[int], waiting: int = 2) -> list[int]:
    buffer = Reordering(waiting, lambda _: None)
    return [each.sequence_number for number in numbers for each in buffer.put(packet(number))]


def test_a_packet_that_is_expected_goes_on_at_once() -> None:
    assert put([65534, 65535, 65536, 65537]) == [65534, 65535, 0, 1]


def test_packets_out_of_order_are_put_in_order_and_doubles_dropped() -> None:
    assert put([1, 3, 2, 2, 5, 4, 1, 6]) == [1, 2, 3, 4, 5, 6]


def test_a_packet_that_stays_missing_is_given_up_when_others_wait_and_nothing_is_late_after_it() -> None:
    assert put([1, 3, 4]) == [1]
    assert put([1, 3, 4, 5, 6, 7]) == [1, 3, 4, 5, 6, 7]
    assert put([1, 3, 4], waiting=0) == [1, 3, 4]


def test_a_stream_that_begins_anew_goes_on() -> None:
    assert put([1, 2, 3, 40000, 40001]) == [1, 2, 3, 40000, 40001]


def test_padding_counts_and_is_not_decoded() -> None:
    buffer = Reordering(2, lambda _: None)
    given_ = [packet(1), packet(2, b""), packet(3)]
    assert [each.sequence_number for made in given_ for each in buffer.put(made)] == [1, 3]


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(0, 4))
def test_each_packet_goes_on_once_at_most_and_in_order(numbers: list[int], waiting: int) -> None:
    out = put(numbers, waiting)
    assert out == sorted(set(out))


def test_several_packets_that_are_ready_are_all_delivered() -> None:
    early: list[int] = []
    buffer = Reordering(2, lambda each: early.append(each.sequence_number))
    buffer.add(packet(1))
    assert buffer.add(packet(3)) == (False, None)
    _, last = buffer.add(packet(2))
    assert early == [2]
    assert last is not None
    assert last.timestamp == 3 * 960


@pytest.mark.real_time
async def test_the_seams_of_this_aiortc_are_there() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = peer.addTransceiver("audio").receiver
    assert "_RTCRtpReceiver__jitter_buffer" in vars(receiver)
    assert vars(receiver)["_RTCRtpReceiver__jitter_buffer"] is not reorder(receiver, 2)
    assert packets_received(receiver.transport) == 0
    await peer.close()


def test_a_voice_is_the_same_after_opus_and_half_a_frame_is_filled() -> None:
    encoder, decoder, hearing = Encoder(32000, 5), OpusDecoder(), Hearing()
    told = sounds.tone(0.5, 24000, frequency=440)
    heard = []
    for number, frame in enumerate(sounds.frames(told[:-100], 24000)):
        for made in encoder.encode(frame.samples, number * 960):
            assert made.pts == number * 960
            decoded = decoder.decode(JitterFrame(bytes(made), made.pts))
            heard += [hearing.hear(each).samples for each in decoded]
    sound = np.concatenate(heard)
    assert len(sound) == pytest.approx(8000, abs=40)
    spectrum = np.abs(np.fft.rfft(sound[1600:6400].astype(float)))
    assert np.argmax(spectrum) * 16000 / 4800 == pytest.approx(440, abs=4)


def test_audio_that_was_lost_is_silence_of_its_length() -> None:
    encoder, decoder, hearing = Encoder(32000, 5), OpusDecoder(), Hearing()
    lengths = 0
    for number in range(50):
        (made,) = encoder.encode(np.zeros(FRAME, np.int16), number * 960)
        if number not in (7, 8, 20):
            for decoded in decoder.decode(JitterFrame(bytes(made), made.pts)):
                lengths += len(hearing.hear(decoded))
    assert lengths == pytest.approx(16000, abs=40)


async def test_packets_leave_when_they_are_put_and_a_tail_of_silence_follows() -> None:
    loop = asyncio.get_running_loop()
    track = VoiceTrack(Encoder(32000, 5))
    left: list[tuple[float, int]] = []

    async def read() -> None:
        while True:
            made = await track.recv()
            left.append((loop.time(), made.pts))

    reading = asyncio.create_task(read())
    await asyncio.sleep(1)
    for _ in range(3):
        track.put(AudioFrame.silence(0.02, 24000))
        await asyncio.sleep(0.02)
    await asyncio.sleep(2)
    track.put(AudioFrame.silence(0.02, 24000))
    await asyncio.sleep(0.01)
    track.stop()
    with pytest.raises(MediaStreamError):
        await reading
    times = [round(at, 3) for at, _ in left]
    assert times[:3] == [1.0, 1.02, 1.04]
    assert len(times) == 3 + TAIL + 1
    assert times[-1] == pytest.approx(3.06, abs=0.002)
    stamps = [pts for _, pts in left]
    assert stamps[:3] == [48000, 48960, 49920]
    assert stamps[-1] == pytest.approx(3.06 * 48000, abs=100)


def test_stereo_becomes_the_mean_of_its_channels() -> None:
    from av import AudioFrame as AVFrame

    frame = AVFrame("s16", "stereo", 4)
    frame.planes[0].update(np.array([100, 200, -32768, -32768, 32767, 32767, 0, 1], np.int16).tobytes())
    assert mono(frame).tolist() == [150, -32768, 32767, 0]
