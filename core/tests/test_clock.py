"""Virtual time: jumps, stands still for outstanding work, never hangs, and draws the order of tasks."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.clock import DeadlockError, StalledError, VirtualTimeLoop, begin_work, run_virtual, working


async def test_time_starts_at_zero_and_jumps_to_the_next_timer() -> None:
    loop = asyncio.get_running_loop()
    assert loop.time() == 0
    await asyncio.sleep(0.3)
    assert loop.time() == 0.3
    await asyncio.sleep(86400 * 3)
    assert loop.time() == 86400 * 3 + 0.3


async def test_time_stands_still_while_tasks_run() -> None:
    for _ in range(1000):
        await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() == 0


async def test_timers_fire_in_order_at_their_times() -> None:
    loop = asyncio.get_running_loop()
    fired: list[tuple[str, float]] = []
    for name, delay in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        loop.call_later(delay, lambda name=name: fired.append((name, loop.time())))
    await asyncio.sleep(5)
    assert fired == [("a", 1.0), ("b", 2.0), ("c", 3.0)]


@pytest.mark.parametrize("start", [1e6, 1e9, 1e12])
def test_timers_still_fire_when_time_has_grown_large(start: float) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(start)
        for _ in range(5):
            await asyncio.sleep(0.02)
        return loop.time() - start

    assert run_virtual(main()) == pytest.approx(0.1, abs=1e-3)


async def test_a_cancelled_timer_moves_no_time() -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(10, lambda: None).cancel()
    await asyncio.sleep(1)
    assert loop.time() == 1


async def test_a_thread_holds_time_until_its_call_returns() -> None:
    gate = threading.Event()
    asyncio.get_running_loop().call_later(3600, gate.set)  # would open the gate if time ran
    async with asyncio.timeout(1):
        assert await asyncio.to_thread(gate.wait, 0.02) is False
    assert asyncio.get_running_loop().time() == 0


async def test_working_holds_time_while_a_process_answers() -> None:
    code = "import sys; sys.stdin.readline(); sys.stdout.write('answer\\n')"
    with working("python"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        async with asyncio.timeout(0.001):
            process.stdin.write(b"go\n")
            assert await process.stdout.readline() == b"answer\n"
        process.stdin.close()
        await process.wait()
    assert asyncio.get_running_loop().time() == 0


async def test_begin_work_holds_time_until_done_and_done_may_be_repeated() -> None:
    loop = asyncio.get_running_loop()
    work = begin_work("an answer")
    other = begin_work("another")
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(work.done))
    other.done()
    other.done()
    loop.call_soon(thread.start)
    await asyncio.sleep(1)
    assert loop.time() == 1
    work.done()
    thread.join()


async def test_timers_that_are_due_fire_while_work_is_outstanding() -> None:
    loop = asyncio.get_running_loop()
    with working("an engine"):
        reached = asyncio.Event()
        loop.call_at(loop.time(), reached.set)
        await reached.wait()


async def test_io_that_is_ready_is_served_before_time_jumps() -> None:
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        arrived: list[float] = []
        loop.add_reader(near, lambda: arrived.append(near.recv(10) and loop.time()))
        loop.call_later(1, far.send, b"x")
        await asyncio.sleep(5)
        loop.remove_reader(near)
    assert arrived == [1.0]


def test_work_that_never_ends_is_named_after_the_watchdogs_time() -> None:
    async def main() -> None:
        with working("worker 7: finalize"):
            await asyncio.sleep(1)

    with pytest.raises(StalledError, match=r"worker 7: finalize; waiting tasks: .*main") as caught:
        run_virtual(main(), watchdog=0.02)
    assert caught.value.outstanding == ("worker 7: finalize",)


def test_a_deadlock_is_reported_at_once_with_the_line_that_waits() -> None:
    async def inner() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        await inner()

    with pytest.raises(
        DeadlockError,
        match=r"nothing can wake .*main \(test_clock.py:\d+\) > .*inner \(test_clock",
    ):
        run_virtual(main())


def test_idle_threads_of_the_executor_do_not_put_a_deadlock_off() -> None:
    async def main() -> None:
        await asyncio.to_thread(int)
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run_virtual(main(), watchdog=3600)


def test_a_deadlock_with_an_open_socket_is_reported_after_the_watchdogs_time() -> None:
    async def main() -> None:
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            await asyncio.get_running_loop().sock_recv(near, 1)

    with pytest.raises(DeadlockError):
        run_virtual(main(), watchdog=0.02)


def test_without_timers_real_io_is_waited_for() -> None:
    async def main() -> bytes:
        reader, writer = os.pipe()
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()
        loop.add_reader(reader, lambda: arrived.set_result(os.read(reader, 4)))
        thread = threading.Thread(target=os.write, args=(writer, b"data"))
        loop.call_soon(thread.start)
        try:
            return await arrived
        finally:
            thread.join()
            loop.remove_reader(reader)
            os.close(reader)
            os.close(writer)

    assert run_virtual(main()) == b"data"


def test_ctrl_c_cancels_main_while_the_loop_waits() -> None:
    cleaned: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(signal.raise_signal, signal.SIGINT)
        try:
            with working("something long"):
                await asyncio.sleep(1)
        finally:
            cleaned.append("main")

    with pytest.raises(KeyboardInterrupt):
        run_virtual(main())
    assert cleaned == ["main"]


def test_a_signal_handler_wakes_a_loop_that_waits() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        loop.add_signal_handler(signal.SIGUSR1, woken.set_result, "signal")
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGUSR1)).start()
        try:
            return await woken
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)

    assert run_virtual(main()) == "signal"


@pytest.mark.real_time
async def test_work_is_inert_on_a_loop_with_real_time() -> None:
    with working("anything"):
        await asyncio.sleep(0)
    begin_work("anything").done()
    assert not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)


def test_work_is_inert_without_a_loop() -> None:
    with working("anything"):
        begin_work("anything").done()


def test_run_virtual_returns_the_result_and_cancels_what_is_left() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            ended.append("forever")

    async def main() -> int:
        task = asyncio.create_task(forever())
        await asyncio.sleep(1)
        assert not task.done()
        return 42

    assert run_virtual(main()) == 42
    assert ended == ["forever"]


def test_run_virtual_ends_the_threads_it_used() -> None:
    async def main() -> None:
        await asyncio.to_thread(int)

    before = threading.active_count()
    run_virtual(main())
    assert threading.active_count() == before


def order_of_tasks(seed: int | None) -> str:
    """Run four tasks of three steps each and return the order of the steps."""
    steps: list[str] = []

    async def walk(name: str) -> None:
        for _ in range(3):
            steps.append(name)
            await asyncio.sleep(0)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for name in "abcd":
                group.create_task(walk(name))

    run_virtual(main(), seed=seed)
    return "".join(steps)


def test_without_a_seed_tasks_run_in_asyncios_order() -> None:
    assert order_of_tasks(None) == "abcd" * 3


def test_a_seed_draws_the_order_of_tasks_and_repeats_it() -> None:
    orders = {seed: order_of_tasks(seed) for seed in range(30)}
    assert len(set(orders.values())) > 25
    assert all(order_of_tasks(seed) == order for seed, order in orders.items())


def test_a_seed_shows_a_race_that_asyncios_order_hides() -> None:
    async def main() -> bool:
        ready: list[bool] = []

        async def prepare() -> None:
            ready.append(True)

        async def use() -> bool:
            return bool(ready)

        _, used = await asyncio.gather(prepare(), use())
        return used

    assert run_virtual(main()) is True
    assert {run_virtual(main(), seed=seed) for seed in range(20)} == {True, False}


@given(seed=st.integers(), calls=st.lists(st.booleans(), max_size=20))
@settings(max_examples=30, deadline=None)
def test_callbacks_keep_their_order_whatever_the_seed(seed: int, calls: list[bool]) -> None:
    called: list[int] = []

    async def nothing() -> None:
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tasks = []
        for number, is_task in enumerate(calls):
            if is_task:
                tasks.append(loop.create_task(nothing()))
            else:
                loop.call_soon(called.append, number)
        await asyncio.sleep(0.1)
        await asyncio.gather(*tasks)

    run_virtual(main(), seed=seed)
    assert called == [number for number, is_task in enumerate(calls) if not is_task]


def test_a_cancel_that_was_called_soon_is_a_callback_not_a_step() -> None:
    async def main() -> list[str]:
        order: list[str] = []
        loop = asyncio.get_running_loop()
        sleeper = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0.1)
        sleeper.add_done_callback(lambda _: order.append("cancelled"))
        loop.call_soon(order.append, "before")
        loop.call_soon(sleeper.cancel)
        loop.call_soon(order.append, "after")
        await asyncio.sleep(0.1)
        return order

    for seed in range(10):
        assert run_virtual(main(), seed=seed) == ["before", "after", "cancelled"]
