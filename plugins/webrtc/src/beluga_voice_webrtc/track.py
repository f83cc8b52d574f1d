"""The agent's voice on its way out: a packet leaves when the session's playout says that it is due."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice_webrtc.opus import CLOCK, FRAME, TICKS, Encoder, Packet

TAIL = 5
"""Packets of silence after the last one that is heard, so that the far end does not make one up."""

QUIET = 0.06
"""Seconds without a frame after which the tail is sent."""

SILENCE = np.zeros(FRAME, np.int16)


class VoiceTrack(MediaStreamTrack):
    """A track that gives encoded packets as they are put, and nothing in between.

    Timestamps follow the loop's clock across pauses, and the samples within speech.
    """

    kind = "audio"

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._encoder = encoder
        self._running = asyncio.get_running_loop()
        self._began = self._running.time()
        self._next = 0
        self._last = 0.0
        self._packets: deque[Packet] = deque()
        self._wanted: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def put(self, frame: AudioFrame) -> None:
        """Send a frame now."""
        self._last = self._running.time()
        elapsed = round((self._last - self._began) * CLOCK)
        if self._timer is None:
            self._next = max(self._next, elapsed)
            self._timer = self._running.call_later(QUIET, self._end)
        self._encode(frame.samples)

    def drop(self) -> None:
        """Forget what has not left yet."""
        self._packets.clear()

    async def recv(self) -> Packet:
        """Wait for the next packet."""
        while not self._packets:
            if self.readyState != "live":
                raise MediaStreamError
            self._wanted = self._running.create_future()
            await self._wanted
        return self._packets.popleft()

    def stop(self) -> None:
        """End the track."""
        super().stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def _encode(self, samples: NDArray[np.int16]) -> None:
        self._packets.extend(self._encoder.encode(samples, self._next))
        self._next += TICKS
        self._wake()

    def _end(self) -> None:
        """Send the tail, if nothing has come since; else look again."""
        if self._running.time() - self._last < QUIET - 0.001:
            self._timer = self._running.call_later(QUIET, self._end)
            return
        self._timer = None
        for _ in range(TAIL):
            self._encode(SILENCE)

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)
