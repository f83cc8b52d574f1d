"""The session's side of the STT: audio out in order, words in with their times."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

from beluga_voice.audio import AudioFrame, Resampler, RingBuffer
from beluga_voice.contracts import STT, Listens, STTStream, Transcript
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError
from beluga_voice.session.closing import close_within
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.timeline import SentAudio
from beluga_voice.session.unsettled import Unsettled

REPLAY = 30.0
"""Seconds of a turn that are kept for the next stream, should this one fail before it has given their words."""

FRAME = 320
"""Samples of a frame of 20 ms at 16 kHz, in which audio kept for pre-roll is sent."""


class Transcription:
    """Sends a session's audio to its STT, each sample of a turn once and in order.

    It outlives the STT's streams: what a failed stream had not accepted goes to the one that replaces it, after
    what it had accepted of the open turn, and given no final words of.

    Args:
        stt: the recognizer.
        ring: the caller's latest audio at `sample_rate` Hz.
        sample_rate: of the ring, in Hz.
        pre_roll: samples before a speech start that are sent too.
        config: how much audio may wait, and how long opening and closing may take.
        heard: takes each transcript, and the number of the request that it answers.

    Attributes:
        sent: what was sent to the stream that is open.
    """

    def __init__(
        self,
        stt: STT,
        ring: RingBuffer,
        *,
        sample_rate: int,
        pre_roll: int,
        config: SessionConfig,
        heard: Callable[[Transcript, int | None], None],
    ) -> None:
        self._stt = stt
        self._ring = ring
        self._rate = sample_rate
        self._pre_roll = pre_roll
        self._config = config
        self._heard = heard
        self._open = self._always = stt.listens is Listens.ALL
        self._without_vad = False
        self._next = 0
        self._waiting: deque[AudioFrame | int] = deque()
        self._waiting_samples = 0
        self._stream: STTStream | None = None
        self._samples_before = 0
        self.sent = SentAudio(self._rate)
        self._left = 0  # streams whose closing did not come to its end
        self._replay: deque[AudioFrame | int] = deque()
        self._unsettled = Unsettled(round(REPLAY * sample_rate))
        self._begin_stream()

    def _begin_stream(self) -> None:
        """Forget what was of the stream before."""
        stt = self._stt
        self._resampler = None if stt.sample_rate == self._rate else Resampler(self._rate, stt.sample_rate)
        self._position = 0
        self._refused: AudioFrame | None = None
        self._requests: deque[tuple[int, float]] = deque()
        self._wake: asyncio.Future[None]
        self._idle = False  # the sender waits, with nothing ahead of a frame that comes now
        self._failure: asyncio.Future[Exception] | None = None
        self._replay.extendleft(reversed(self._unsettled.take()))
        self._samples_before += self.sent.samples
        self.sent = SentAudio(self._rate)

    @property
    def seconds(self) -> float:
        """Of audio that were sent, to all streams."""
        return (self._samples_before + self.sent.samples) / self._rate

    # -- called by the session, never waiting, never raising --

    def always(self) -> None:
        """Send all audio from now on: there is no VAD to say when speech begins."""
        self._open = self._always = self._without_vad = self._unsettled.open = True

    def start(self, position: int) -> None:
        """Send the audio from `position`, less the pre-roll, and then on."""
        start = position - self._pre_roll
        if not self._open:
            self._open = True
            self._next = max(self._next, start)
        elif not self._unsettled.open:
            self._keep(start)
        self._unsettled.open = True
        self.catch_up()

    def _keep(self, start: int) -> None:
        """Keep what was sent of the turn that begins now, while nobody knew of it."""
        self._unsettled.open = True
        start = max(start, self._ring.start)
        waiting = (item.position for item in (*self._replay, *self._waiting) if isinstance(item, AudioFrame))
        samples = self._ring.read(start, next(waiting, self._next))
        if len(samples):
            self._unsettled.add(AudioFrame(samples, self._rate, start))

    def stop(self) -> None:
        """Send what there is and then no more, unless the recognizer wants all."""
        self.catch_up()
        self._open = self._always
        if not self._without_vad:
            self._unsettled.open = False
            self._unsettled.clear()

    def finalize(self, request: int) -> None:
        """Ask for the final words of all audio so far."""
        self._wait(request)

    def hear(self, frame: AudioFrame) -> None:
        """Send a frame that was just written to the ring, if audio is wanted. It is not retained."""
        if not self._open:
            return
        direct = self._idle and self._next == frame.position and self._resampler is None
        if direct and self._accepted(frame):
            samples = len(frame.samples)
            self._next += samples
            self._position = self._next
            self.sent.add(frame.position, samples)
            if self._unsettled.open:
                self._unsettled.add(AudioFrame(frame.samples.copy(), self._rate, frame.position))
        else:
            self.catch_up()

    def catch_up(self) -> None:
        """Send what the ring holds and was not yet sent."""
        end = self._ring.end
        while self._open and self._next < end:
            start = max(self._next, self._ring.start)
            samples = self._ring.read(start, min(start + FRAME, end))
            self._next = start + len(samples)
            self._put(AudioFrame(samples, self._rate, start))

    def _put(self, audio: AudioFrame) -> None:
        if self._idle:
            frame = self._converted(audio)
            if not len(frame) or self._accepted(frame):
                self._unsettled.add(audio)
                return
            self._refused = frame
        self._waiting_samples += len(audio)
        self._wait(audio)
        if self._waiting_samples > self._config.hearing_backlog * self._rate:
            self._give_up_waiting()

    def _wait(self, item: AudioFrame | int) -> None:
        self._waiting.append(item)
        if self._idle:
            self._idle = False
            self._wake.set_result(None)

    def _accepted(self, frame: AudioFrame) -> bool:
        assert self._stream is not None
        try:
            return self._stream.send_nowait(frame)
        except Exception as error:  # noqa: BLE001 - raised in `run`, where it belongs
            self._fail(error)
            return False

    def _converted(self, audio: AudioFrame) -> AudioFrame:
        """The audio at the recognizer's rate, noted as sent."""
        if self.sent.add(audio.position, len(audio)):
            self._position = audio.position * self._stt.sample_rate // self._rate
        samples = audio.samples if self._resampler is None else self._resampler.process(audio.samples)
        frame = AudioFrame(samples, self._stt.sample_rate, self._position)
        self._position += len(samples)
        return frame

    def _give_up_waiting(self) -> None:
        self._waiting.clear()
        self._replay.clear()
        self._unsettled.clear()
        self._waiting_samples = 0
        behind = (
            f"the STT is {self._config.hearing_backlog:g} s behind the caller's speech, which is given up"
        )
        self._fail(ProviderError(behind, retryable=True))

    def _fail(self, error: Exception) -> None:
        self._idle = False
        if self._failure is not None and not self._failure.done():
            self._failure.set_result(error)

    # -- the tasks --

    async def open(self) -> None:
        """Open a stream.

        Raises:
            ProviderError: none can be had.
        """
        self._begin_stream()
        try:
            async with asyncio.timeout(self._config.open_deadline):
                self._stream = await self._stt.open_stream()
        except TimeoutError:
            raise ProviderTimeoutError(
                f"the STT did not open a stream within {self._config.open_deadline:g} s"
            ) from None

    async def run(self) -> None:
        """Send and receive until cancelled, over the stream that is open or a new one, which is closed then.

        Raises:
            ProviderError: the recognizer failed, or does not keep up; alone or in a group.
        """
        if self._stream is None:
            await self.open()
        stream = self._stream
        assert stream is not None
        self._failure = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(stream), name="beluga-voice stt send")
                group.create_task(self._receive(stream), name="beluga-voice stt receive")
                raise _as_failure(await self._failure)
        finally:
            await self.aclose()

    async def hold_open(self) -> None:
        """Keep the stream that is open alive, if any."""
        if self._stream is not None:
            await self._stream.hold_open()

    async def aclose(self) -> bool:
        """Close the stream that is open, if any; returns whether all so far could be closed."""
        stream, self._stream, self._failure, self._idle = self._stream, None, None, False
        if stream is not None:
            self._left += 1
            self._left -= await close_within(self._config.close_deadline, ("stt", stream.aclose))
        return not self._left

    async def _send(self, stream: STTStream) -> None:
        try:
            while True:
                while self._replay or self._waiting:
                    await self._send_next(stream)
                self._wake, self._idle = asyncio.get_running_loop().create_future(), True
                await self._wake
        except ClosedError as error:
            raise _as_failure(error) from error

    async def _send_next(self, stream: STTStream) -> None:
        queue = self._replay or self._waiting
        item = queue[0]
        if isinstance(item, int):
            queue.popleft()
            if self._stt.finalizes:
                self._unsettled.ask(item)
                self._requests.append((item, self.sent.seconds))
            await stream.finalize()
            return
        frame = self._converted(item) if self._refused is None else self._refused
        self._refused = None
        if len(frame) and not stream.send_nowait(frame):
            await stream.send(frame)
        if queue and queue[0] is item:  # it was not given up meanwhile
            queue.popleft()
            self._unsettled.add(item)
            if queue is self._waiting:
                self._waiting_samples -= len(item)

    async def _receive(self, stream: STTStream) -> None:
        async for transcript in stream:
            answers = self._answered(transcript) if transcript.answers_finalize else None
            if transcript.final:
                end = transcript.end
                if end is not None and not math.isfinite(end):
                    end = None
                self._unsettled.settle(None if end is None else self.sent.position(end, end=True), answers)
            self._heard(transcript, answers)
        raise ProviderError("the STT closed its stream", retryable=True)

    def _answered(self, transcript: Transcript) -> int | None:
        """The request that this answers; one that was made before its words began was left unanswered."""
        while self._requests:
            request, asked = self._requests.popleft()
            if not self._requests or transcript.start is None or transcript.start < asked:
                return request
        return None


def _as_failure(error: Exception) -> Exception:
    """A stream that the recognizer has closed has failed; everything else is what it is."""
    if isinstance(error, ClosedError):
        return ProviderError("the STT closed its stream", retryable=True)
    return error
