"""A call on two tracks: the caller left, the agent right, on one clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beluga_voice_file.wav import WavWriter

_SETTLED_AFTER = 1.0
"""Seconds by which the file lags behind the caller: the agent's audio of that time may still come."""


class CallRecording:
    """Writes both sides of a call to a stereo WAV file, each sample at its place in the call.

    The caller's audio comes without a gap and is the clock; the agent's comes with its position. Both are
    kept for a second and then written, a second at a time; what is killed loses no more than its last two
    seconds.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Create the file, or overwrite it.

        Raises:
            ConfigurationError: it cannot be written.
        """
        self._writer = WavWriter(path, sample_rate, channels=2)
        self._lag = round(_SETTLED_AFTER * sample_rate)
        self._pending = np.zeros((4 * self._lag, 2), np.int16)
        self._written = 0
        self._caller_end = 0
        self._agent_end = 0
        self._agent_goes_on = False
        self._whole_frame = sample_rate // 50
        self._jitter = sample_rate // 100

    def add_caller(self, samples: NDArray[np.int16]) -> None:
        """Append the caller's next samples: int16, shape ``(n,)``.

        Raises:
            OSError: the file cannot be written any more.
        """
        self._put(0, self._caller_end, samples)
        self._caller_end += len(samples)
        if self._caller_end - self._written >= 2 * self._lag:
            self._write(self._caller_end - self._lag)

    def add_agent(self, samples: NDArray[np.int16], position: int) -> None:
        """Place the agent's samples: int16, shape ``(n,)``.

        Frames of one utterance abut: they are sent by a timer that is late by fractions of a millisecond, and
        each would click. A frame of less than 20 ms ends an utterance, and so does a gap of 10 ms; the next
        one then stands where it was sent, or behind what the agent said before.

        Args:
            samples: what was sent.
            position: where the caller was when it was sent, in samples of the call.
        """
        goes_on = self._agent_goes_on and position - self._agent_end < self._jitter
        start = self._agent_end if goes_on else max(position, self._agent_end, self._written)
        self._put(1, start, samples)
        self._agent_end = start + len(samples)
        self._agent_goes_on = len(samples) >= self._whole_frame

    def close(self) -> None:
        """Write what is kept and close the file; the shorter track ends in silence. Idempotent.

        Raises:
            OSError: the file cannot be written any more; it is closed.
        """
        try:
            self._write(max(self._caller_end, self._agent_end, self._written))
        finally:
            self._writer.close()

    def _put(self, track: int, position: int, samples: NDArray[np.int16]) -> None:
        start = position - self._written
        lacking = start + len(samples) - len(self._pending)
        if lacking > 0:
            room = np.zeros((lacking + 4 * self._lag, 2), np.int16)
            self._pending = np.concatenate((self._pending, room))
        self._pending[start : start + len(samples), track] = samples

    def _write(self, end: int) -> None:
        """Write everything before position `end` and forget it."""
        count = end - self._written
        if count == 0:
            return
        self._writer.write(self._pending[:count])
        self._pending[:-count] = self._pending[count:]
        self._pending[-count:] = 0
        self._written = end
