"""The pytest plugin of beluga-voice: runs ``async def`` tests, on virtual time unless they ask for real time.

    async def test_hangs_up_after_an_hour() -> None:      # on `beluga_voice.clock.VirtualTimeLoop`
        await asyncio.sleep(3600)

    @pytest.mark.real_time
    async def test_talks_to_a_server() -> None:           # on asyncio's own loop
        ...

A test that passes but leaves a task running fails, with the task's name. Tests decorated with hypothesis's
``@given`` run each example on a loop of its own. Fixtures are sync; use ``async with`` in the test.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping

import pytest

from beluga_voice.clock import run_virtual

AsyncTest = Callable[..., Awaitable[object]]


class LeftoverTaskError(AssertionError):
    """A test ended while tasks that it had started were still running."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "real_time: run this async test on a loop with real time")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run the test if it is ours."""
    real_time = pyfuncitem.get_closest_marker("real_time") is not None
    given = getattr(pyfuncitem.obj, "hypothesis", None)
    if given is not None:
        if inspect.iscoroutinefunction(given.inner_test):
            given.inner_test = _as_sync(given.inner_test, real_time=real_time)
        return None
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    _run(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names}, real_time=real_time)
    return True


def _as_sync(test: AsyncTest, *, real_time: bool) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: object, **arguments: object) -> None:
        _run(functools.partial(test, *args), arguments, real_time=real_time)

    return run


def _run(test: AsyncTest, arguments: Mapping[str, object], *, real_time: bool) -> None:
    main = _alone(test, arguments)
    if real_time:
        asyncio.run(main)
    else:
        run_virtual(main)


async def _alone(test: AsyncTest, arguments: Mapping[str, object]) -> None:
    await test(**arguments)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()!r})" for task in left))
        raise LeftoverTaskError(f"the test left {len(left)} task(s) running: {names}")
