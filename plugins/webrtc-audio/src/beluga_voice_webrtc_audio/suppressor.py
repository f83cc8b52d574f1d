"""Noise suppressor that runs WebRTC's audio processing on each stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pywebrtc_audio import AudioProcessor

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import NoiseSuppressor, NoiseSuppressorStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice_webrtc_audio.settings import WebRTCAudioSettings

SAMPLE_RATE = 16000

BLOCK = SAMPLE_RATE // 100
"""Samples that WebRTC processes at a time: 10 ms."""

LEVELS = {"off": 0, "low": 0, "moderate": 1, "high": 2, "very-high": 3}


class WebRTCNoiseSuppressor(NoiseSuppressor):
    """Takes echo and noise out of the caller's audio, as browsers do.

    Its echo canceller needs what was played; without it, it passes the agent's voice through.

    Args:
        settings: what is done.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: WebRTCAudioSettings | None = None) -> None:
        self._settings = settings or WebRTCAudioSettings()
        self.cancels_echo = self._settings.echo
        self._open = False

    async def open(self) -> None:
        """Let streams be opened."""
        self._open = True

    def open_stream(self) -> NoiseSuppressorStream:
        """Open a stream with a processor of its own."""
        if not self._open:
            raise ClosedError("this noise suppressor is not open; open it first")
        return WebRTCStream(self._settings)

    async def aclose(self) -> None:
        """Let no more streams be opened. Idempotent."""
        self._open = False


class WebRTCStream(NoiseSuppressorStream):
    """One caller's audio; frames that are no multiple of 10 ms make it up to 10 ms later.

    The processing itself delays the audio by about 14 ms.
    """

    def __init__(self, settings: WebRTCAudioSettings) -> None:
        self._processor: AudioProcessor | None = AudioProcessor(
            sample_rate=SAMPLE_RATE,
            echo_cancellation=settings.echo,
            noise_suppression=settings.noise != "off",
            high_pass_filter=True,
            auto_gain_control=settings.gain,
            ns_level=LEVELS[settings.noise],
            agc_max_gain_db=settings.max_gain,
            stream_delay_ms=round(settings.delay * 1000),
        )
        self._echo = settings.echo
        self._near = self._far = self._done = np.zeros(0, np.int16)

    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        """Return the frame without echo and noise."""
        if self._processor is None:
            raise ClosedError("this stream was closed; open a new one")
        if frame.sample_rate != SAMPLE_RATE:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; this suppressor takes {SAMPLE_RATE} Hz")
        count = len(frame.samples)
        far = np.zeros(count, np.int16) if played is None else played.samples
        if len(self._near) or len(self._done) or count % BLOCK:
            samples = self._process_irregular(self._processor, frame.samples, far)
        else:
            samples = self._run(self._processor, frame.samples, far)
        return AudioFrame(samples, SAMPLE_RATE, frame.position)

    def close(self) -> None:
        """Let go of the processor. Idempotent."""
        self._processor = None

    def _process_irregular(
        self, processor: AudioProcessor, near: NDArray[np.int16], far: NDArray[np.int16]
    ) -> NDArray[np.int16]:
        """Process whole blocks; what is short of a block waits, and silence goes before what comes late."""
        count = len(near)
        near, far = np.concatenate((self._near, near)), np.concatenate((self._far, far))
        whole = len(near) - len(near) % BLOCK
        self._near, self._far = near[whole:], far[whole:]
        done = np.concatenate((self._done, self._run(processor, near[:whole], far[:whole])))
        if len(done) < count:
            done = np.concatenate((np.zeros(count - len(done), np.int16), done))
        self._done = done[count:]
        return done[:count]

    def _run(
        self, processor: AudioProcessor, near: NDArray[np.int16], far: NDArray[np.int16]
    ) -> NDArray[np.int16]:
        if not len(near):
            return near
        return processor.process(near, far if self._echo else None)
