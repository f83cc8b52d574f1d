"""Detectors that follow a script, or the loudness."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import rms
from beluga_voice.contracts import VAD, ScoreSink, VADStream
from beluga_voice.errors import AudioError, ClosedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from beluga_voice.audio import AudioFrame


class _WindowedVAD(VAD):
    """A detector that judges each window by itself."""

    def __init__(self, sample_rate: int, window_samples: int, delay: float) -> None:
        self.sample_rate = sample_rate
        self.window_samples = window_samples
        self.delay = delay
        self.name = type(self).__name__
        self.streams: list[WindowedVADStream] = []
        self._open = False

    async def open(self) -> None:
        self._open = True

    async def aclose(self) -> None:
        self._open = False

    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        if not self._open:
            raise ClosedError(f"this {self.name} is not open; open it first")
        stream = WindowedVADStream(self, sink)
        self.streams.append(stream)
        return stream

    def check_fault(self) -> None:
        """Raise what a frame is to raise."""

    @abstractmethod
    def score(self, start: int, samples: NDArray[np.int16]) -> float:
        """Judge the window whose first sample is `start`."""


class WindowedVADStream(VADStream):
    """A stream of `AmplitudeVAD` or `ScriptedVAD`.

    Attributes:
        closed: whether `close` was called.
    """

    def __init__(self, vad: _WindowedVAD, sink: ScoreSink) -> None:
        self.closed = False
        self._vad = vad
        self._sink = sink
        self._start = 0
        self._rest = np.zeros(0, np.int16)
        self._late: deque[tuple[int, int, float]] = deque()

    def feed(self, frame: AudioFrame) -> None:
        if self.closed:
            raise ClosedError("this stream was closed; open a new one")
        if frame.sample_rate != self._vad.sample_rate:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; this VAD takes {self._vad.sample_rate} Hz")
        self._vad.check_fault()
        size = self._vad.window_samples
        samples = np.concatenate([self._rest, frame.samples])
        whole = len(samples) // size * size
        self._rest = samples[whole:].copy()
        for offset in range(0, whole, size):
            score = self._vad.score(self._start, samples[offset : offset + size])
            self._give(self._start, self._start + size, score)
            self._start += size

    def close(self) -> None:
        self.closed = True

    def _give(self, start: int, end: int, probability: float) -> None:
        if not self._vad.delay:
            self._sink(start, end, probability)
            return
        self._late.append((start, end, probability))
        asyncio.get_running_loop().call_later(self._vad.delay, self._give_oldest)

    def _give_oldest(self) -> None:
        score = self._late.popleft()
        if not self.closed:
            self._sink(*score)


class AmplitudeVAD(_WindowedVAD):
    """Takes loud audio for speech: the probability is ``rms / (rms + level)`` of each window.

    Args:
        level: root mean square, where 1 is full scale, that is as likely speech as not.
        sample_rate: as `VAD.sample_rate`.
        window_samples: samples of each window.
        delay: seconds by which scores come late; 0 gives them from within `feed`.

    Attributes:
        streams: all streams opened so far.
    """

    def __init__(
        self,
        *,
        level: float = 0.005,
        sample_rate: int = 16000,
        window_samples: int = 512,
        delay: float = 0.0,
    ) -> None:
        super().__init__(sample_rate, window_samples, delay)
        self.level = level

    def score(self, start: int, samples: NDArray[np.int16]) -> float:  # noqa: ARG002 - part of the contract
        loudness = rms(samples)
        return loudness / (loudness + self.level)


class ScriptedVAD(_WindowedVAD):
    """Finds speech where its script says, whatever the audio.

    Args:
        spans: ``(start, end, probability)``, in seconds of each stream. A window has the probability of the last
            span that covers its middle.
        otherwise: probability elsewhere.
        sample_rate: as `VAD.sample_rate`.
        window_samples: samples of each window.
        delay: seconds by which scores come late; 0 gives them from within `feed`.
        name: told by its errors.
        results: probabilities given to the windows of a stream in turn, over and over, in place of the spans.
        error: raised by `feed`; None for none. May be changed at any time.

    Attributes:
        streams: all streams opened so far.
    """

    def __init__(
        self,
        spans: Iterable[tuple[float, float, float]] = (),
        *,
        otherwise: float = 0.0,
        sample_rate: int = 16000,
        window_samples: int = 512,
        delay: float = 0.0,
        name: str = "scripted",
        results: Sequence[float] = (),
        error: Exception | None = None,
    ) -> None:
        super().__init__(sample_rate, window_samples, delay)
        self.name = name
        self.results = tuple(results)
        self.error = error
        self.spans = tuple(spans)
        self.otherwise = otherwise

    def check_fault(self) -> None:
        if self.error is not None:
            raise self.error

    def score(self, start: int, samples: NDArray[np.int16]) -> float:
        if self.results:
            return self.results[start // self.window_samples % len(self.results)]
        middle = (start + len(samples) / 2) / self.sample_rate
        found = [probability for begin, end, probability in self.spans if begin <= middle < end]
        return found[-1] if found else self.otherwise
