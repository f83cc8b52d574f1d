"""The recognizer: a provider over one loaded model, and its streams."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
from beluga_voice_sherpa_onnx.engine import SAMPLE_RATE, Audio, Recognizer, load_recognizer
from beluga_voice_sherpa_onnx.folder import recognizer_files
from beluga_voice_sherpa_onnx.settings import SherpaSTTSettings
from beluga_voice_sherpa_onnx.words import words_of

MODEL = "sherpa-zipformer-en"
"""What is fetched where the settings name no model."""

BACKLOG_SAMPLES = 2 * SAMPLE_RATE
"""Audio that decoding may be behind before `send` waits."""

UNREAD_TRANSCRIPTS = 1000


class SherpaSTT(STT):
    """A streaming model on this machine, with word times.

    One loaded model serves all streams; each is decoded on one of a few threads, outside the event loop, and the
    engine lets go of the interpreter meanwhile.
    """

    sample_rate = SAMPLE_RATE
    listens = Listens.SPEECH
    finalizes = True
    interim_results = True
    word_timestamps = True

    def __init__(self, settings: SherpaSTTSettings | None = None) -> None:
        """Make a recognizer; the model is loaded by `open`."""
        self._settings = settings or SherpaSTTSettings()
        self._recognizer: Recognizer | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._streams: set[SherpaSTTStream] = set()
        self._lower = False
        self._closed = False

    async def open(self) -> None:
        """Load the model.

        Raises:
            ConfigurationError: there is no such folder, a file is missing, or no model was fetched.
            ProviderError: the files hold no such model.
            ClosedError: after `aclose`.
        """
        if self._closed:
            raise ClosedError("the sherpa-onnx recognizer is closed; make another one")
        if self._recognizer is not None:
            return
        folder = self._settings.model or ModelStore().find(MODEL)
        if folder is None:
            raise ConfigurationError(
                f"the sherpa-onnx recognizer has no model. Try: beluga-voice models fetch {MODEL}, or the path of "
                "a folder as its setting `model`"
            )
        with working("sherpa-onnx: loading the recognizer"):
            await asyncio.to_thread(self._load, folder.expanduser())
        self._executor = ThreadPoolExecutor(self._settings.workers, "sherpa-onnx-stt")

    def _load(self, folder: Path) -> None:
        files = recognizer_files(folder)
        self._lower = has_no_small_letters(Path(files.tokens))
        self.word_timestamps = files.kind != "paraformer"
        self._recognizer = load_recognizer(files, self._settings)

    async def open_stream(self) -> SherpaSTTStream:
        """Open a stream for one session.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if self._recognizer is None or self._executor is None:
            raise ClosedError("the sherpa-onnx recognizer is not open; await open() first, and once")
        decoder = Decoder(self._recognizer, self._settings, lower=self._lower)
        stream = SherpaSTTStream(decoder, self._executor, self._settings.deadline, self._streams)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """Close the streams and end the threads, each after the step of decoding that it is at. Idempotent."""
        self._closed = True
        for stream in tuple(self._streams):
            await stream.aclose()
        executor, self._executor, self._recognizer = self._executor, None, None
        if executor is not None:
            with working("sherpa-onnx: ending the recognizer's threads"):
                await asyncio.to_thread(executor.shutdown)


def has_no_small_letters(tokens: Path) -> bool:
    """Tell whether a model writes capitals only, so that its words are to be written small."""
    symbols = re.sub(r"<[^>\s]*>", "", tokens.read_text(encoding="utf-8", errors="replace"))
    return symbols.upper() == symbols and symbols.lower() != symbols


class Decoder:
    """The utterances of one stream, one after the other. Used by one thread at a time, never by the loop's."""

    def __init__(self, recognizer: Recognizer, settings: SherpaSTTSettings, *, lower: bool) -> None:
        self.abandoned = False  # set by the loop's thread: nobody waits for the rest
        self._recognizer = recognizer
        self._settings = settings
        self._lower = lower
        self._utterance = recognizer.create_stream()
        self._begins = 0
        self._heard = 0
        self._text = ""

    def work(self, orders: Sequence[NDArray[np.int16] | None]) -> list[Transcript]:
        """Hear samples, and end the utterance at each None; return what is to be told."""
        told: list[Transcript] = []
        for order in orders:
            if self.abandoned:
                break
            if order is None:
                told.append(self._end())
                continue
            self._hear(order.astype(np.float32) / np.float32(32768))
            self._heard += len(order)
            interim = self._transcript(final=False)
            if interim.text != self._text:
                self._text = interim.text
                _replace(told, interim)
        return told

    def _hear(self, audio: Audio) -> None:
        self._utterance.accept_waveform(SAMPLE_RATE, audio)
        self._decode()

    def _decode(self) -> None:
        while not self.abandoned and self._recognizer.is_ready(self._utterance):
            self._recognizer.decode_stream(self._utterance)

    def _end(self) -> Transcript:
        if self._heard > self._begins:
            self._hear(np.zeros(round(self._settings.tail * SAMPLE_RATE), np.float32))
            self._utterance.input_finished()
            self._decode()
        final = self._transcript(final=True)
        self._utterance = self._recognizer.create_stream()
        self._begins, self._text = self._heard, ""
        return final

    def _transcript(self, *, final: bool) -> Transcript:
        result = self._recognizer.get_result_all(self._utterance)
        text = result.text.strip()
        begins, ends = self._begins / SAMPLE_RATE, self._heard / SAMPLE_RATE
        words = words_of(result.tokens, result.timestamps, offset=begins, end=ends, lower=self._lower)
        return Transcript(
            text.lower() if self._lower else text,
            final=final,
            start=words[0].start if words else None,
            end=words[-1].end if words else None,
            words=words if final else (),
            answers_finalize=final,
            language=self._settings.language,
        )


def _replace(transcripts: MutableSequence[Transcript], new: Transcript) -> None:
    """Add a transcript; an interim takes the place of the interim before it, which nobody has received."""
    if transcripts and not transcripts[-1].final and not new.final:
        transcripts.pop()
    transcripts.append(new)


class SherpaSTTStream(STTStream):
    """One caller's audio. What was sent while a thread decoded is handed to it together."""

    def __init__(
        self,
        decoder: Decoder,
        executor: ThreadPoolExecutor,
        deadline: float,
        streams: set[SherpaSTTStream],
    ) -> None:
        self._decoder = decoder
        self._executor = executor
        self._deadline = deadline
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._orders: deque[NDArray[np.int16] | None] = deque()
        self._behind = 0  # samples that were sent and are not decoded
        self._working: asyncio.Future[list[Transcript]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transcripts: deque[Transcript] = deque()
        self._arrived = asyncio.Event()
        self._progressed = asyncio.Event()
        self._error: ProviderError | None = None
        self._closed = False

    def send_nowait(self, frame: AudioFrame) -> bool:
        """Hand a frame to a thread, unless decoding is 2 s of audio behind."""
        self._check()
        if frame.sample_rate != SAMPLE_RATE:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz; the recognizer wants {SAMPLE_RATE} Hz: resample it"
            )
        if self._behind >= BACKLOG_SAMPLES:
            return False
        self._behind += len(frame)
        self._order(frame.samples.copy())
        return True

    async def send(self, frame: AudioFrame) -> None:
        """Hand a frame to a thread, waiting while decoding is 2 s of audio behind."""
        while not self.send_nowait(frame):
            self._progressed.clear()
            await self._progressed.wait()

    async def finalize(self) -> None:
        """End the utterance; its words follow as one transcript. The next frame begins another one."""
        self._check()
        if len(self._orders) + len(self._transcripts) >= UNREAD_TRANSCRIPTS:
            raise ProviderError(
                f"{UNREAD_TRANSCRIPTS} transcripts wait to be received; receive them", retryable=True
            )
        self._order(None)

    async def receive(self) -> Transcript:
        """Wait for the next transcript; an interim that was not received is replaced by the next."""
        while not self._transcripts:
            self._check()
            self._arrived.clear()
            await self._arrived.wait()
        if self._closed:
            raise ClosedError("the sherpa-onnx stream is closed")
        return self._transcripts.popleft()

    async def aclose(self) -> None:
        """Let go of the decoder, which ends at its next step, and wake who waits. Idempotent."""
        self._closed = self._decoder.abandoned = True
        self._streams.discard(self)
        self._transcripts.clear()
        self._settle()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("the sherpa-onnx stream is closed")
        if self._error is not None:
            raise ProviderError(str(self._error), retryable=self._error.retryable)

    def _order(self, order: NDArray[np.int16] | None) -> None:
        self._orders.append(order)
        if self._working is None:
            self._begin()

    def _begin(self) -> None:
        orders = tuple(self._orders)
        self._orders.clear()
        self._working = self._loop.run_in_executor(self._executor, self._decoder.work, orders)
        self._working.add_done_callback(lambda done: self._on_done(done, orders))
        self._timer = self._loop.call_later(self._deadline, self._on_deadline)

    def _on_done(
        self, done: asyncio.Future[list[Transcript]], orders: Sequence[NDArray[np.int16] | None]
    ) -> None:
        self._working = None
        if self._timer is not None:
            self._timer.cancel()
        error = None if done.cancelled() else done.exception()
        if self._closed or self._error is not None:
            return
        if error is not None:
            self._fail(ProviderError(f"sherpa-onnx failed: {error}", retryable=True))
            return
        self._behind -= sum(len(order) for order in orders if order is not None)
        for transcript in done.result():
            _replace(self._transcripts, transcript)
        self._wake()
        if self._orders:
            self._begin()

    def _on_deadline(self) -> None:
        self._fail(
            ProviderTimeoutError(f"sherpa-onnx has not decoded what was sent within {self._deadline:g} s")
        )

    def _fail(self, error: ProviderError) -> None:
        self._error, self._decoder.abandoned = error, True
        self._settle()

    def _settle(self) -> None:
        self._orders.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def _wake(self) -> None:
        self._progressed.set()
        self._arrived.set()
