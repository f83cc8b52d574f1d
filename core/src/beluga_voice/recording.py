"""A call on two tracks: the caller left, the agent right, on one clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio.wav import WavWriter

_SETTLED_AFTER = 1.0
"""Seconds by which the file lags behind the call: audio of that time may still come."""

_CALLER_JITTER = 0.2
"""Seconds by which the caller's audio may come late before the line is taken to have been silent."""

_AGENT_JITTER = 0.01
"""Seconds by which the pacer may be late before the agent is taken to have been silent."""

_AT_MOST = 60
"""Seconds of the call that are kept in memory, whatever comes in advance."""


class CallRecording:
    """Writes both sides of a call to a stereo WAV file, each sample at its place in the call.

    Both sides come with their position on the call's clock. What abuts in speech abuts here: frames are late by
    fractions of a millisecond, and each would click. Both are kept for a second and then written, a second at a
    time; what is killed loses no more than its last two seconds.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Create the file, or overwrite it.

        Raises:
            ConfigurationError: it cannot be opened for writing.
            OSError: it can, and the disk is full or gone.
        """
        self._writer = WavWriter(path, sample_rate, channels=2)
        self._lag = round(_SETTLED_AFTER * sample_rate)
        self._most = _AT_MOST * sample_rate
        self._pending = np.zeros((4 * self._lag, 2), np.int16)
        self._closed = False
        self._clock = 0
        self._written = 0
        self._caller_end = 0
        self._caller_jitter = round(_CALLER_JITTER * sample_rate)
        self._agent_end = 0
        self._agent_goes_on = False
        self._agent_jitter = round(_AGENT_JITTER * sample_rate)
        self._whole_frame = sample_rate // 50

    def add_caller(self, samples: NDArray[np.int16], position: int | None = None) -> None:
        """Place the caller's next samples: int16, shape ``(n,)``.

        Args:
            samples: what was heard.
            position: where in the call it was said. Frames abut until one is late by 0.2 s: the line was silent.
                None: right after the one before; the caller's audio has no gaps.

        Raises:
            OSError: the file cannot be written any more.
        """
        if position is None:
            position = self._caller_end
        silent = position - self._caller_end >= self._caller_jitter
        start = max(position if silent or not self._caller_end else self._caller_end, self._written)
        self._put(0, start, samples)
        self._caller_end = start + len(samples)
        self._advance(position + len(samples))

    def add_agent(self, samples: NDArray[np.int16], position: int) -> None:
        """Place the agent's samples: int16, shape ``(n,)``.

        Frames of one utterance abut. A frame of less than 20 ms ends an utterance, and so does a gap of 10 ms; the
        next one then stands where it was sent, or behind what the agent said before.

        Args:
            samples: what was sent.
            position: when it was sent, in samples of the call.

        Raises:
            OSError: the file cannot be written any more.
        """
        goes_on = self._agent_goes_on and position - self._agent_end < self._agent_jitter
        start = max(self._agent_end if goes_on else position, self._agent_end, self._written)
        self._put(1, start, samples)
        self._agent_end = start + len(samples)
        self._agent_goes_on = len(samples) >= self._whole_frame
        self._advance(position)

    def close(self) -> None:
        """Write what is kept and close the file; the shorter track ends in silence. Idempotent.

        Raises:
            OSError: the file cannot be written any more; it is closed.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._write(max(self._caller_end, self._agent_end, self._written))
        finally:
            self._writer.close()

    def _advance(self, clock: int) -> None:
        """Learn how far the call is, and write what nothing can come to any more."""
        self._clock = max(self._clock, clock)
        if self._clock - self._written >= 2 * self._lag:
            self._write(self._clock - self._lag)
        ahead = max(self._caller_end, self._agent_end) - self._written
        if ahead > self._most:
            self._write(self._written + ahead - self._most)

    def _put(self, track: int, position: int, samples: NDArray[np.int16]) -> None:
        if position - self._written > len(self._pending):  # a long silence: nothing is to be kept of it
            self._write(position - self._lag)
        start = position - self._written
        lacking = start + len(samples) - len(self._pending)
        if lacking > 0:
            room = np.zeros((lacking + 4 * self._lag, 2), np.int16)
            self._pending = np.concatenate((self._pending, room))
        self._pending[start : start + len(samples), track] = samples

    def _write(self, end: int) -> None:
        """Write everything before position `end` and forget it."""
        while self._written < end:
            count = min(end - self._written, len(self._pending))
            self._writer.write(self._pending[:count])
            self._pending[:-count] = self._pending[count:]
            self._pending[-count:] = 0
            self._written += count
