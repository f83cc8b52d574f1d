"""Voice activity by WebRTC's detector: Gaussian mixtures over six bands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import webrtcvad  # type: ignore[import-untyped]

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.vad import VAD, ScoreSink, VADStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice_webrtcvad.settings import WebRTCVADSettings

SAMPLE_RATE = 16000


class WebRTCVAD(VAD):
    """Tells speech from its spectrum, with a model of a few numbers: cheap, and poor in noise.

    A score is 1 or 0: the detector says yes or no. It is delivered within the `WebRTCVADStream.feed` that completes
    its window.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: WebRTCVADSettings | None = None) -> None:
        self._settings = settings or WebRTCVADSettings()
        self._open = False
        self._streams: set[WebRTCVADStream] = set()

    async def open(self) -> None:
        """Let streams be opened."""
        self._open = True

    async def aclose(self) -> None:
        """Close all streams."""
        self._open = False
        for stream in tuple(self._streams):
            stream.close()

    def open_stream(self, sink: ScoreSink) -> WebRTCVADStream:
        """Open a stream for one session.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if not self._open:
            raise ClosedError(
                "the webrtcvad detector is not open; enter it with `async with`, or await open()"
            )
        size = round(self._settings.window * SAMPLE_RATE)
        stream = WebRTCVADStream(self._settings.mode, size, sink, on_close=self._streams.discard)
        self._streams.add(stream)
        return stream


class _Detector(Protocol):
    """What is used of ``webrtcvad.Vad``, which has no types."""

    def is_speech(self, audio: bytes, sample_rate: int) -> bool: ...


class WebRTCVADStream(VADStream):
    """One caller's audio, judged window by window."""

    __slots__ = ("_detector", "_held", "_on_close", "_open", "_position", "_sink", "_size")

    def __init__(
        self, mode: int, size: int, sink: ScoreSink, on_close: Callable[[WebRTCVADStream], None]
    ) -> None:
        self._detector: _Detector = webrtcvad.Vad(mode)
        self._size = size
        self._held = b""  # the beginning of a window, as bytes
        self._position: int | None = None  # where that window starts
        self._sink = sink
        self._on_close = on_close
        self._open = True

    def feed(self, frame: AudioFrame) -> None:
        """Take one frame and deliver the scores of the windows that it completes.

        The first frame's `position` is where the stream starts; later ones follow it whatever they say.

        Raises:
            AudioError: the frame is not at 16 kHz.
            ClosedError: after `close`, or after the detector's `aclose`.
        """
        if not self._open:
            raise ClosedError("the stream is closed; open another with open_stream()")
        if frame.sample_rate != SAMPLE_RATE:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz; webrtcvad takes {SAMPLE_RATE} Hz: resample it"
            )
        if self._position is None:
            self._position = frame.position
        audio, size = self._held + frame.tobytes(), 2 * self._size
        whole = len(audio) - len(audio) % size
        self._held = audio[whole:]
        for at in range(0, whole, size):
            start, self._position = self._position, self._position + self._size
            speech = self._detector.is_speech(audio[at : at + size], SAMPLE_RATE)
            self._sink(start, self._position, 1.0 if speech else 0.0)
            if self._is_closed():
                return

    def _is_closed(self) -> bool:
        """Whether the sink has closed it."""
        return not self._open

    def close(self) -> None:
        """End the stream. Idempotent."""
        self._open = False
        self._held = b""
        self._on_close(self)
