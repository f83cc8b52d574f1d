"""A circuit breaker: what fails again and again is left alone for a while. Pure: times are arguments.

closed --(failures in a row)--> open --(reset seconds)--> half open --(successes in a row)--> closed
                                 ^------------(one failure)-----+
"""

from __future__ import annotations

from enum import StrEnum


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts failures and successes.

    Args:
        failures: in a row that open it.
        successes: in a row that close it again.
        reset: seconds for which it stays open.
    """

    __slots__ = ("_failed", "_failures", "_opened", "_reset", "_succeeded", "_successes")

    def __init__(self, failures: int = 5, successes: int = 2, reset: float = 30.0) -> None:
        self._failures = failures
        self._successes = successes
        self._reset = reset
        self._failed = self._succeeded = 0
        self._opened: float | None = None

    def state(self, now: float) -> BreakerState:
        """Return whether calls go through."""
        if self._opened is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if now >= self._opened + self._reset else BreakerState.OPEN

    @property
    def opens_again(self) -> float:
        """When calls are let through again to try; in the past if they are."""
        return 0.0 if self._opened is None else self._opened + self._reset

    def succeeded(self, now: float) -> None:
        """A call went well."""
        self._failed = 0
        if self.state(now) is BreakerState.HALF_OPEN:
            self._succeeded += 1
            if self._succeeded >= self._successes:
                self._opened = None

    def failed(self, now: float) -> None:
        """A call failed."""
        self._failed += 1
        self._succeeded = 0
        if self._opened is not None or self._failed >= self._failures:
            self._opened = now
