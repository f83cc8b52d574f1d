"""The recognizer: a provider over a pool of workers, and its streams."""

from __future__ import annotations

import asyncio
from collections import deque
from importlib.util import find_spec
from pathlib import Path

from beluga_voice.audio import AudioFrame
from beluga_voice.clock import Work, begin_work
from beluga_voice.contracts import STT, STTStream, Transcript
from beluga_voice.contracts.stt import Listens
from beluga_voice.errors import (
    AudioError,
    ClosedError,
    ConfigurationError,
    ProviderError,
    ProviderTimeoutError,
)
from beluga_voice.words import Word
from beluga_voice_pocketsphinx.messages import (
    Kind,
    Message,
    MessageError,
    Setup,
    decode_failure,
    decode_result,
    decode_samples,
)
from beluga_voice_pocketsphinx.pool import WorkerPool
from beluga_voice_pocketsphinx.process import WorkerProcess
from beluga_voice_pocketsphinx.settings import PocketSphinxSettings

SAMPLE_RATE = 16000
SLICE_SAMPLES = 960
"""A longer frame is sent in parts, between which the worker serves its other streams."""
BACKLOG_SAMPLES = 2 * SAMPLE_RATE
"""Audio that the worker may be behind before `send` waits."""
UNREAD_TRANSCRIPTS = 1000

GRAMMAR_BEAMS = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60}
"""How much less likely than the best a hypothesis may be and still live, with a grammar. Within the engine's own
1e-48, 1e-48 and 7e-29 the only sentence that fits can die early, and nothing is heard: of 84 synthesised sentences
that a grammar held, in digital silence, 21 were lost so, and 2 with these (13 and 0 in a quiet room's noise).
Still wider ones hear words in silence. Decoding takes twice the time, a few percent of the audio's."""


class PocketSphinxSTT(STT):
    """CMU PocketSphinx in worker processes: offline, streaming, with word times.

    Raises:
        ModuleNotFoundError: the engine is not installed; it has no wheel for this Python, or was removed.
    """

    sample_rate = SAMPLE_RATE
    listens = Listens.SPEECH
    finalizes = True
    interim_results = True
    word_timestamps = True
    p99_delay = 0.1

    def __init__(self, settings: PocketSphinxSettings | None = None) -> None:
        if find_spec("pocketsphinx") is None:  # only workers import it
            raise ModuleNotFoundError("No module named 'pocketsphinx'", name="pocketsphinx")
        self.settings = settings or PocketSphinxSettings()
        self._pool: WorkerPool | None = None
        self._closed = False

    @property
    def pool(self) -> WorkerPool | None:
        """The workers, between `open` and `aclose`."""
        return self._pool

    async def open(self) -> None:
        """Start the first workers and load their model.

        Raises:
            ConfigurationError: a path of the settings does not exist, or the engine refused what is there.
            ProviderError: a worker could not be started.
            ClosedError: after `aclose`.
        """
        if self._closed:
            raise ClosedError("the pocketsphinx provider is closed; make another one")
        if self._pool is not None:
            return
        settings = self.settings
        pool = self._pool = WorkerPool(
            _setup(settings),
            workers=settings.workers,
            streams_per_worker=settings.streams_per_worker,
            start_deadline=settings.start_deadline,
        )
        try:
            await pool.warm(settings.warm)
        except BaseException:
            self._pool = None
            await pool.aclose()
            raise

    async def open_stream(self) -> PocketSphinxStream:
        """Open a stream on the worker with the fewest.

        Raises:
            ProviderError: all workers are full, or one could not be started or failed; retryable.
            ConfigurationError: the engine refuses the settings.
            ClosedError: before `open` or after `aclose`.
        """
        if self._pool is None:
            raise ClosedError("the pocketsphinx provider is not open; await open() first, and once")
        pool = self._pool
        worker = await pool.lease()
        if worker.failed:
            pool.release(worker)
            raise ProviderError(f"{worker} failed before the stream was opened", retryable=True)
        stream = PocketSphinxStream(pool, worker, self.settings)
        try:
            await stream.wait_opened()
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def aclose(self) -> None:
        """Kill all workers; streams still open fail. Idempotent."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()


class PocketSphinxStream(STTStream):
    """One decoder in a worker, for one session."""

    def __init__(self, pool: WorkerPool, worker: WorkerProcess, settings: PocketSphinxSettings) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._worker = worker
        self._deadline = settings.deadline
        self._start_deadline = settings.start_deadline
        self._language = settings.language
        self._opened = False
        self._closed = False
        self._error: ProviderError | None = None
        self._sent_samples = 0
        self._processed_samples = 0
        self._finalizes: deque[float] = deque()
        self._transcripts: deque[Transcript] = deque()
        self._arrived = asyncio.Event()
        self._progressed = asyncio.Event()
        self._progress_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._work: Work | None = None
        self._number = worker.attach(self)
        self._expect()

    async def wait_opened(self) -> None:
        """Wait until the worker has a decoder for the stream.

        Raises:
            ProviderError: it failed to make one, or died.
        """
        while not self._opened:
            self._check()
            await _next(self._progressed)

    def send_nowait(self, frame: AudioFrame) -> bool:
        """Write a frame to the worker, unless it is 2 s of audio behind."""
        self._check()
        if frame.sample_rate != SAMPLE_RATE:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz; the recognizer wants {SAMPLE_RATE} Hz: resample it"
            )
        if self._sent_samples - self._processed_samples >= BACKLOG_SAMPLES:
            return False
        pcm = frame.tobytes()
        for at in range(0, len(pcm), 2 * SLICE_SAMPLES):
            self._worker.write(Kind.AUDIO, self._number, pcm[at : at + 2 * SLICE_SAMPLES])
        self._sent_samples += len(frame)
        self._expect()
        return True

    async def send(self, frame: AudioFrame) -> None:
        """Write a frame to the worker, waiting while it is 2 s of audio behind."""
        while not self.send_nowait(frame):
            await _next(self._progressed)

    async def finalize(self) -> None:
        """End the utterance; its words follow as one transcript. The next frame begins another one."""
        self._check()
        if len(self._finalizes) + len(self._transcripts) >= UNREAD_TRANSCRIPTS:
            raise ProviderError(
                f"{UNREAD_TRANSCRIPTS} transcripts wait to be received; receive them", retryable=True
            )
        self._worker.write(Kind.FINALIZE, self._number)
        self._finalizes.append(self._loop.time())
        self._expect()

    async def receive(self) -> Transcript:
        """Wait for the next transcript; an interim that was not received is replaced by the next."""
        while True:
            if self._closed:
                raise ClosedError("the pocketsphinx stream is closed")
            if self._transcripts:
                return self._transcripts.popleft()
            self._check()
            await _next(self._arrived)

    async def aclose(self) -> None:
        """Give the decoder back and wake who waits. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._worker.detach(self._number)
        self._pool.release(self._worker)
        self._transcripts.clear()
        self._settle()
        self._wake()

    # What the worker calls.

    def on_message(self, message: Message) -> None:
        """Take progress, words or the failure of the decoder."""
        self._progress_at = self._loop.time()
        if message.kind is Kind.OPENED:
            self._opened = True
        elif message.kind is Kind.PROCESSED:
            self._processed_samples = self._in_bounds(decode_samples(message.payload))
        elif message.kind is Kind.INTERIM:
            self._on_words(message.payload, final=False)
        elif message.kind is Kind.FINAL:
            if not self._finalizes:
                raise MessageError("a final that nobody asked for")
            self._finalizes.popleft()
            self._on_words(message.payload, final=True)
        elif message.kind is Kind.FAILED:
            self.on_failure(ProviderError(decode_failure(message.payload)["error"], retryable=True))
            return
        else:
            raise MessageError(f"{message.kind.name}, which is not for it to send")
        if not self._outstanding:
            self._settle()
        self._progressed.set()

    def on_failure(self, error: ProviderError) -> None:
        """Fail what waits, and all that is asked later."""
        self._error = error
        self._settle()
        self._wake()

    def _in_bounds(self, samples: int) -> int:
        if not self._processed_samples <= samples <= self._sent_samples:
            raise MessageError(
                f"{samples} samples processed, after {self._processed_samples}, of {self._sent_samples} sent"
            )
        return samples

    def _on_words(self, payload: bytes, *, final: bool) -> None:
        result = decode_result(payload)
        words = tuple(Word(*word) for word in result["words"])
        if self._transcripts and not self._transcripts[-1].final:
            self._transcripts.pop()  # replaced, by an interim or by its final
        self._transcripts.append(
            Transcript(
                text=result["text"],
                final=final,
                start=result["start"],
                end=result["end"],
                words=words if final else (),
                answers_finalize=final,
                language=self._language,
            )
        )
        self._arrived.set()

    # Waiting, and for how long.

    @property
    def _outstanding(self) -> bool:
        return bool(self._finalizes) or not self._opened or self._processed_samples < self._sent_samples

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("the pocketsphinx stream is closed")
        if self._error is not None:
            raise ProviderError(str(self._error), retryable=self._error.retryable)

    def _wake(self) -> None:
        self._progressed.set()
        self._arrived.set()

    def _expect(self) -> None:
        """Note that the worker owes something: virtual time stands still and the deadline runs."""
        if self._work is None:
            self._progress_at = self._loop.time()
            self._work = begin_work(f"{self._worker}: stream {self._number}")
        if self._timer is None:
            self._timer = self._loop.call_later(self._deadline, self._on_timer)

    def _settle(self) -> None:
        """Note that the worker owes nothing more. The timer runs on, to spare one per frame."""
        if self._work is not None:
            self._work.done()
            self._work = None
        if self._timer is not None and (self._closed or self._error is not None):
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if not self._outstanding:
            return
        since = self._finalizes[0] if self._finalizes else self._progress_at
        deadline = self._deadline if self._opened else self._start_deadline
        left = since + deadline - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._on_timer)
            return
        what = "a finalize" if self._finalizes else "audio" if self._opened else "the opening of a stream"
        self._worker.fail(
            ProviderTimeoutError(f"{self._worker} left {what} unanswered for {deadline:g} s; it was killed")
        )


async def _next(event: asyncio.Event) -> None:
    """Wait until `event` is set anew."""
    event.clear()
    await event.wait()


def _setup(settings: PocketSphinxSettings) -> Setup:
    """Translate settings into what a worker is told.

    Raises:
        ConfigurationError: a path does not exist.
    """
    options: dict[str, str | float | bool | None] = {
        "loglevel": "ERROR",  # to standard error, of which the end is kept for the text of a failure
        "fwdflat": False,  # one pass only: an utterance then ends in 5 ms instead of 60-150
        "bestpath": False,
        "cmn": "live",
        "maxhmmpf": 5000,  # at most so many states per 10 ms: the same words as with 30000, at half the peaks
    }
    paths = {"hmm": settings.model, "dict": settings.dictionary, "lm": settings.language_model}
    dictates = settings.grammar is None and settings.keywords is None
    for option, path in paths.items():
        if path is not None and (option != "lm" or dictates):
            options[option] = _existing(path, option)
    setup = Setup(
        options=options, reject=settings.reject, decoders=1, interim_interval=settings.interim_interval
    )
    if settings.grammar is not None:
        setup["grammar"] = _existing(settings.grammar, "grammar")
        options |= GRAMMAR_BEAMS
    if settings.keywords is not None:
        setup["keywords"] = dict(settings.keywords)
    return setup


_NAMES = {"hmm": "model", "dict": "dictionary", "lm": "language_model", "grammar": "grammar"}


def _existing(path: Path, option: str) -> str:
    if not path.exists():
        raise ConfigurationError(
            f"{_NAMES[option]} {str(path)!r} does not exist; give the path of one, or leave it out"
        )
    return str(path.resolve())
