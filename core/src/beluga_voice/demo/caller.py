"""The caller of the demonstration: listens, and makes its sounds on cue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Receiver, Transport
from beluga_voice.demo.script import AfterHearing, AfterSilence, Cue

FRAME = 0.02
"""Seconds between two frames."""

ROOM = 6.0
"""Level of the caller's room, as the standard deviation of 16-bit samples: no real line is digitally silent."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that the caller makes heard.

    Attributes:
        cue: when.
        samples: int16 at the line's rate.
    """

    cue: Cue
    samples: NDArray[np.int16]


class Caller(Transport):
    """A line on which sounds are made on cue; it knows of the agent no more than it hears.

    It hangs up when the agent has answered its last sound and is silent.

    Args:
        sounds: in their order.
        sample_rate: of the sounds and of what the agent says, in Hz.
        farewell: seconds of silence after which it hangs up.
        patience: seconds of silence after which the caller goes on though its cue has not come.
    """

    def __init__(
        self, sounds: Sequence[Sound], sample_rate: int, *, farewell: float = 0.6, patience: float = 6.0
    ) -> None:
        self.input_sample_rate = self.output_sample_rate = sample_rate
        self._sounds = tuple(sounds)
        self._farewell, self._patience = farewell, patience
        self._ear = _Ear(0.0)
        self._task: asyncio.Task[None] | None = None

    async def open(self, receiver: Receiver) -> None:
        """Pick up."""
        self._ear = _Ear(asyncio.get_running_loop().time())
        self._task = asyncio.create_task(self._talk(receiver), name="beluga-voice demo caller")

    def send_nowait(self, frame: AudioFrame) -> None:
        """Hear the agent."""
        self._ear.hear(asyncio.get_running_loop().time(), frame.duration)

    async def aclose(self) -> None:
        """Hang up."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _talk(self, receiver: Receiver) -> None:
        room = _Room(receiver, self.input_sample_rate)
        for sound in self._sounds:
            await self._wait_for(sound.cue, room)
            await room.speak(sound.samples)
            self._ear.begin(asyncio.get_running_loop().time())
        await self._wait_for(AfterSilence(self._farewell), room)
        receiver.end_of_input()

    async def _wait_for(self, cue: Cue, room: _Room) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await room.be_silent()
            if self._ear.is_due(cue, loop.time()) or self._ear.silence(loop.time()) >= self._patience:
                return


class _Ear:
    """What was heard of the agent since the caller's own last sound."""

    def __init__(self, now: float) -> None:
        self.begin(now)

    def begin(self, now: float) -> None:
        """Count from now on."""
        self._since, self._until, self._heard = now, now, 0.0

    def hear(self, now: float, duration: float) -> None:
        """Count a frame that lasts from now on."""
        self._until = now + duration
        self._heard += duration

    def silence(self, now: float) -> float:
        """Seconds since the agent or the caller was last heard."""
        return now - self._until

    def is_due(self, cue: Cue, now: float) -> bool:
        """Whether `cue` has come."""
        if isinstance(cue, AfterHearing):
            return self._heard >= cue.seconds
        return self._heard > 0 and self.silence(now) >= cue.seconds


class _Room:
    """Pushes a frame each 20 ms: what the caller says, and the room's noise."""

    def __init__(self, receiver: Receiver, sample_rate: int) -> None:
        self._receiver, self._rate = receiver, sample_rate
        self._frame_samples = round(FRAME * sample_rate)
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._position = 0
        self._noise = np.random.default_rng(0)

    async def speak(self, samples: NDArray[np.int16]) -> None:
        for start in range(0, len(samples), self._frame_samples):
            await self._push(samples[start : start + self._frame_samples])

    async def be_silent(self) -> None:
        await self._push(np.zeros(0, np.int16))

    async def _push(self, speech: NDArray[np.int16]) -> None:
        self._due += FRAME
        await asyncio.sleep(max(0.0, self._due - self._loop.time()))
        samples = self._noise.normal(0.0, ROOM, self._frame_samples)
        samples[: len(speech)] += speech
        frame = np.clip(samples, -32768, 32767).astype(np.int16)
        self._receiver.process_audio(AudioFrame(frame, self._rate, self._position))
        self._position += len(frame)
