"""When a sample was said: from positions in the caller's audio to the session's clock. Pure."""

from __future__ import annotations

from collections import deque

SLACK = 0.2
"""Seconds that audio may come late before the line is taken to have paused rather than to jitter."""

DRIFT = 0.002
"""Share of the difference by which each frame moves the line, so that it follows a slow or fast clock."""


class Timeline:
    """Maps sample positions of the caller's audio to seconds on the session's clock.

    Frames arrive when they were said or later, never earlier. So the earliest arrivals tell the time best; a
    frame that is late by more than the network's jitter means that the line was silent.

    Args:
        sample_rate: of the positions, in Hz.
    """

    __slots__ = ("_origin", "_rate")

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._origin: float | None = None

    def arrived(self, end: int, now: float) -> None:
        """Learn that the samples before position `end` were there at `now`."""
        origin = now - end / self._rate
        if self._origin is None or origin < self._origin or origin > self._origin + SLACK:
            self._origin = origin
        else:
            self._origin += (origin - self._origin) * DRIFT

    def at(self, position: int) -> float:
        """Return when the sample at `position` was said."""
        return (self._origin or 0.0) + position / self._rate


class SentAudio:
    """Maps seconds of the audio that was sent to a stream, gaps left out, to positions in the caller's audio."""

    __slots__ = ("_jumps", "_rate", "_sent", "_until")

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._jumps: deque[tuple[int, int]] = deque(maxlen=64)
        self._sent = 0
        self._until = 0

    def add(self, position: int, samples: int) -> bool:
        """Note that `samples` from `position` on were sent; returns whether audio was left out before them."""
        jumps = position != self._until or not self._jumps
        if jumps:
            self._jumps.append((self._sent, position))
        self._sent += samples
        self._until = position + samples
        return jumps

    @property
    def samples(self) -> int:
        """All that were sent."""
        return self._sent

    @property
    def seconds(self) -> float:
        """Seconds of audio that were sent."""
        return self._sent / self._rate

    def position(self, seconds: float, *, end: bool = False) -> int:
        """Return where in the caller's audio the stream's time `seconds` is.

        Args:
            seconds: of the audio that was sent.
            end: it is the end of something: where audio was left out, it stands before the gap, not after it.
        """
        sample = round(seconds * self._rate)
        for sent, position in reversed(self._jumps):
            if sent < sample or (sent == sample and not end):
                return position + sample - sent
        return self._jumps[0][1] if self._jumps else sample
