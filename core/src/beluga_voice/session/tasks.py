"""What waits within one run of a session: tasks of one group, of which none outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

CUTS = 3
"""How often what does not end is cancelled, each time for a close deadline; then it is left."""

Work = Callable[[], Awaitable[None]]


class Tasks:
    """Starts tasks in a group, and cuts them.

    Args:
        crashed: takes a bug that a task raised; the task has ended, and the others go on.

    Attributes:
        group: where tasks run; to be set before the first.
    """

    group: asyncio.TaskGroup

    def __init__(self, crashed: Callable[[Exception], None]) -> None:
        self._crashed = crashed
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Work, name: str) -> asyncio.Task[None]:
        """Run `work()` until it ends, or the session does."""
        task = self.group.create_task(self._guard(work), name=f"beluga-voice {name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def cut(self, deadline: float) -> list[str]:
        """Cancel what still runs, and again after `deadline` seconds what takes no notice.

        Returns:
            The names of what will not end.
        """
        for number in range(CUTS):
            if not self._running:
                return []
            for task in self._running:
                if number or not task.cancelling():  # what has just been cut may clean up first
                    task.cancel()
            await asyncio.wait(tuple(self._running), timeout=deadline)
        return sorted(task.get_name() for task in self._running)

    async def _guard(self, work: Work) -> None:
        try:
            await work()
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._crashed(bug)
