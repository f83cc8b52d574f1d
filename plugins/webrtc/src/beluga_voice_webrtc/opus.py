"""The agent's voice as Opus packets, and the caller's as frames for the session."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

import numpy as np
from av import AudioFrame as AVFrame
from av import AudioStream, CodecContext
from av.audio.codeccontext import AudioCodecContext
from av.packet import Packet as AVPacket
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts.server import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE

CLOCK = 48000
"""Hz of Opus's timestamps, whatever the audio's rate (RFC 7587, section 4.1)."""

TIME_BASE = Fraction(1, CLOCK)

Packet: TypeAlias = "AVPacket[AudioStream]"
"""Encoded audio."""

FRAME = OUTPUT_SAMPLE_RATE // 50
"""Samples of a packet: 20 ms."""

TICKS = CLOCK // 50

LONGEST_GAP = CLOCK
"""Ticks of audio that are filled with silence where packets are lost; a longer gap is a pause."""


class Encoder:
    """Encodes frames of 20 ms at `OUTPUT_SAMPLE_RATE`, mono: half the samples of 48 kHz, and one channel of two.

    With in-band forward error correction for 10 % loss, which browsers use.

    Args:
        bitrate: bits a second.
        complexity: 0 to 10.
    """

    def __init__(self, bitrate: int, complexity: int) -> None:
        codec = CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.bit_rate = bitrate
        codec.sample_rate = OUTPUT_SAMPLE_RATE
        codec.layout = "mono"
        codec.format = "s16"
        codec.options = {
            "application": "voip",
            "compression_level": str(complexity),
            "fec": "1",
            "packet_loss": "10",
        }
        self._codec = codec
        self._samples = 0

    def encode(self, samples: NDArray[np.int16], timestamp: int) -> list[Packet]:
        """Encode a frame; a short one is filled with silence.

        Args:
            samples: int16, at most `FRAME` of them.
            timestamp: of the first, in ticks of `CLOCK`.
        """
        if len(samples) < FRAME:
            samples = np.concatenate([samples, np.zeros(FRAME - len(samples), np.int16)])
        frame = AVFrame("s16", "mono", FRAME)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = OUTPUT_SAMPLE_RATE
        frame.pts = self._samples
        frame.time_base = Fraction(1, OUTPUT_SAMPLE_RATE)
        self._samples += FRAME
        packets = list(self._codec.encode(frame))
        for packet in packets:
            packet.pts = timestamp
            packet.time_base = TIME_BASE
        return packets


class Hearing:
    """Makes of decoded frames, 48 kHz stereo, what the session hears: converted once, gaps filled with silence."""

    def __init__(self) -> None:
        self._resampler = Resampler(CLOCK, INPUT_SAMPLE_RATE)
        self._expected: int | None = None

    def hear(self, frame: AVFrame) -> AudioFrame:
        """Return the audio of a decoded frame, and of what was lost before it; may be empty."""
        samples = mono(frame)
        start = self._expected if frame.pts is None else frame.pts
        gap = 0 if self._expected is None or start is None else start - self._expected
        if 0 < gap <= LONGEST_GAP:
            samples = np.concatenate([np.zeros(gap, np.int16), samples])
        self._expected = (start or 0) + frame.samples
        return AudioFrame(self._resampler.process(samples), INPUT_SAMPLE_RATE)


def mono(frame: AVFrame) -> NDArray[np.int16]:
    """Return a frame's samples, the mean of its channels: int16, shape ``(n,)``."""
    samples = frame.to_ndarray().reshape(-1)
    if frame.layout.nb_channels == 1:
        return samples.astype(np.int16, copy=False)
    pairs = samples.reshape(-1, 2)
    return (np.add(pairs[:, 0], pairs[:, 1], dtype=np.int32) >> 1).astype(np.int16)
