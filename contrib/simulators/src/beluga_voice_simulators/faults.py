"""The menu of faults: what a simulated vendor does wrong when it is told to."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong. Statuses are HTTP's, of calls and of WebSocket handshakes."""

    UNAUTHORIZED = "unauthorized"
    """401: the key is refused, whatever it is."""

    NO_CREDIT = "no-credit"
    """402."""

    FORBIDDEN = "forbidden"
    """403."""

    NOT_FOUND = "not-found"
    """404."""

    RATE_LIMITED = "rate-limited"
    """429, with a `Retry-After`."""

    SERVER_ERROR = "server-error"
    """500."""

    OVERLOADED = "overloaded"
    """503."""

    SLOW_FIRST_BYTE = "slow-first-byte"
    """Nothing is answered for `Faults.slow` seconds."""

    HALF_ANSWER = "half-answer"
    """An answer breaks off in its middle: with the vendor's error where its protocol has one there, else by the
    connection."""

    NEVER_READS = "never-reads"
    """A WebSocket is accepted, and nothing is ever read from it or said on it."""

    CUT = "cut"
    """A WebSocket is cut without a close frame, when its second answer is due."""

    IDLE_TIMEOUT = "idle-timeout"
    """A WebSocket on which nothing came for `Faults.idle` seconds is closed with code 1011."""

    MALFORMED = "malformed"
    """A message that is no JSON comes in the place of the second answer."""

    AUDIO_BEFORE_READY = "audio-before-ready"
    """A WebSocket that gives audio gives some before it says that it is ready."""

    EMPTY_FINAL = "empty-final"
    """A final transcript has no words."""

    DUPLICATE_FINAL = "duplicate-final"
    """A final transcript comes twice."""

    REORDERED_FINALS = "reordered-finals"
    """A final transcript comes after the one that follows it."""

    LATE_FINAL = "late-final"
    """A final transcript comes after the caller has begun to speak again."""


REFUSALS = {
    Fault.UNAUTHORIZED: 401,
    Fault.NO_CREDIT: 402,
    Fault.FORBIDDEN: 403,
    Fault.NOT_FOUND: 404,
    Fault.RATE_LIMITED: 429,
    Fault.SERVER_ERROR: 500,
    Fault.OVERLOADED: 503,
}
"""The faults that are a status, in the order in which they are looked for."""


class Faults:
    """The faults that are to be played, and how often yet.

    Args:
        retry_after: seconds that a 429 asks to wait.
        slow: seconds that a slow first byte takes.
        idle: seconds without a message after which an idle timeout strikes.

    Attributes:
        cleared: how often `clear` was called.
    """

    def __init__(self, *, retry_after: float = 1.0, slow: float = 15.0, idle: float = 10.0) -> None:
        self.retry_after = retry_after
        self.slow = slow
        self.idle = idle
        self.cleared = 0
        self._left: dict[Fault, int | None] = {}

    def play(self, fault: Fault, times: int | None = 1) -> None:
        """Play a fault the next `times` that it fits; None for always."""
        self._left[fault] = times

    def clear(self) -> None:
        """Play none any more; connections that are not read are let go."""
        self._left.clear()
        self.cleared += 1

    def has(self, fault: Fault) -> bool:
        """Whether it is to be played; it counts as played by `take` only."""
        return fault in self._left

    def take(self, fault: Fault) -> bool:
        """Whether it is to be played now; it counts as played then."""
        if fault not in self._left:
            return False
        left = self._left[fault]
        if left is not None:
            self._left[fault] = left - 1
            if left <= 1:
                del self._left[fault]
        return True

    def refusal(self) -> int | None:
        """Return the status by which a call is to be refused now; it counts as played then."""
        return next((status for fault, status in REFUSALS.items() if self.take(fault)), None)
