"""The recognizer: a provider over one loaded Whisper, and its streams."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.clock import working
from beluga_voice.contracts import STT, STTStream, Transcript
from beluga_voice.contracts.stt import Listens
from beluga_voice.errors import (
    AudioError,
    ClosedError,
    ConfigurationError,
    ProviderError,
    ProviderTimeoutError,
)
from beluga_voice.models import ModelStore
from beluga_voice_faster_whisper.engine import SAMPLE_RATE, Model, load
from beluga_voice_faster_whisper.settings import FasterWhisperSettings

MODEL = "whisper-base-en"
"""What is fetched where the settings name no model."""

LONGEST_SAMPLES = 28 * SAMPLE_RATE
"""Audio of one utterance: Whisper hears 30 s at once. What is longer is recognized in several finals."""

_CUT_SAMPLES = 5 * SAMPLE_RATE
"""Where a longer utterance is cut: at the quietest place of its last seconds."""

_QUIET_SAMPLES = SAMPLE_RATE // 10

UNDONE = 100
"""Utterances of a stream that may wait to be recognized, or to be received."""


class FasterWhisperSTT(STT):
    """OpenAI's Whisper on this machine: not streaming, an utterance is recognized once it has ended.

    One loaded model serves all streams, on a thread of its own outside the event loop.
    """

    sample_rate = SAMPLE_RATE
    listens = Listens.SPEECH
    finalizes = True

    def __init__(self, settings: FasterWhisperSettings | None = None) -> None:
        """Make a recognizer; the model is loaded by `open`."""
        self._settings = settings or FasterWhisperSettings()
        self.interim_results = self._settings.interim_interval > 0
        self.word_timestamps = self._settings.word_timestamps
        self._model: Model | None = None
        self._streams: set[FasterWhisperStream] = set()
        self._closed = False

    async def open(self) -> None:
        """Load the model.

        Raises:
            ConfigurationError: there is no such folder, a file is missing, no model was fetched, or it does not
                know the language.
            ProviderError: the files hold no Whisper, or it cannot be computed as the settings say.
            ClosedError: after `aclose`.
        """
        if self._closed:
            raise ClosedError("the faster-whisper recognizer is closed; make another one")
        if self._model is not None:
            return
        folder = self._settings.model or ModelStore().find(MODEL)
        if folder is None:
            raise ConfigurationError(
                f"the faster-whisper recognizer has no model. Try: beluga-voice models fetch {MODEL}, or the path "
                "of a folder as its setting `model`"
            )
        with working("faster-whisper: loading the model"):
            self._model = await asyncio.to_thread(load, self._settings, folder.expanduser())

    async def open_stream(self) -> FasterWhisperStream:
        """Open a stream for one session.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if self._model is None:
            raise ClosedError("the faster-whisper recognizer is not open; await open() first, and once")
        stream = FasterWhisperStream(self._model, self._settings, self._streams)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """Close the streams and end the thread, after the utterance that it is at. Idempotent."""
        self._closed = True
        for stream in tuple(self._streams):
            await stream.aclose()
        model, self._model = self._model, None
        if model is not None:
            with working("faster-whisper: ending its thread"):
                await asyncio.to_thread(model.executor.shutdown)


class _Order(NamedTuple):
    """Audio to be recognized."""

    samples: NDArray[np.int16]
    begins: int
    final: bool
    answers: bool


class FasterWhisperStream(STTStream):
    """One caller's audio: collected until the utterance ends, then recognized."""

    def __init__(
        self, model: Model, settings: FasterWhisperSettings, streams: set[FasterWhisperStream]
    ) -> None:
        self._model = model
        self._deadline = settings.deadline
        self._interval = round(settings.interim_interval * SAMPLE_RATE)
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._heard: list[NDArray[np.int16]] = []  # of the utterance
        self._begins = 0
        self._length = 0
        self._interim_at = 0  # how long the utterance was when it was recognized last
        self._orders: deque[_Order] = deque()
        self._working: asyncio.Future[Transcript] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transcripts: deque[Transcript] = deque()
        self._arrived = asyncio.Event()
        self._progressed = asyncio.Event()
        self._error: ProviderError | None = None
        self._closed = False

    def send_nowait(self, frame: AudioFrame) -> bool:
        """Keep a frame, unless more than one long utterance waits to be recognized."""
        self._check()
        if frame.sample_rate != SAMPLE_RATE:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz; the recognizer wants {SAMPLE_RATE} Hz: resample it"
            )
        if sum(len(order.samples) for order in self._orders) > LONGEST_SAMPLES:
            return False
        self._heard.append(frame.samples.copy())
        self._length += len(frame)
        if self._length > LONGEST_SAMPLES:
            self._end_part()
        elif self._interval and self._length - self._interim_at >= self._interval and self._is_idle:
            self._interim_at = self._length
            self._order(_Order(self._audio(), self._begins, final=False, answers=False))
        return True

    async def send(self, frame: AudioFrame) -> None:
        """Keep a frame, waiting while more than one long utterance waits to be recognized."""
        while not self.send_nowait(frame):
            self._progressed.clear()
            await self._progressed.wait()

    async def finalize(self) -> None:
        """End the utterance; its words follow as one transcript. The next frame begins another one."""
        self._check()
        if len(self._orders) + len(self._transcripts) >= UNDONE:
            raise ProviderError(
                f"{UNDONE} utterances wait to be recognized or received; receive them", retryable=True
            )
        self._order(_Order(self._audio(), self._begins, final=True, answers=True))
        self._begin_at(self._begins + self._length, np.zeros(0, np.int16))

    async def receive(self) -> Transcript:
        """Wait for the next transcript; an interim that was not received is replaced by the next."""
        while not self._transcripts:
            self._check()
            self._arrived.clear()
            await self._arrived.wait()
        return self._transcripts.popleft()

    async def aclose(self) -> None:
        """Forget what is not recognized yet, and wake who waits. Idempotent."""
        self._closed = True
        self._streams.discard(self)
        self._transcripts.clear()
        self._settle()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("the faster-whisper stream is closed")
        if self._error is not None:
            raise ProviderError(str(self._error), retryable=self._error.retryable)

    @property
    def _is_idle(self) -> bool:
        return self._working is None and not self._orders

    def _audio(self) -> NDArray[np.int16]:
        return np.concatenate([np.zeros(0, np.int16), *self._heard])

    def _begin_at(self, position: int, heard: NDArray[np.int16]) -> None:
        """Begin an utterance with what is heard of it already."""
        self._begins, self._heard, self._length, self._interim_at = position, [heard], len(heard), len(heard)

    def _end_part(self) -> None:
        """Have the longest stretch recognized, up to the quietest place near its end."""
        audio = self._audio()
        late = np.abs(audio[-_CUT_SAMPLES:].astype(np.int32))
        late = late[: len(late) // _QUIET_SAMPLES * _QUIET_SAMPLES].reshape(-1, _QUIET_SAMPLES)
        cut = len(audio) - _CUT_SAMPLES + round((int(late.sum(axis=1).argmin()) + 0.5) * _QUIET_SAMPLES)
        self._order(_Order(audio[:cut], self._begins, final=True, answers=False))
        self._begin_at(self._begins + cut, audio[cut:])

    def _order(self, order: _Order) -> None:
        self._orders.append(order)
        if self._working is None:
            self._begin()

    def _begin(self) -> None:
        order = self._orders.popleft()
        self._working = self._loop.run_in_executor(self._model.executor, self._recognize, order)
        self._working.add_done_callback(self._on_done)
        self._timer = self._loop.call_later(self._deadline, self._on_deadline)

    def _recognize(self, order: _Order) -> Transcript:
        """On the model's thread; costs nothing if the stream was closed meanwhile."""
        if self._closed:
            return Transcript("", final=True)
        found = self._model.recognize(order.samples, order.begins, final=order.final)
        return replace(found, answers_finalize=order.answers)

    def _on_done(self, done: asyncio.Future[Transcript]) -> None:
        self._working = None
        if self._timer is not None:
            self._timer.cancel()
        error = None if done.cancelled() else done.exception()
        if self._closed or self._error is not None:
            return
        if error is not None:
            self._fail(ProviderError(f"faster-whisper failed: {error}", retryable=True))
            return
        found = done.result()
        if self._transcripts and not self._transcripts[-1].final and not found.final:
            self._transcripts.pop()
        self._transcripts.append(found)
        self._wake()
        if self._orders:
            self._begin()

    def _on_deadline(self) -> None:
        self._fail(
            ProviderTimeoutError(
                f"faster-whisper has not recognized an utterance within {self._deadline:g} s"
            )
        )

    def _fail(self, error: ProviderError) -> None:
        self._error = error
        self._settle()

    def _settle(self) -> None:
        self._orders.clear()
        self._heard.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def _wake(self) -> None:
        self._progressed.set()
        self._arrived.set()
