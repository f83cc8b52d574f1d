"""What the caller's loudspeaker was given, by the time at which it was: the reference of an echo canceller.

An echo comes back after what caused it, by the way through the network, the loudspeaker and the room; a canceller
finds that delay, as long as it stays the same. So both sides are read without gaps or repeats: frames are put one
after the other while they leave in time, and read one after the other while the caller's come in time.
"""

from __future__ import annotations

import numpy as np

from beluga_voice.audio import AudioFrame, Resampler, RingBuffer
from beluga_voice.session.pacer import PERIOD

KEPT = 2.0
"""Seconds that are kept: the caller's frames may be late by as much."""

JITTER = 0.01
"""Seconds by which a frame may leave late and still follow the one before; more is a pause, or the loop stood."""

BEHIND = 0.002
"""Seconds by which the reading is behind from the start: twice what the resampler holds back."""

SLIP = 0.02
"""Seconds by which the caller's time may slip before the reading follows it by a jump."""


class Played:
    """Keeps what is played, at the rate and on the clock of what is heard.

    Args:
        source_rate: of what is played, in Hz.
        target_rate: of what is heard, in Hz.
    """

    __slots__ = (
        "_behind",
        "_last_was_short",
        "_most_behind",
        "_origin",
        "_rate",
        "_read_until",
        "_resampler",
        "_ring",
        "_slip",
    )

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._rate = target_rate
        self._resampler = Resampler(source_rate, target_rate)
        self._ring = RingBuffer(round(KEPT * target_rate))
        self._origin: float | None = None
        self._behind = round(BEHIND * target_rate)
        self._most_behind = round((BEHIND + JITTER) * target_rate)
        self._last_was_short = (
            False  # the end of an utterance; the next one begins with the pacer's next frame
        )
        self._slip = round(SLIP * target_rate)
        self._read_until: int | None = None

    def add(self, frame: AudioFrame, now: float) -> None:
        """Keep a frame that is played from `now` on, or after the one before if that is not yet over."""
        if self._origin is None:
            self._origin = now
        gap = self._position(now) - self._ring.end
        if gap > JITTER * self._rate or self._last_was_short:
            self._ring.write(self._resampler.flush())
            gap = max(0, self._position(now) - self._ring.end)
            self._ring.write(np.broadcast_to(np.int16(0), gap))
        elif self._read_until is not None and self._read_until > self._ring.end:
            # The caller's frame came first, in place of this one silence was read: from now on it is read later.
            late = min(self._read_until - self._ring.end, self._most_behind - self._behind)
            self._behind += late
            self._read_until -= late
        self._last_was_short = frame.duration < PERIOD - 1e-6
        self._ring.write(self._resampler.process(frame.samples))

    def read(self, frame: AudioFrame, since: float) -> AudioFrame | None:
        """Return what was played while the caller said `frame`, with zeros where nothing was; None if nothing was.

        Args:
            frame: the next of the caller's, at the target rate.
            since: when it began.
        """
        if self._origin is None:
            return None
        start, count = self._position(since) - self._behind, len(frame.samples)
        if self._read_until is not None and abs(start - self._read_until) <= self._slip:
            start = self._read_until
        self._read_until = start + count
        found = self._ring.read(start, start + count)
        if not len(found):
            return None
        samples = np.zeros(count, np.int16)
        at = max(start, self._ring.start) - start
        samples[at : at + len(found)] = found
        return AudioFrame(samples, self._rate, frame.position)

    def _position(self, at: float) -> int:
        assert self._origin is not None
        return round((at - self._origin) * self._rate)
