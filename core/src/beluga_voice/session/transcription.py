"""The session's side of the STT: audio out in order, words in with their times."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from beluga_voice.audio import AudioFrame, Resampler, RingBuffer
from beluga_voice.contracts import STT, Listens, STTStream, Transcript
from beluga_voice.errors import ProviderError
from beluga_voice.session.timeline import SentAudio

FRAME = 320
"""Samples of a frame of 20 ms at 16 kHz, in which audio kept for pre-roll is sent."""


class Transcription:
    """Sends a session's audio to one STT stream, each sample of a turn once and in order.

    Args:
        stt: the recognizer.
        ring: the caller's latest audio at `sample_rate` Hz.
        sample_rate: of the ring, in Hz.
        pre_roll: samples before a speech start that are sent too.
        backlog: seconds of audio that may wait for a slow recognizer.
        heard: takes each transcript, and the number of the request that it answers.
    """

    def __init__(
        self,
        stt: STT,
        ring: RingBuffer,
        *,
        sample_rate: int,
        pre_roll: int,
        backlog: float,
        heard: Callable[[Transcript, int | None], None],
    ) -> None:
        self._stt = stt
        self._ring = ring
        self._rate = sample_rate
        self._pre_roll = pre_roll
        self._backlog = backlog
        self._heard = heard
        self._open = self._always = stt.listens is Listens.ALL
        self._stream: STTStream
        self._resampler = None if stt.sample_rate == sample_rate else Resampler(sample_rate, stt.sample_rate)
        self._waiting: deque[AudioFrame | int] = deque()
        self._waiting_samples = 0
        self._requests: deque[int] = deque()
        self._wake: asyncio.Future[None]
        self._idle = False  # the sender waits, with nothing ahead of a frame that comes now
        self._next = 0
        self.sent = SentAudio(sample_rate)

    # -- called by the session, never waiting --

    def always(self) -> None:
        """Send all audio from now on: there is no VAD to say when speech begins."""
        self._open = self._always = True

    def start(self, position: int) -> None:
        """Send the audio from `position`, less the pre-roll, and then on."""
        if not self._open:
            self._open = True
            self._next = max(self._next, position - self._pre_roll)
        self.catch_up()

    def stop(self) -> None:
        """Send no more, unless the recognizer wants all."""
        self._open = self._always

    def finalize(self, request: int) -> None:
        """Ask for the final words of all audio so far."""
        self._put(request)

    def hear(self, frame: AudioFrame) -> None:
        """Send a frame that was just written to the ring, if audio is wanted."""
        if not self._open:
            return
        if self._next == frame.position and self._resampler is None:
            samples = len(frame.samples)
            self._next += samples
            self.sent.add(frame.position, samples)
            if not (self._idle and self._send_now(frame)):
                self._put(frame)
        else:
            self.catch_up()

    def catch_up(self) -> None:
        """Send what the ring holds and was not yet sent."""
        end = self._ring.end
        while self._open and self._next < end:
            start = max(self._next, self._ring.start)
            samples = self._ring.read(start, min(start + FRAME, end))
            self.sent.add(start, len(samples))
            self._next = start + len(samples)
            if self._resampler is not None:
                samples = self._resampler.process(samples)
                start = start * self._stt.sample_rate // self._rate
            self._put(AudioFrame(samples, self._stt.sample_rate, start))

    def _put(self, item: AudioFrame | int) -> None:
        if isinstance(item, AudioFrame):
            if self._idle and self._send_now(item):
                return
            self._waiting_samples += len(item)
        self._waiting.append(item)
        if self._idle:
            self._idle = False
            self._wake.set_result(None)

    def _send_now(self, frame: AudioFrame) -> bool:
        try:
            return self._stream.send_nowait(frame)
        except ProviderError as error:  # the sender's to raise, not the transport's
            self._idle = False
            self._wake.set_exception(error)
            return True

    # -- the tasks --

    async def run(self) -> None:
        """Open the stream, and send and receive until cancelled.

        Raises:
            ProviderError: the recognizer failed, or does not keep up.
        """
        self._stream = stream = await self._stt.open_stream()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(stream), name="beluga-voice stt send")
                group.create_task(self._receive(stream), name="beluga-voice stt receive")
        finally:
            self._idle = False
            await stream.aclose()

    async def _send(self, stream: STTStream) -> None:
        while True:
            while self._waiting:
                await self._send_next(stream)
            self._wake = asyncio.get_running_loop().create_future()
            self._idle = True
            await self._wake

    async def _send_next(self, stream: STTStream) -> None:
        item = self._waiting.popleft()
        if isinstance(item, int):
            if self._stt.finalizes:
                self._requests.append(item)
            await stream.finalize()
            return
        self._waiting_samples -= len(item)
        if self._waiting_samples > self._backlog * item.sample_rate:
            raise ProviderError(f"the STT is {self._backlog:g} s behind the caller's speech", retryable=True)
        if not stream.send_nowait(item):
            await stream.send(item)

    async def _receive(self, stream: STTStream) -> None:
        async for transcript in stream:
            answers = None
            if transcript.answers_finalize and self._requests:
                answers = self._requests.popleft()
            self._heard(transcript, answers)
        raise ProviderError("the STT closed its stream", retryable=True)
