"""The caller of the demonstration: listens, and speaks when the agent has finished."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TTS, Receiver, Transport

FRAME = 0.02
"""Seconds between two frames."""

NOISE = 6.0
"""Level of the caller's room, as the standard deviation of 16-bit samples: no real line is digitally silent."""


async def synthesise(tts: TTS, text: str) -> NDArray[np.int16]:
    """Return the audio of `text`, int16 at the TTS's rate."""
    stream = await tts.open_stream()
    try:
        async with aclosing(stream.synthesize(text)) as parts:
            frames = [part.frame.samples async for part in parts]
    finally:
        await stream.aclose()
    return np.concatenate(frames) if frames else np.zeros(0, np.int16)


class Caller(Transport):
    """A line on which `lines` are spoken, each once the agent has been silent for a while.

    Args:
        lines: the caller's sentences as int16 audio.
        sample_rate: of the lines and of what the agent says, in Hz.
        pause: seconds of silence before the caller speaks.
        patience: seconds after which the caller goes on though nothing was answered.
    """

    def __init__(
        self,
        lines: Sequence[NDArray[np.int16]],
        sample_rate: int,
        *,
        pause: float = 0.8,
        patience: float = 8.0,
    ) -> None:
        self.input_sample_rate = self.output_sample_rate = sample_rate
        self._lines = list(lines)
        self._pause, self._patience = pause, patience
        self._heard_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def open(self, receiver: Receiver) -> None:
        """Pick up."""
        self._heard_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._talk(receiver), name="beluga-voice demo caller")

    def send_nowait(self, frame: AudioFrame) -> None:
        """Hear the agent."""
        self._heard_at = asyncio.get_running_loop().time() + frame.duration

    async def aclose(self) -> None:
        """Hang up."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _talk(self, receiver: Receiver) -> None:
        room = _Room(receiver, self.input_sample_rate)
        for line in self._lines:
            await self._listen(room)
            await room.speak(line)
        await self._listen(room)
        receiver.end_of_input()

    async def _listen(self, room: _Room) -> None:
        """Be silent until the agent has answered and is silent, or for as long as one has patience."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        while True:
            await room.be_silent()
            now = loop.time()
            answered = self._heard_at >= since and now - self._heard_at >= self._pause
            if answered or now - max(since, self._heard_at) >= self._patience:
                return


class _Room:
    """Pushes a frame each 20 ms: speech, or the room's noise."""

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
        samples = self._noise.normal(0.0, NOISE, self._frame_samples)
        samples[: len(speech)] += speech
        frame = np.clip(samples, -32768, 32767).astype(np.int16)
        self._receiver.process_audio(AudioFrame(frame, self._rate, self._position))
        self._position += len(frame)
