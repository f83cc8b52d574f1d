"""Who is let in: by the number of sessions, of one client and in all, and by the lag of the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from beluga_voice.errors import RefusedError
from beluga_voice_server.settings import ServerSettings

PERIOD = 0.1
"""Seconds between two measurements of the lag."""

DECAY = 0.9
"""Share of the lag that remains after a `PERIOD` without any: a peak is half forgotten after 0.7 s."""


class LoopLag:
    """Measures by how much the running loop is late: its timers fire when it has time for them.

    Args:
        each: called at each measurement, ten times a second.

    Attributes:
        seconds: the lag, a peak of it fading.
    """

    def __init__(self, each: Callable[[], None]) -> None:
        self.seconds = 0.0
        self._each = each
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure."""
        self._loop = asyncio.get_running_loop()
        self._arm()

    def stop(self) -> None:
        """Measure no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._due = self._loop.time() + PERIOD
        self._timer = self._loop.call_at(self._due, self._measure)

    def _measure(self) -> None:
        self.seconds = max(self._loop.time() - self._due, self.seconds * DECAY)
        self._arm()
        self._each()


class Admission:
    """Counts who is in, and refuses who would be too many.

    Attributes:
        draining: nobody is let in any more.
        refused: how many were refused, by the code of why.
    """

    def __init__(self, settings: ServerSettings, lag: LoopLag) -> None:
        self.draining = False
        self.refused: Counter[str] = Counter()
        self._settings = settings
        self._lag = lag
        self._inside: Counter[str] = Counter()

    @property
    def sessions(self) -> int:
        """How many are in."""
        return self._inside.total()

    def problem(self, client: str = "") -> RefusedError | None:
        """Return why nobody, or not this client, would be let in now; None if they would."""
        settings = self._settings
        if self.draining:
            return RefusedError(
                503, "draining", "the server is being stopped; ask another one", retry_after=30
            )
        if self.sessions >= settings.max_sessions:
            text = f"all {settings.max_sessions} sessions are taken; try again later"
            return RefusedError(503, "full", text, retry_after=10)
        if self._lag.seconds > settings.max_lag:
            text = f"the server is busy: its loop is {self._lag.seconds * 1000:.0f} ms late; try again later"
            return RefusedError(503, "busy", text, retry_after=5)
        if client and self._inside[client] >= settings.max_sessions_per_client:
            text = f"{self._inside[client]} sessions are yours already; end one of them first"
            return RefusedError(429, "too_many_sessions", text, retry_after=10)
        return None

    def enter(self, client: str) -> None:
        """Let `client` in.

        Raises:
            RefusedError: there is no room.
        """
        if (problem := self.problem(client)) is not None:
            raise problem
        self._inside[client] += 1

    def leave(self, client: str) -> None:
        """Let `client` out again."""
        self._inside[client] -= 1
        if not self._inside[client]:
            del self._inside[client]

    @contextmanager
    def entering(self, client: str) -> Iterator[None]:
        """Let `client` in, and out again if the block fails.

        Raises:
            RefusedError: there is no room.
        """
        self.enter(client)
        try:
            yield
        except BaseException:
            self.leave(client)
            raise

    def refuse(self, error: RefusedError) -> RefusedError:
        """Count a refusal, and return it."""
        self.refused[error.code] += 1
        return error
