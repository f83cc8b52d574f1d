"""One caller's WebSocket: what waits to be sent, in order, and what has been played."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import Connection
from beluga_voice.contracts.server import OUTPUT_SAMPLE_RATE


class WebSocketConnection(Connection):
    """Queues what the session sends, for one task that writes; a reader that is too slow is cut.

    Args:
        output_rate: Hz of the audio that the caller wants.
        backlog: bytes that may wait.

    Attributes:
        sent: samples that were put in the queue, at `output_rate`.
        ended: why the connection is to be closed, as a code and a reason; None while it is not.
    """

    def __init__(self, output_rate: int, backlog: int) -> None:
        self.sent = 0
        self.ended: tuple[str, str] | None = None
        self.slow = False
        self._rate = output_rate
        self._resampler = (
            None if output_rate == OUTPUT_SAMPLE_RATE else Resampler(OUTPUT_SAMPLE_RATE, output_rate)
        )
        self._backlog = backlog
        self._waiting: deque[str | bytes] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._played: tuple[int, float] | None = None

    # -- the session's side --

    def send_nowait(self, frame: AudioFrame) -> None:
        """Queue a frame."""
        if self._resampler is not None:
            frame = AudioFrame(self._resampler.process(frame.samples), self._rate)
        if len(frame.samples):
            self.sent += len(frame.samples)
            self._put(frame.tobytes())

    def tell(self, message: Mapping[str, object]) -> None:
        """Queue a message."""
        self._put(json.dumps(message, separators=(",", ":")))

    def flush(self) -> None:
        """Drop the audio that waits, and have the caller drop what it has."""
        dropped = [each for each in self._waiting if isinstance(each, bytes)]
        if dropped:
            self._waiting = deque(each for each in self._waiting if isinstance(each, str))
            self._bytes -= sum(map(len, dropped))
            self.sent -= sum(map(len, dropped)) // 2
        self.tell({"type": "clear", "sent": self.sent})

    @property
    def unplayed(self) -> float:
        """Seconds that a caller who acknowledges has not played yet: as told, and as time has passed since."""
        if self._played is None:
            return 0.0
        samples, at = self._played
        passed = asyncio.get_running_loop().time() - at
        return max(0.0, (self.sent - samples) / self._rate - passed)

    async def aclose(self, code: str = "", reason: str = "") -> None:
        """End it: what waits is written, then the socket is closed."""
        if self.ended is None:
            self.tell({"type": "bye", "code": code, "reason": reason})
            self.ended = code, reason
            self._changed.set()
        await self._closed.wait()

    # -- the socket's side --

    def played(self, samples: int) -> None:
        """Learn that the caller has played the first `samples` of what was sent."""
        self._played = samples, asyncio.get_running_loop().time()

    async def next(self) -> str | bytes | None:
        """Wait for what is to be written; None once nothing will follow."""
        while not self._waiting:
            if self.ended is not None:
                return None
            self._changed.clear()
            await self._changed.wait()
        taken = self._waiting.popleft()
        self._bytes -= len(taken)
        return taken

    def closed(self) -> None:
        """The socket is closed."""
        self._closed.set()

    def _put(self, message: str | bytes) -> None:
        if self.ended is not None:
            return
        if self._bytes + len(message) > self._backlog:
            self.ended = "slow_reader", f"more than {self._backlog} bytes wait to be read"
            self.slow = True
            self._waiting.clear()
        else:
            self._waiting.append(message)
            self._bytes += len(message)
        self._changed.set()
