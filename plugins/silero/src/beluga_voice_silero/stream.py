"""Streams fill windows; a batch scores the windows of all streams at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.vad import ScoreSink, VADStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice_silero.network import (
    CONTEXT_SAMPLES,
    INPUT_SAMPLES,
    MAX_BATCH,
    STATE_SIZE,
    WINDOW_SAMPLES,
    Network,
)

SAMPLE_RATE = 16000


class SileroStream(VADStream):
    """One caller's audio, gathered into windows of 512 samples behind the 64 samples before them.

    Attributes:
        state: float32, shape ``(STATE_SIZE,)``: what the network remembers of this caller.
        waiting: whether a window of this stream is in the batch; the next one needs the state that it leaves.
    """

    __slots__ = (
        "_batch",
        "_filled",
        "_input",
        "_on_close",
        "_open",
        "_position",
        "_sink",
        "state",
        "waiting",
    )

    def __init__(self, batch: Batch, sink: ScoreSink, on_close: Callable[[SileroStream], None]) -> None:
        self.state: NDArray[np.float32] = np.zeros(STATE_SIZE, np.float32)
        self.waiting = False
        self._batch = batch
        self._sink = sink
        self._on_close = on_close
        self._open = True
        self._input: NDArray[np.int16] = np.zeros(INPUT_SAMPLES, np.int16)
        self._filled = CONTEXT_SAMPLES
        self._position: int | None = None  # where the window starts that is being filled

    def feed(self, frame: AudioFrame) -> None:
        """Take one frame; the windows that it completes are scored with the batch.

        The first frame's `position` is where the stream starts; later ones follow it whatever they say.

        Raises:
            AudioError: the frame is not at 16 kHz.
            ClosedError: after `close`, or after the detector's `aclose`.
        """
        if not self._open:
            raise ClosedError("the stream is closed; open another with open_stream()")
        if frame.sample_rate != SAMPLE_RATE:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; silero takes {SAMPLE_RATE} Hz: resample it")
        if self._position is None:
            self._position = frame.position
        samples = frame.samples
        end = self._filled + len(samples)
        while end >= INPUT_SAMPLES:
            missing = INPUT_SAMPLES - self._filled
            self._input[self._filled :] = samples[:missing]
            if not self._complete_window():
                return
            samples = samples[missing:]
            end = self._filled + len(samples)
        self._input[self._filled : end] = samples
        self._filled = end

    def _complete_window(self) -> bool:
        """Add the window to the batch; return whether the stream is still open: a sink may close it."""
        start = self._position or 0
        self._position = start + WINDOW_SAMPLES
        self._filled = CONTEXT_SAMPLES
        self._batch.add(self, start, self._input)
        self._input[:CONTEXT_SAMPLES] = self._input[WINDOW_SAMPLES:]
        return self._open

    def deliver(self, start: int, probability: float) -> None:
        """Hand a score to the sink, unless the stream was closed since."""
        if self._open:
            self._sink(start, start + WINDOW_SAMPLES, probability)

    def close(self) -> None:
        """End the stream; its window in the batch, if any, reaches no sink. Idempotent."""
        self._open = False
        self._on_close(self)


class Batch:
    """Gathers windows and scores them together.

    A sink that raises is the session's bug and propagates, out of `feed` or into the loop's exception
    handler; the scores behind it are delivered all the same, in the loop's next iteration or before the
    next batch.
    """

    def __init__(self, network: Network, loop: asyncio.AbstractEventLoop) -> None:
        self._network = network
        self._loop = loop
        self._windows: list[tuple[SileroStream, int]] = []
        self._scores: deque[tuple[SileroStream, int, float]] = deque()
        self._flush: asyncio.Handle | None = None
        self._delivery: asyncio.Handle | None = None

    def add(self, stream: SileroStream, start: int, samples: NDArray[np.int16]) -> None:
        """Copy a window into the batch, to be scored at the end of the loop's iteration at the latest.

        Args:
            stream: whose window it is, and whose state it needs.
            start: position of the window's first sample.
            samples: int16, shape ``(INPUT_SAMPLES,)``: the context and the window.
        """
        if stream.waiting:
            self.score()
        stream.waiting = True
        self._network.samples[len(self._windows)] = samples
        self._windows.append((stream, start))
        if len(self._windows) == MAX_BATCH:
            self.score()
        elif self._flush is None:
            self._flush = self._loop.call_soon(self._end_iteration)

    def _end_iteration(self) -> None:
        self._flush = None
        self.score()

    def score(self) -> None:
        """Score the windows there are and deliver the scores, in the order of the windows' completion."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        windows, self._windows = self._windows, []
        if windows:
            self._scores.extend(self._run(windows))
        self._deliver()

    def _run(self, windows: list[tuple[SileroStream, int]]) -> list[tuple[SileroStream, int, float]]:
        states = self._network.states
        for row, (stream, _) in enumerate(windows):
            states[row] = stream.state
        probabilities = self._network.score(len(windows))
        for row, (stream, _) in enumerate(windows):
            stream.state[:] = states[row]
            stream.waiting = False
        return [(stream, start, p) for (stream, start), p in zip(windows, probabilities, strict=True)]

    def _deliver(self) -> None:
        """Empty the queue of scores. A sink may feed or close any stream, and so come back here."""
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None
        try:
            while self._scores:
                stream, start, probability = self._scores.popleft()
                stream.deliver(start, probability)
        finally:
            if self._scores:
                self._delivery = self._loop.call_soon(self._deliver)

    def close(self) -> None:
        """Forget the windows and scores there are."""
        for handle in (self._flush, self._delivery):
            if handle is not None:
                handle.cancel()
        self._windows.clear()
        self._scores.clear()
