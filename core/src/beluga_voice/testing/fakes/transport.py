"""A line whose far end is the test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Receiver, Transport
from beluga_voice.errors import ProviderError
from beluga_voice.testing import sounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame of the agent's audio, and the loop's time at which it was sent."""

    at: float
    frame: AudioFrame


class LoopbackTransport(Transport):
    """Records what the agent says, and lets the test be the caller: `speak`, `silence`, `play`, `press`, `hang_up`.

    Args:
        input_sample_rate: as `Transport.input_sample_rate`.
        output_sample_rate: as `Transport.output_sample_rate`.
        frame_duration: seconds of each frame that is pushed.
        fails_to_open: whether `open` raises `ProviderError`.
        name: told by its errors.
        audio: int16 samples at `input_sample_rate` that the caller says as soon as the line is open.
        error: raised by `open` and `send_nowait`; None for none. May be changed at any time.
        network_delay: seconds that `open` takes.
        connected: whether the far end is there; sending to one that is not raises `ProviderError`.

    Attributes:
        sent: the agent's frames, in order.
        flushed_at: the loop's times at which `flush` was called.
        closed: whether `aclose` was called.
    """

    def __init__(
        self,
        *,
        input_sample_rate: int = 16000,
        output_sample_rate: int = 24000,
        frame_duration: float = 0.02,
        fails_to_open: bool = False,
        name: str = "loopback",
        audio: Sequence[NDArray[np.int16]] = (),
        error: Exception | None = None,
        network_delay: float = 0.0,
        connected: bool = True,
    ) -> None:
        self.name = name
        self.audio = tuple(audio)
        self.error = error
        self.network_delay = network_delay
        self.connected = connected
        self.input_sample_rate = input_sample_rate
        self.output_sample_rate = output_sample_rate
        self.frame_duration = frame_duration
        self.fails_to_open = fails_to_open
        self.sent: list[SentFrame] = []
        self.flushed_at: list[float] = []
        self.closed = False
        self._receiver: Receiver | None = None
        self._caller: asyncio.Task[None] | None = None
        self._opened = asyncio.Event()
        self._position = 0

    async def open(self, receiver: Receiver) -> None:
        if self.network_delay:
            await asyncio.sleep(self.network_delay)
        if self.error is not None:
            raise self.error
        if self.fails_to_open:
            raise ProviderError(
                f"the script of line {self.name!r} says that it cannot be had", retryable=True
            )
        self._receiver = receiver
        self._opened.set()
        if self.audio:
            self._caller = asyncio.create_task(self.play(np.concatenate(self.audio)), name="loopback caller")

    def send_nowait(self, frame: AudioFrame) -> None:
        if self.error is not None:
            raise self.error
        if not self.connected:
            raise ProviderError(f"the line {self.name!r} is not connected")
        if not self.closed:
            self.sent.append(SentFrame(asyncio.get_running_loop().time(), frame))

    def flush(self) -> None:
        self.flushed_at.append(asyncio.get_running_loop().time())

    async def aclose(self) -> None:
        self.closed = True
        self._receiver = None
        if self._caller is not None:
            self._caller.cancel()
            await asyncio.wait([self._caller])

    @property
    def heard(self) -> NDArray[np.int16]:
        """All samples that the agent sent, int16, shape ``(n,)``."""
        return np.concatenate([np.zeros(0, np.int16), *(sent.frame.samples for sent in self.sent)])

    async def speak(self, duration: float, *, level: float = 0.3) -> None:
        """Let the caller make a sound like speech for `duration` seconds; return when it is pushed."""
        await self.play(sounds.speech_like(duration, self.input_sample_rate, level=level))

    async def silence(self, duration: float) -> None:
        """Let the caller be silent for `duration` seconds: frames of zeros."""
        await self.play(sounds.silence(duration, self.input_sample_rate))

    async def play(self, samples: NDArray[np.int16]) -> None:
        """Push `samples` in frames, each when its last sample would have been recorded.

        Waits for `open` first. After `aclose` nothing more is pushed.

        Args:
            samples: int16 at `input_sample_rate`, shape ``(n,)``.
        """
        await self._opened.wait()
        loop = asyncio.get_running_loop()
        due, rate = loop.time(), self.input_sample_rate
        for frame in sounds.frames(samples, rate, duration=self.frame_duration, position=self._position):
            due += frame.duration
            await asyncio.sleep(due - loop.time())
            if self._receiver is None:
                return
            self._position += len(frame)
            self._receiver.process_audio(frame)

    def press(self, keys: str) -> None:
        """Press keys of the telephone."""
        if self._receiver is not None:
            self._receiver.process_dtmf(keys)

    def hang_up(self, error: Exception | None = None) -> None:
        """End the caller's audio; `error` cuts the line."""
        if self._receiver is not None:
            self._receiver.end_of_input(error)
