"""Voice activity by loudness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.vad import VAD, ScoreSink, VADStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice_energy.scoring import Scorer
from beluga_voice_energy.settings import EnergySettings

SAMPLE_RATE = 16000

_ONES = np.ones(SAMPLE_RATE // 10, np.float32)  # for the longest window


class EnergyVAD(VAD):
    """Takes for speech what is louder than the background. No model: good on a quiet line, deaf in noise.

    Every score is delivered within the `EnergyStream.feed` that completes its window.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: EnergySettings | None = None) -> None:
        self._settings = settings or EnergySettings()
        self._open = False
        self._streams: set[EnergyStream] = set()

    async def open(self) -> None:
        """Let streams be opened."""
        self._open = True

    async def aclose(self) -> None:
        """Close all streams."""
        self._open = False
        for stream in tuple(self._streams):
            stream.close()

    def open_stream(self, sink: ScoreSink) -> EnergyStream:
        """Open a stream for one session.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if not self._open:
            raise ClosedError("the energy detector is not open; enter it with `async with`, or await open()")
        settings = self._settings
        windows = round(settings.floor_memory / settings.window)
        scorer = Scorer(windows, settings.margin, settings.slope, settings.quietest)
        size = round(settings.window * SAMPLE_RATE)
        stream = EnergyStream(size, scorer, sink, on_close=self._streams.discard)
        self._streams.add(stream)
        return stream


class EnergyStream(VADStream):
    """One caller's audio, measured window by window."""

    __slots__ = ("_filled", "_on_close", "_open", "_position", "_scorer", "_sink", "_window")

    def __init__(
        self, size: int, scorer: Scorer, sink: ScoreSink, on_close: Callable[[EnergyStream], None]
    ) -> None:
        self._window: NDArray[np.float32] = np.zeros(size, np.float32)
        self._filled = 0
        self._position: int | None = None  # where the window starts that is being filled
        self._scorer = scorer
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
            raise AudioError(f"a frame at {frame.sample_rate} Hz; energy takes {SAMPLE_RATE} Hz: resample it")
        if self._position is None:
            self._position = frame.position
        samples, size = frame.samples, len(self._window)
        end = self._filled + len(samples)
        while end >= size:
            missing = size - self._filled
            self._window[self._filled :] = samples[:missing]
            if not self._complete_window():
                return
            samples = samples[missing:]
            end = len(samples)
        self._window[self._filled : end] = samples
        self._filled = end

    def _complete_window(self) -> bool:
        """Deliver the window's score; return whether the stream is still open: its sink may close it."""
        start = self._position or 0
        end = start + len(self._window)
        self._position = end
        self._filled = 0
        self._sink(start, end, self._scorer.score(_power(self._window)))
        return self._open

    def close(self) -> None:
        """End the stream. Idempotent."""
        self._open = False
        self._on_close(self)


def _power(samples: NDArray[np.float32]) -> float:
    """Return the mean square of int16 values around their mean, where 1 is a square wave at full scale."""
    size = len(samples)
    mean = float(samples.dot(_ONES[:size])) / size  # a product takes a third of the time of `sum`
    return max(float(samples.dot(samples)) / size - mean * mean, 0.0) / 32768**2
