"""The timers that the engine asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from beluga_voice import commands as do
from beluga_voice.events import TimerName

LOOK = 1.0
"""Seconds after which a timer that is held looks again whether it may fire."""


class Timers:
    """Runs timers by their names on the running loop.

    Args:
        fired: takes the name of a timer that fires, and when it was due.

    Attributes:
        held: timers that do not fire as long as they stand here; then they fire late, unless cleared.
    """

    def __init__(self, fired: Callable[[TimerName, float], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._fired = fired
        self.held: frozenset[TimerName] = frozenset()
        self._running: dict[TimerName, asyncio.TimerHandle] = {}

    def set(self, command: do.SetTimer) -> None:
        """Start a timer, or start it anew."""
        self._cancel(command.timer)
        self._running[command.timer] = self._loop.call_at(command.due, self._fire, command.timer, command.due)

    def clear(self, command: do.ClearTimer) -> None:
        """Stop a timer, if it runs."""
        self._cancel(command.timer)

    def stop(self) -> None:
        """Stop all of them."""
        for timer in tuple(self._running):
            self._cancel(timer)

    def _cancel(self, timer: TimerName) -> None:
        running = self._running.pop(timer, None)
        if running is not None:
            running.cancel()

    def _fire(self, timer: TimerName, due: float) -> None:
        if timer in self.held:
            self._running[timer] = self._loop.call_later(LOOK, self._fire, timer, due)
            return
        self._running.pop(timer, None)
        self._fired(timer, due)
