"""One pacer hands out the frames of all sessions on a loop."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from beluga_voice.clock import VirtualTimeLoop
from beluga_voice.session.pacer import LATE, PERIOD, Pacer


def _ticks(count: int) -> tuple[list[float], Callable[[], bool]]:
    times: list[float] = []

    def tick() -> bool:
        times.append(asyncio.get_running_loop().time())
        return len(times) < count

    return times, tick


def _timers() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return len([timer for timer in loop._scheduled if not timer.cancelled()])


async def test_a_tick_comes_at_once_and_then_every_20_ms_until_it_returns_false() -> None:
    times, tick = _ticks(4)
    Pacer.of_running_loop().start(tick)
    assert times == [0]
    await asyncio.sleep(1)
    assert times == pytest.approx([0, 0.02, 0.04, 0.06])


async def test_no_timer_is_left_when_nothing_plays() -> None:
    pacer = Pacer.of_running_loop()
    _, ends = _ticks(3)
    _, discarded = _ticks(1000)
    pacer.start(ends)
    pacer.start(discarded)
    await asyncio.sleep(0.1)
    assert _timers() == 1
    pacer.discard(discarded)
    assert _timers() == 0


async def test_sessions_are_paced_on_their_own_and_by_one_timer() -> None:
    pacer = Pacer.of_running_loop()
    started = []
    for _ in range(5):
        times, tick = _ticks(50)
        pacer.start(tick)
        started.append((asyncio.get_running_loop().time(), times))
        assert _timers() == 1
        await asyncio.sleep(0.007)
    await asyncio.sleep(2)
    for begin, times in started:
        # A frame may be up to a millisecond early, with those that are due then.
        assert times == pytest.approx([begin + n * PERIOD for n in range(50)], abs=0.00106)


async def test_a_discarded_tick_comes_no_more_and_the_others_do() -> None:
    pacer = Pacer.of_running_loop()
    gone, discarded = _ticks(100)
    stays, other = _ticks(10)
    pacer.start(discarded)
    pacer.start(other)
    await asyncio.sleep(0.05)
    pacer.discard(discarded)
    pacer.discard(discarded)
    await asyncio.sleep(1)
    assert (len(gone), len(stays)) == (3, 10)


async def test_a_tick_may_start_another_and_discard_one() -> None:
    pacer = Pacer.of_running_loop()
    times, later = _ticks(2)
    gone, discarded = _ticks(100)

    def tick() -> bool:
        pacer.discard(discarded)
        pacer.start(later)
        return False

    pacer.start(discarded)
    await asyncio.sleep(0.01)
    pacer.start(tick)
    await asyncio.sleep(1)
    assert times == pytest.approx([0.01, 0.03])
    assert len(gone) == 1
    assert _timers() == 0


async def test_a_tick_that_raises_costs_no_other_session_its_frames() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    pacer = Pacer.of_running_loop()
    calls = []

    def fails() -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("mine")
        return True

    times, tick = _ticks(10)
    pacer.start(fails)
    pacer.start(tick)
    await asyncio.sleep(1)
    assert len(times) == 10
    assert [str(each) for each in told] == ["mine"]


@pytest.mark.parametrize(("stood_still", "made_up"), [(LATE - 0.05, True), (LATE + 0.05, False)])
async def test_frames_missed_while_the_loop_stood_still_are_made_up_within_bounds(
    stood_still: float, made_up: bool
) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    times, tick = _ticks(1000)
    pacer = Pacer.of_running_loop()
    pacer.start(tick)
    await asyncio.sleep(0.01)
    loop._now += stood_still
    await asyncio.sleep(0.5)
    pacer.discard(tick)
    expected = (0.5 + 0.01 + stood_still) / PERIOD if made_up else 0.5 / PERIOD
    assert len(times) == pytest.approx(expected, abs=2)


def test_a_loop_that_is_gone_is_forgotten() -> None:
    async def play() -> None:
        _, tick = _ticks(3)
        Pacer.of_running_loop().start(tick)
        await asyncio.sleep(1)

    loop = VirtualTimeLoop()
    loop.run_until_complete(play())
    loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None
