"""Does a transport keep the promises of `beluga_voice.contracts.transport`?"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transport
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing import sounds
from beluga_voice.testing.conformance.promises import Promises, Running, expect, soon
from beluga_voice.testing.conformance.report import Level

T = TypeVar("T", bound=Transport)

LISTEN = 1.0
"""Seconds for which the check listens to a line."""


class RecordingReceiver:
    """A session's side that records what a transport does to it.

    Attributes:
        frames: the caller's frames, in order.
        keys: the keys that the caller pressed.
        ends: what `end_of_input` was called with.
        held: whether the agent waits.
        threads: names of the threads that called.
    """

    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []
        self.keys = ""
        self.ends: list[Exception | None] = []
        self.held = False
        self.threads: set[str] = set()

    def process_audio(self, frame: AudioFrame) -> None:
        self.threads.add(threading.current_thread().name)
        self.frames.append(frame)

    def process_dtmf(self, keys: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.keys += keys

    def hold(self, held: bool) -> None:
        self.threads.add(threading.current_thread().name)
        self.held = held

    def end_of_input(self, error: Exception | None = None) -> None:
        self.threads.add(threading.current_thread().name)
        self.ends.append(error)


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """A transport under check, and how its far end speaks."""

    make: Callable[[], T]
    call: Callable[[T], Awaitable[None]] | None

    async def listen(self, transport: T, receiver: RecordingReceiver) -> None:
        """Open the line and hear the far end."""
        await transport.open(receiver)
        if self.call is None:
            await asyncio.sleep(LISTEN)
        else:
            await self.call(transport)


promises: Promises[Case[Transport]] = Promises("beluga_voice.contracts.transport")


async def check_transport(
    make: Callable[[], T], *, call: Callable[[T], Awaitable[None]] | None = None
) -> None:
    """Check that a transport keeps its contract.

    Args:
        make: makes a transport, not yet opened, as for one session; called several times.
        call: makes the far end of an open transport send some audio, and returns when it has. None for a
            transport whose far end begins by itself within a second.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """
    case = Case(make, call)
    await promises.check(case, type(make()).__name__)  # type: ignore[arg-type] # T is a Transport


@promises.made_by("Transport.open", "pushes the caller's frames: mono int16 at input_sample_rate, in order")
async def _pushes_frames(case: Case[Transport]) -> None:
    transport, receiver = case.make(), RecordingReceiver()
    await case.listen(transport, receiver)
    await transport.aclose()
    expect(bool(receiver.frames), f"no frame came within {LISTEN:g} s")
    end = 0
    for frame in receiver.frames:
        _expect_sound(frame, transport.input_sample_rate)
        expect(frame.position >= end, f"a frame at position {frame.position} came after one up to {end}")
        end = frame.position + len(frame)


@promises.made_by("Receiver", "is called on the loop's thread, and learns of the end once at most")
async def _calls_on_the_loops_thread(case: Case[Transport]) -> None:
    transport, receiver = case.make(), RecordingReceiver()
    await case.listen(transport, receiver)
    await transport.aclose()
    here = {threading.current_thread().name}
    expect(receiver.threads <= here, f"calls came on {', '.join(sorted(receiver.threads - here))}")
    expect(len(receiver.ends) <= 1, f"end_of_input was called {len(receiver.ends)} times")


@promises.made_by("Transport.send_nowait", "takes frames of 20 ms, a shorter last one, and flush at any time")
async def _takes_frames(case: Case[Transport]) -> None:
    transport = case.make()
    await transport.open(RecordingReceiver())
    rate = transport.output_sample_rate
    transport.flush()
    for frame in sounds.frames(sounds.tone(0.25, rate), rate):
        kept = frame.samples.copy()
        transport.send_nowait(frame)
        expect(np.array_equal(kept, frame.samples), "the frame was changed")
        await asyncio.sleep(frame.duration)
    transport.flush()
    await soon(transport.aclose(), "aclose")


@promises.made_by("Transport.aclose", "closing twice is harmless, also in mid-call", Level.SILVER)
async def _closes_twice(case: Case[Transport]) -> None:
    transport = case.make()
    await transport.open(RecordingReceiver())
    await soon(transport.aclose(), "aclose")
    await soon(transport.aclose(), "the second aclose")


@promises.made_by("Transport.aclose", "when it returns no frame is pushed and nothing of the transport runs")
async def _ends_when_closed(case: Case[Transport]) -> None:
    running = Running()
    transport, receiver = case.make(), RecordingReceiver()
    await case.listen(transport, receiver)
    await transport.aclose()
    running.expect_nothing_new()
    before = len(receiver.frames)
    await asyncio.sleep(LISTEN)
    expect(len(receiver.frames) == before, f"{len(receiver.frames) - before} frame(s) came")


@promises.made_by("Transport", "one call's line does not know of another's", Level.SILVER)
async def _lines_are_independent(case: Case[Transport]) -> None:
    one, two = case.make(), case.make()
    receiver = RecordingReceiver()
    await one.open(RecordingReceiver())
    await one.aclose()
    await case.listen(two, receiver)
    await two.aclose()
    expect(bool(receiver.frames), "no frame came on a second line after the first was closed")


@promises.made_by(
    "Transport.flush",
    "may be called after aclose, as may send_nowait, which may raise ClosedError",
    Level.SILVER,
)
async def _takes_calls_at_any_time(case: Case[Transport]) -> None:
    transport = case.make()
    await transport.open(RecordingReceiver())
    await soon(transport.aclose(), "aclose")
    transport.flush()
    frame = AudioFrame(sounds.tone(0.02, transport.output_sample_rate), transport.output_sample_rate)
    with suppress(ClosedError, ProviderError):  # anything else would end a session as a bug
        transport.send_nowait(frame)
    expect(transport.unplayed >= 0, f"unplayed is {transport.unplayed}")


@promises.made_by(
    "Transport.send_nowait", "never waits: a second of frames at once is taken or dropped", Level.SILVER
)
async def _takes_a_burst(case: Case[Transport]) -> None:
    transport = case.make()
    await transport.open(RecordingReceiver())
    rate = transport.output_sample_rate
    for frame in sounds.frames(sounds.tone(1.0, rate), rate):
        transport.send_nowait(frame)
    expect(transport.unplayed >= 0, f"unplayed is {transport.unplayed}")
    transport.flush()
    await soon(transport.aclose(), "aclose after a burst")


def _expect_sound(frame: AudioFrame, sample_rate: int) -> None:
    expect(frame.samples.dtype == np.int16, f"a frame of {frame.samples.dtype} came")
    expect(frame.samples.ndim == 1, f"a frame of shape {frame.samples.shape} came")
    expect(len(frame) > 0, "a frame without samples came")
    expect(
        frame.sample_rate == sample_rate, f"a frame at {frame.sample_rate} Hz came, not at {sample_rate} Hz"
    )
