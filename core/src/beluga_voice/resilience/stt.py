"""Several recognizers as one: what the caller says while one fails, the next one hears."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import STT, Listens, STTStream, Transcript
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError
from beluga_voice.resilience.fallback import Fallback, leave
from beluga_voice.resilience.order import FallbackPolicy
from beluga_voice.resilience.replay import Finalize, SentAudio


class FallbackSTT(Fallback[STT], STT):
    """Asks the first recognizer that is well. One that fails, or owes an answer for too long, is left for the next.

    The next hears all audio that is in no final yet, so that no word is lost; a final that comes twice is given
    once. When a preferred one is well again, it hears the next speech.

    Takes audio at the highest of the recognizers' rates, all of it if one of them wants all, and answers each
    `finalize` if one of them does: for the others it answers after their `p99_delay`.
    """

    kind: ClassVar[str] = "stt"

    def __init__(
        self,
        providers: Sequence[STT],
        policy: FallbackPolicy | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(providers, policy, names=names)
        self.sample_rate = max(each.sample_rate for each in providers)
        listens_to_all = any(each.listens is Listens.ALL for each in providers)
        self.listens = Listens.ALL if listens_to_all else Listens.SPEECH
        self.finalizes = any(each.finalizes for each in providers)
        self.interim_results = any(each.interim_results for each in providers)
        self.word_timestamps = all(each.word_timestamps for each in providers)
        self.p99_delay = max(each.p99_delay for each in providers)

    async def open_stream(self) -> STTStream:
        """Open a stream with the first that gives one; see `STT.open_stream`."""
        stream = _FallbackSTTStream(self)
        await stream.open()
        return stream

    def patience(self, index: int) -> float:
        """Return the seconds within which a recognizer has to answer `finalize`."""
        return max(self.policy.answer_deadline, 2 * self.providers[index].p99_delay)


class _Better(Exception):
    """A preferred recognizer has a stream open."""

    def __init__(self, index: int, stream: STTStream) -> None:
        super().__init__(index)
        self.index = index
        self.stream = stream


class _FallbackSTTStream(STTStream):
    def __init__(self, stt: FallbackSTT) -> None:
        self._stt = stt
        self._audio = SentAudio(stt.sample_rate, keep=stt.policy.replay)
        self._loop = asyncio.get_running_loop()
        self._transcripts: deque[Transcript] = deque()
        self._heard = asyncio.Event()
        self._room = asyncio.Event()
        self._wake = asyncio.Event()
        self._watch = asyncio.Event()
        self._between = asyncio.Event()
        self._error: Exception | None = None
        self._closed = False
        self._index = 0
        self._inner: STTStream | None = None
        self._resampler: Resampler | None = None
        self._position = 0
        self._idle = False
        self._leaving: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    # -- the stream --

    async def open(self) -> None:
        """Open with the first recognizer that gives a stream.

        Raises:
            ProviderError: none does.
        """
        await self._open_any(None)
        self._task = asyncio.create_task(self._run(), name="beluga-voice stt fallback")

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._check()
        if self._audio.full:
            return False
        self._audio.add(frame)
        self._wake.set()
        return True

    async def send(self, frame: AudioFrame) -> None:
        while not self.send_nowait(frame):
            self._room.clear()
            await self._room.wait()

    async def finalize(self) -> None:
        self._check()
        if self._stt.finalizes:
            self._audio.add_finalize()
            self._answer_what_needs_no_words()
            self._wake.set()

    async def receive(self) -> Transcript:
        while not self._transcripts:
            self._check()
            self._heard.clear()
            await self._heard.wait()
        return self._transcripts.popleft()

    async def hold_open(self) -> None:
        if self._inner is not None:
            await self._inner.hold_open()

    async def aclose(self) -> None:
        self._closed = True
        self._transcripts.clear()
        self._heard.set()
        self._room.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._leave()
        await leave(tuple(self._leaving))

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
        if self._error is not None:
            raise self._error

    # -- one recognizer after the other --

    async def _run(self) -> None:
        try:
            while True:
                outcome = await self._use()
                if self._closed:
                    return
                if isinstance(outcome, ProviderError):
                    await self._open_any(outcome)
                else:
                    old = self._index
                    self._leave()
                    self._begin(outcome.index, outcome.stream)
                    self._stt.switched(old, outcome.index, "")
        except Exception as error:  # noqa: BLE001 - raised to whoever uses the stream
            self._error = error
            self._heard.set()
            self._room.set()

    async def _open_any(self, error: ProviderError | None) -> None:
        """Put the first recognizer that gives a stream in the place of the one that failed, if one has."""
        stt, old = self._stt, self._index
        if error is not None:
            stt.failed(old, error)
        self._leave()
        failure: ProviderError | None = error
        for index in stt.candidates():
            try:
                stream = await self._open_one(index, alone=not stt.has_other(index))
            except ProviderError as another:
                stt.failed(index, another)
                failure = failure or another
                continue
            self._begin(index, stream)
            if failure is not None:
                stt.switched(0 if error is None else old, index, str(failure))
            return
        assert failure is not None
        raise failure

    async def _open_one(self, index: int, *, alone: bool) -> STTStream:
        deadline = None if alone else self._stt.policy.open_deadline
        try:
            async with asyncio.timeout(deadline):
                return await self._stt.providers[index].open_stream()
        except TimeoutError:
            name = self._stt.names[index]
            raise ProviderTimeoutError(f"{name} did not open a stream within {deadline:g} s") from None

    def _begin(self, index: int, stream: STTStream) -> None:
        self._index, self._inner = index, stream
        rate = self._stt.providers[index].sample_rate
        self._resampler = None if rate == self._stt.sample_rate else Resampler(self._stt.sample_rate, rate)
        self._position = 0
        self._audio.rewind()

    def _leave(self) -> None:
        """Close the stream that is used, beside what goes on."""
        stream, self._inner = self._inner, None
        if stream is not None:
            task = asyncio.create_task(stream.aclose(), name="beluga-voice stt leaves")
            self._leaving.add(task)
            task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if not task.cancelled():
            task.exception()

    async def _use(self) -> ProviderError | _Better:
        """Use the recognizer until it fails, or a preferred one is well again, and return what it was."""
        inner = self._inner
        assert inner is not None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(inner))
                group.create_task(self._receive(inner))
                group.create_task(self._expect())
                group.create_task(self._await_better())
        except ExceptionGroup as errors:
            return _outcome(errors, self._stt.names[self._index])
        raise AssertionError("a recognizer is used until it fails")

    async def _send(self, inner: STTStream) -> None:
        while True:
            self._wake.clear()
            while (item := self._audio.next(0.0, self._loop.time())) is not None:
                self._room.set()
                if isinstance(item, Finalize):
                    self._watch.set()
                    await inner.finalize()
                else:
                    frame = self._converted(item)
                    if len(frame) and not inner.send_nowait(frame):
                        await self._in_time(inner, frame)
            await self._wake.wait()

    async def _in_time(self, inner: STTStream, frame: AudioFrame) -> None:
        deadline = max(self._stt.policy.open_deadline, 2 * self._stt.providers[self._index].p99_delay)
        try:
            async with asyncio.timeout(deadline):
                await inner.send(frame)
        except TimeoutError:
            name = self._stt.names[self._index]
            raise ProviderTimeoutError(f"{name} took no audio for {deadline:g} s") from None

    def _converted(self, frame: AudioFrame) -> AudioFrame:
        rate = self._stt.providers[self._index].sample_rate
        samples = frame.samples if self._resampler is None else self._resampler.process(frame.samples)
        converted = AudioFrame(samples, rate, self._position)
        self._position += len(samples)
        return converted

    async def _receive(self, inner: STTStream) -> None:
        async for transcript in inner:
            shifted = self._audio.shifted(transcript)
            if not shifted.final:
                self._give(shifted)
            elif not self._audio.is_repeated(shifted):
                self._answer(shifted)
            if transcript.final:
                self._stt.succeeded(self._index)
                self._between.set()
        raise ProviderError(f"{self._stt.names[self._index]} closed its stream", retryable=True)

    async def _expect(self) -> None:
        """Hold the recognizer to its answers."""
        while True:
            self._watch.clear()
            asked = self._audio.asked
            try:
                async with asyncio.timeout_at(None if asked is None else asked.sent_at + self._allowed()):
                    await self._watch.wait()
            except TimeoutError:
                if self._audio.asked is asked:
                    await self._lacks_answer(asked)

    def _allowed(self) -> float:
        provider = self._stt.providers[self._index]
        return self._stt.patience(self._index) if provider.finalizes else provider.p99_delay or 0.3

    async def _lacks_answer(self, asked: Finalize | None) -> None:
        if not self._stt.providers[self._index].finalizes:
            self._answer(Transcript("", final=True, answers_finalize=True))
            return
        if self._stt.has_other(self._index):
            name, allowed = self._stt.names[self._index], self._allowed()
            raise ProviderTimeoutError(f"{name} owes the final words for {allowed:g} s")
        while self._audio.asked is asked:  # nobody else could tell them
            self._watch.clear()
            await self._watch.wait()

    async def _await_better(self) -> None:
        """Look after each final whether a preferred recognizer is well again, and open a stream of it then."""
        while True:
            self._between.clear()
            await self._between.wait()
            best = self._stt.order.best(self._loop.time())
            if best is None or best >= self._index:
                continue
            try:
                stream = await self._open_one(best, alone=False)
            except ProviderError as error:
                self._stt.failed(best, error)
            else:
                raise _Better(best, stream)

    # -- what is heard --

    def _answer(self, final: Transcript) -> None:
        self._give(self._audio.settle(final))
        self._answer_what_needs_no_words()
        self._watch.set()

    def _answer_what_needs_no_words(self) -> None:
        while self._audio.pop_empty():
            self._give(Transcript("", final=True, answers_finalize=True))

    def _give(self, transcript: Transcript) -> None:
        self._transcripts.append(transcript)
        self._heard.set()


def _outcome(group: ExceptionGroup[Exception], name: str) -> ProviderError | _Better:
    """Return why a recognizer was left; of several reasons its failure.

    Raises:
        Exception: it is a bug.
    """
    errors = sorted(group.exceptions, key=lambda error: isinstance(error, _Better))
    if isinstance(errors[0], ClosedError):
        return ProviderError(f"{name} closed its stream", retryable=True)
    if isinstance(errors[0], (ProviderError, _Better)):
        return errors[0]
    raise errors[0]
