"""The caller acts on what it hears, on virtual time, with a receiver that only takes note."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Receiver
from beluga_voice.demo.caller import FRAME, Caller, Sound
from beluga_voice.demo.script import AfterHearing, AfterSilence, Cue

RATE = 8000
LOUD = 5000


class Ear(Receiver):
    """Notes when each stretch of the caller's speech began and ended, and when the caller hung up."""

    def __init__(self) -> None:
        self.spoken: list[tuple[float, float]] = []
        self.frames: list[AudioFrame] = []
        self.ended = asyncio.Event()
        self.hung_up = 0.0

    def process_audio(self, frame: AudioFrame) -> None:
        now = asyncio.get_running_loop().time()
        self.frames.append(frame)
        if np.abs(frame.samples).max() < LOUD / 2:
            return
        if self.spoken and now - self.spoken[-1][1] < 1.5 * FRAME:
            self.spoken[-1] = (self.spoken[-1][0], now)
        else:
            self.spoken.append((now - FRAME, now))

    def process_dtmf(self, keys: str) -> None:
        raise AssertionError(f"a caller without a telephone pressed {keys}")

    def end_of_input(self, error: Exception | None = None) -> None:
        assert error is None
        self.hung_up = asyncio.get_running_loop().time()
        self.ended.set()


def sound(cue: Cue, seconds: float) -> Sound:
    return Sound(cue, np.full(round(seconds * RATE), LOUD, np.int16))


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * RATE), np.int16)


async def call(sounds: Sequence[Sound], *speech: tuple[float, float]) -> Ear:
    """Let the caller talk to an agent that speaks from one time to another, for each of `speech`."""
    ear, caller = Ear(), Caller(sounds, RATE)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await caller.open(ear)
    frame = AudioFrame(silence(FRAME), RATE, 0)
    for start, end in speech:
        for number in range(round((end - start) / FRAME)):
            await asyncio.sleep(max(0.0, begin + start + number * FRAME - loop.time()))
            caller.send_nowait(frame)
    await ear.ended.wait()
    await caller.aclose()
    return ear


def close(times: tuple[float, float], start: float, end: float) -> bool:
    return abs(times[0] - start) <= 2 * FRAME and abs(times[1] - end) <= 2 * FRAME


async def test_speaks_once_the_agent_has_been_silent_for_a_while() -> None:
    ear = await call([sound(AfterSilence(0.7), 1.0)], (0.0, 2.0), (4.0, 5.0))
    (spoken,) = ear.spoken
    assert close(spoken, 2.7, 3.7)
    assert abs(ear.hung_up - 5.6) <= 2 * FRAME


async def test_does_not_take_a_short_pause_of_the_agents_for_its_end() -> None:
    ear = await call([sound(AfterSilence(0.7), 1.0)], (0.0, 1.0), (1.5, 3.0), (5.0, 5.5))
    assert close(ear.spoken[0], 3.7, 4.7)


async def test_barges_in_after_hearing_the_agent_for_a_while() -> None:
    ear = await call([sound(AfterSilence(0.5), 1.0), sound(AfterHearing(2.0), 0.5)], (0.0, 1.0), (3.0, 8.0))
    assert close(ear.spoken[1], 5.0, 5.5)


async def test_counts_only_what_it_heard_since_its_own_last_sound() -> None:
    sounds = [sound(AfterHearing(1.0), 0.4), sound(AfterHearing(1.0), 0.4)]
    ear = await call(sounds, (0.0, 1.4), (3.0, 6.0))
    assert close(ear.spoken[0], 1.0, 1.4)
    assert close(ear.spoken[1], 4.0, 4.4)


async def test_goes_on_when_its_cue_does_not_come() -> None:
    ear = await call([sound(AfterHearing(5.0), 1.0)], (0.0, 1.0), (9.0, 9.5))
    assert close(ear.spoken[0], 7.0, 8.0)


async def test_pauses_inside_a_line_and_sends_the_room_meanwhile() -> None:
    part = np.full(round(0.5 * RATE), LOUD, np.int16)
    line = Sound(AfterSilence(0.5), np.concatenate([part, silence(1.0), part]))
    ear = await call([line], (0.0, 1.0), (4.0, 4.5))
    assert [
        close(each, *times) for each, times in zip(ear.spoken, [(1.5, 2.0), (3.0, 3.5)], strict=True)
    ] == [
        True,
        True,
    ]
    assert all(frame.samples.any() for frame in ear.frames)


async def test_sends_frames_of_20_ms_whose_positions_follow() -> None:
    ear = await call([sound(AfterSilence(0.5), 0.31)], (0.0, 1.0), (3.0, 3.5))
    assert {len(frame.samples) for frame in ear.frames} == {round(FRAME * RATE)}
    assert [frame.position for frame in ear.frames] == [
        number * round(FRAME * RATE) for number in range(len(ear.frames))
    ]


async def test_hangs_up_when_closed_in_mid_sentence() -> None:
    ear, caller = Ear(), Caller([sound(AfterHearing(0.0), 60.0)], RATE)
    await caller.open(ear)
    await asyncio.sleep(1.0)
    await caller.aclose()
    frames = len(ear.frames)
    await asyncio.sleep(1.0)
    assert len(ear.frames) == frames > 0
    await caller.aclose()
