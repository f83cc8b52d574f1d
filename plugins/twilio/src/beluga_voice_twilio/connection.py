"""One call's media stream: what waits to be sent, in order, and what Twilio has played."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import Connection
from beluga_voice.contracts.server import OUTPUT_SAMPLE_RATE
from beluga_voice_twilio.protocol import SAMPLE_RATE, clear, mark, media

LAST_WORDS = 1.0
"""Seconds, beside its length, that the end of what the agent said may take to be played before it is hung up."""


class TwilioConnection(Connection):
    """Queues what the session sends, for one task that writes; a reader that is too slow is cut.

    Args:
        stream_sid: names the stream in each message.
        backlog: bytes that may wait.

    Attributes:
        sent: samples that were put in the queue, at `SAMPLE_RATE`.
        ended: why the connection is to be closed, as a code and a reason; None while it is not.
        slow: whether it is closed as what waits was not read.
    """

    def __init__(self, stream_sid: str, backlog: int) -> None:
        self.sent = 0
        self.ended: tuple[str, str] | None = None
        self.slow = False
        self._sid = stream_sid
        self._backlog = backlog
        self._resampler = Resampler(OUTPUT_SAMPLE_RATE, SAMPLE_RATE)
        self._waiting: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self._loop = asyncio.get_running_loop()
        self._played = 0
        self._played_at = self._loop.time()
        self._changed = asyncio.Event()
        self._quiet = asyncio.Event()
        self._closed = asyncio.Event()
        self._closing = False

    # -- the session's side --

    def send_nowait(self, frame: AudioFrame) -> None:
        """Queue a frame, and the mark that acknowledges it."""
        samples = self._resampler.process(frame.samples)
        if not len(samples):
            return
        if self.sent == self._played:  # nothing was being played: from here on the clock counts
            self._played_at = self._loop.time()
        self.sent += len(samples)
        self._quiet.clear()
        self._put(media(self._sid, samples), len(samples))
        self._put(mark(self._sid, str(self.sent)))

    def tell(self, message: Mapping[str, object]) -> None:
        """Do nothing: a telephone shows no messages."""

    def flush(self) -> None:
        """Drop the audio that waits, and have Twilio drop what it has."""
        self.sent -= sum(samples for _, samples in self._waiting)
        self._waiting.clear()
        self._bytes = 0
        self._resampler = Resampler(OUTPUT_SAMPLE_RATE, SAMPLE_RATE)
        self.played(self.sent)
        self._put(clear(self._sid))

    @property
    def unplayed(self) -> float:
        """Seconds that Twilio has not played yet: by its latest mark, and as time has passed since."""
        passed = self._loop.time() - self._played_at
        return max(0.0, (self.sent - self._played) / SAMPLE_RATE - passed)

    async def aclose(self, code: str = "", reason: str = "") -> None:
        """Hang up, once Twilio has played what was said, or has had the time for it."""
        if not self._closing:
            self._closing = True
            if self._played < self.sent:
                await self._play_out()
            if self.ended is None:
                self.ended = code, reason
            self._changed.set()
        await self._closed.wait()

    async def _play_out(self) -> None:
        try:
            async with asyncio.timeout(self.unplayed + LAST_WORDS):
                await self._quiet.wait()
        except TimeoutError:
            return

    # -- the socket's side --

    def played(self, samples: int) -> None:
        """Learn that Twilio has played the first `samples` of what was sent, or has dropped them."""
        if self._played <= samples <= self.sent:
            self._played, self._played_at = samples, self._loop.time()
            if samples == self.sent:
                self._quiet.set()

    async def next(self) -> str | None:
        """Wait for what is to be written; None once nothing will follow."""
        while not self._waiting:
            if self.ended is not None:
                return None
            self._changed.clear()
            await self._changed.wait()
        taken, _ = self._waiting.popleft()
        self._bytes -= len(taken)
        return taken

    def closed(self) -> None:
        """The socket is closed."""
        self._quiet.set()
        self._closed.set()

    def _put(self, message: str, samples: int = 0) -> None:
        if self.ended is not None:
            return
        if self._bytes + len(message) > self._backlog:
            self.ended = "slow_reader", f"more than {self._backlog} bytes wait to be read"
            self.slow = True
            self._waiting.clear()
        else:
            self._waiting.append((message, samples))
            self._bytes += len(message)
        self._changed.set()
