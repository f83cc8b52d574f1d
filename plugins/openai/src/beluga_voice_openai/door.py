"""Ends waits when what they wait for is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from beluga_voice.errors import ClosedError

T = TypeVar("T")


class Door:
    """Open until it is closed; who waits at it then gets `ClosedError`.

    Args:
        what: is closed, as in ``voice``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._limits: set[asyncio.Timeout] = set()
        self.closed = False

    async def wait(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Wait for what `begin` returns.

        Raises:
            ClosedError: the door is closed, or is while this waits; what was begun is cancelled then.
        """
        self.check()
        limit = asyncio.timeout(None)
        self._limits.add(limit)
        try:
            async with limit:
                return await begin()
        except TimeoutError:
            if limit.expired():
                self.check()
            raise
        finally:
            self._limits.discard(limit)

    def check(self) -> None:
        """Pass, if it is open.

        Raises:
            ClosedError: it is closed.
        """
        if self.closed:
            raise ClosedError(f"this {self._what} was closed; open a new one") from None

    def close(self) -> None:
        """Close it, and end all waits. Idempotent."""
        self.closed = True
        now = asyncio.get_running_loop().time()
        for limit in self._limits:
            limit.reschedule(now)
