"""The audio of one connection: where somebody speaks in it, and what was said since the last answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beluga_voice_simulators.hearing import Ear, Heard, SpeechGate, at_16_khz


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a connection's audio, to be heard.

    Attributes:
        samples: int16.
        rate: in Hz.
        start: seconds of the connection at which it begins.
    """

    samples: NDArray[np.int16]
    rate: int
    start: float

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.samples) / self.rate

    @property
    def end(self) -> float:
        """Seconds of the connection at which it ends."""
        return self.start + self.duration

    async def hear(self, ear: Ear) -> Heard:
        """Return the words, in seconds of the connection."""
        heard = await ear.hear(at_16_khz(self.samples, self.rate))
        return heard.later(self.start)


class Dictation:
    """Takes a connection's audio as it comes, and gives it in passages.

    Args:
        rate: Hz of 16-bit samples.
        silence: seconds of it that end speech.
    """

    def __init__(self, rate: int, silence: float) -> None:
        self.rate = rate
        self._gate = SpeechGate(rate, silence)
        self._pieces: list[NDArray[np.int16]] = []
        self._held = 0
        self._taken = 0
        self._odd = b""

    @property
    def seconds(self) -> float:
        """Of audio that has come."""
        return (self._taken + self._held) / self.rate

    @property
    def waiting(self) -> float:
        """Seconds that were not given yet."""
        return self._held / self.rate

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks."""
        return self._gate.speaking

    def feed(self, data: bytes) -> Iterator[tuple[bool, float]]:
        """Take little-endian 16-bit samples; yield each start (True) and stop of speech with its second."""
        data = self._odd + data
        even = len(data) & ~1
        self._odd = data[even:]
        samples = np.frombuffer(data[:even], "<i2").astype(np.int16)
        self._pieces.append(samples)
        self._held += len(samples)
        yield from self._gate.feed(samples)

    def take(self) -> Passage:
        """Give all audio since the last passage."""
        samples = np.concatenate([np.zeros(0, np.int16), *self._pieces])
        passage = Passage(samples, self.rate, self._taken / self.rate)
        self._taken += self._held
        self._held, self._pieces = 0, []
        return passage

    def end_speech(self) -> None:
        """Speech counts as over: the next sound is a new start."""
        self._gate.reset()
