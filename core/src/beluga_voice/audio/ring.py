"""The last seconds of a stream, by position."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beluga_voice.errors import ConfigurationError


class RingBuffer:
    """Holds the latest `capacity` samples of a stream, for a pre-roll that is cut out later.

    Memory is taken once. A write is a copy into it and keeps nothing of what it is given: every frame of
    every caller goes through it.

    Attributes:
        capacity: samples held at most.
        end: position after the last sample written: the number of samples written in all.
    """

    __slots__ = ("_oldest", "_samples", "capacity", "end")

    def __init__(self, capacity: int) -> None:
        """Make an empty buffer.

        Raises:
            ConfigurationError: `capacity` is less than 1.
        """
        if capacity < 1:
            raise ConfigurationError(f"a ring buffer of {capacity} samples; allowed is 1 and more")
        self.capacity = capacity
        self.end = 0
        self._oldest = 0
        self._samples = np.zeros(capacity, np.int16)

    @property
    def start(self) -> int:
        """Position of the oldest sample that is still held; `end` while there is none."""
        return max(self._oldest, self.end - self.capacity)

    def write(self, samples: NDArray[np.int16]) -> None:
        """Append int16 samples, shape ``(n,)``; the oldest give way. May be longer than the buffer."""
        count = len(samples)
        if count > self.capacity:
            self.end += count - self.capacity
            samples = samples[count - self.capacity :]
            count = self.capacity
        at = self.end % self.capacity
        room = self.capacity - at
        if count <= room:
            self._samples[at : at + count] = samples
        else:
            self._samples[at:] = samples[:room]
            self._samples[: count - room] = samples[room:]
        self.end += count

    def grow(self, capacity: int) -> None:
        """Hold `capacity` samples from now on, if that is more than now; what is held stays."""
        if capacity > self.capacity:
            start, held = self.start, self.read(self.start, self.end)
            self.capacity, self.end, self._oldest = capacity, start, start
            self._samples = np.zeros(capacity, np.int16)
            self.write(held)

    def read(self, start: int, end: int) -> NDArray[np.int16]:
        """Copy out the samples from position `start` up to `end` (exclusive), as far as they are held.

        Returns:
            int16, shape ``(n,)``: what lies in both ``start..end`` and `RingBuffer.start`..`RingBuffer.end`;
            empty where these do not meet.
        """
        start, end = max(start, self.start), min(end, self.end)
        if start >= end:
            return np.empty(0, np.int16)
        first, last = start % self.capacity, (end - 1) % self.capacity + 1
        if first < last:
            return self._samples[first:last].copy()
        return np.concatenate((self._samples[first:], self._samples[:last]))
