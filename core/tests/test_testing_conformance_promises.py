"""A promise is held, and one that is broken is told in a sentence: by whom, which, where it is written, and how."""

from __future__ import annotations

import asyncio
import threading

import pytest

from beluga_voice.errors import ClosedError
from beluga_voice.testing.conformance.promises import (
    LIMIT,
    Promises,
    Running,
    expect,
    expect_error,
    expect_error_of,
    soon,
)


class Light:
    """Something with a promise: it turns on when it is switched."""

    def __init__(self, fault: Exception | float | None = None) -> None:
        self.fault = fault
        self.on = False

    async def switch(self) -> None:
        if isinstance(self.fault, Exception):
            raise self.fault
        await asyncio.sleep(self.fault or 0)
        self.on = True


async def checked(light: Light) -> list[str]:
    """Hold `light` to two promises; return which were held."""
    held = []
    promises: Promises[Light] = Promises("home.lights")

    @promises.made_by("Light.switch", "turns\n        on")
    async def _turns_on(case: Light) -> None:
        await case.switch()
        expect(case.on, "it stayed dark")
        held.append("on")

    @promises.made_by("Light.switch", "may be called twice")
    async def _twice(case: Light) -> None:
        await case.switch()
        held.append("twice")

    await promises.check(light, "Lamp")
    return held


async def test_promises_are_held_in_their_order() -> None:
    assert await checked(Light()) == ["on", "twice"]


BREAKS = r"^Lamp breaks a promise of home\.lights\.Light\.switch: turns on; "


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (AssertionError("it stayed dark"), "it stayed dark$"),
        (KeyError("fuse"), "raised KeyError: 'fuse'$"),
        (TimeoutError("slow"), "raised TimeoutError: slow$"),
        (LIMIT + 1, r"was not done within 60 s \("),
    ],
)
async def test_a_broken_promise_is_one_sentence(fault: Exception | float, seen: str) -> None:
    with pytest.raises(AssertionError, match=BREAKS + seen):
        await checked(Light(fault))


async def test_what_a_provider_raised_is_the_cause() -> None:
    fault = KeyError("fuse")
    with pytest.raises(AssertionError) as broken:
        await checked(Light(fault))
    assert broken.value.__cause__ is fault


async def test_a_check_that_is_cancelled_breaks_no_promise() -> None:
    check = asyncio.create_task(checked(Light(10.0)))
    await asyncio.sleep(1)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check


async def test_an_expected_error_of_a_coroutine_is_told_by_what_came_instead() -> None:
    await expect_error(ClosedError, Light(ClosedError("closed")).switch(), "switch")
    with pytest.raises(AssertionError, match=r"^switch did not raise ClosedError$"):
        await expect_error(ClosedError, Light().switch(), "switch")
    with pytest.raises(AssertionError, match=r"^switch raised KeyError: 'fuse'$"):
        await expect_error(ClosedError, Light(KeyError("fuse")).switch(), "switch")


async def test_waiting_for_an_error_can_be_cancelled() -> None:
    waiting = asyncio.create_task(expect_error(ClosedError, Light(10.0).switch(), "switch"))
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_an_expected_error_of_a_call_is_told_by_what_came_instead() -> None:
    expect_error_of(ValueError, lambda: int("a"), "int")
    with pytest.raises(AssertionError, match=r"^int did not raise ValueError$"):
        expect_error_of(ValueError, lambda: int("1"), "int")
    with pytest.raises(AssertionError, match=r"^int raised ValueError: invalid"):
        expect_error_of(KeyError, lambda: int("a"), "int")


async def test_what_is_expected_soon_is_returned_or_told_to_be_late() -> None:
    assert await soon(asyncio.sleep(4.9, "done"), "switch") == "done"
    with pytest.raises(AssertionError, match=r"^switch took more than 0\.5 s$"):
        await soon(Light(1.0).switch(), "switch", within=0.5)
    with pytest.raises(TimeoutError, match="its own"):
        await soon(Light(TimeoutError("its own")).switch(), "switch")


async def test_what_still_runs_is_named_and_what_ran_before_is_not() -> None:
    go = threading.Event()
    before = asyncio.create_task(Light(10.0).switch(), name="before")
    running = Running()
    running.expect_nothing_new()
    task = asyncio.create_task(Light(10.0).switch(), name="left")
    thread = threading.Thread(target=go.wait, name="forgotten")
    thread.start()
    with pytest.raises(AssertionError, match=r"^still running: forgotten, left$"):
        running.expect_nothing_new()
    go.set()
    thread.join()
    await task
    running.expect_nothing_new()
    await before
