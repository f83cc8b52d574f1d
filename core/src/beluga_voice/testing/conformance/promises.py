"""A contract's promises as a table, and how one is held."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from beluga_voice.testing.conformance.report import Finding, Level, note, wanted

if TYPE_CHECKING:
    from collections.abc import Coroutine

C = TypeVar("C")
T = TypeVar("T")

LIMIT = 60.0
"""Seconds of the loop's clock within which each promise is to be seen kept."""


@dataclass(frozen=True, slots=True)
class Promise(Generic[C]):
    """What a contract says, where it says so, and a function that fails where that is not so."""

    where: str
    says: str
    holds: Callable[[C], Awaitable[None]]
    level: Level = Level.BRONZE


class Promises(Generic[C]):
    """The promises of one contract, in the order in which they are checked.

    Args:
        module: the module whose docstrings make them.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self.table: list[Promise[C]] = []

    def made_by(
        self, where: str, says: str, level: Level = Level.BRONZE
    ) -> Callable[[Callable[[C], Awaitable[None]]], Callable[[C], Awaitable[None]]]:
        """Add the decorated function, which fails when `where` does not do what it `says`."""

        def add(holds: Callable[[C], Awaitable[None]]) -> Callable[[C], Awaitable[None]]:
            self.table.append(Promise(where, says, holds, level))
            return holds

        return add

    async def check(self, case: C, who: str) -> None:
        """Hold `case` to every promise of the levels that are asked for (`report.up_to`), the lower ones first.

        Raises:
            AssertionError: a promise is broken, and nobody collects (`report.collect`); one sentence says by whom,
                which, where it is written, and what was seen.
        """
        for promise in sorted(self.table, key=lambda each: each.level.rank):
            if wanted(promise.level):
                seen, cause = await _seen(promise, case)
                note(Finding(who, f"{self.module}.{promise.where}", promise.says, promise.level, seen), cause)


async def _seen(promise: Promise[C], case: C) -> tuple[str | None, Exception | None]:
    """Return what broke the promise, or None."""
    try:
        async with asyncio.timeout(LIMIT) as limit:
            await promise.holds(case)
    except AssertionError as broken:
        return str(broken), None
    except Exception as error:  # noqa: BLE001 - the provider's boundary: whatever it raises breaks the promise
        if limit.expired():
            return (
                f"was not done within {LIMIT:g} s (on virtual time, hold `working` while an engine works)",
                None,
            )
        return f"raised {type(error).__name__}: {error}", error
    return None, None


def expect(condition: bool, seen: str) -> None:
    """Fail with what was `seen` unless `condition` holds."""
    if not condition:
        raise AssertionError(seen)


async def expect_error(expected: type[Exception], call: Coroutine[object, None, object], what: str) -> None:
    """Fail unless `call` raises `expected`."""
    try:
        await call
    except expected:
        return
    except asyncio.CancelledError:
        raise
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error
    raise AssertionError(f"{what} did not raise {expected.__name__}")


def expect_error_of(expected: type[Exception], call: Callable[[], object], what: str) -> None:
    """Fail unless the sync `call` raises `expected`."""
    try:
        call()
    except expected:
        return
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error
    raise AssertionError(f"{what} did not raise {expected.__name__}")


async def soon(call: Coroutine[object, None, T], what: str, within: float = 5.0) -> T:
    """Await `call`, and fail when it takes more than `within` seconds of the loop's clock."""
    try:
        async with asyncio.timeout(within) as limit:
            return await call
    except TimeoutError:
        if not limit.expired():
            raise
        raise AssertionError(f"{what} took more than {within:g} s") from None


async def together(*calls: Coroutine[object, object, T]) -> list[T]:
    """Run `calls` at once, and wait for all even where one fails; then raise the first failure."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    results = []
    for each in done:
        if isinstance(each, BaseException):
            raise each
        results.append(each)
    return results


class Running:
    """The tasks and threads of a moment, to tell later what has come since."""

    def __init__(self) -> None:
        self._tasks = asyncio.all_tasks()
        self._threads = set(threading.enumerate())

    def expect_nothing_new(self) -> None:
        """Fail when a task or a thread has come since and still runs; asyncio's own threads may stay."""
        tasks = asyncio.all_tasks() - self._tasks - {asyncio.current_task()}
        threads = (t for t in threading.enumerate() if t not in self._threads and t.is_alive())
        names = [task.get_name() for task in tasks]
        names += [thread.name for thread in threads if not thread.name.startswith("asyncio_")]
        expect(not names, f"still running: {', '.join(sorted(names))}")
