"""What outlives the request that began it: tasks of one group, which one task owns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

logger = logging.getLogger(__name__)


class Background:
    """Runs tasks until it is stopped; what one raises is logged, and the others go on."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._started: asyncio.Future[asyncio.TaskGroup] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(), name="beluga-voice server")

    async def start(self) -> None:
        """Wait until tasks can be spawned."""
        self._group = await asyncio.shield(self._started)

    def spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Run `work`."""
        return self._group.create_task(_guard(work, name), name=f"beluga-voice {name}")

    async def stop(self) -> None:
        """Wait until all tasks have ended."""
        self._stopping.set()
        await asyncio.shield(self._owner)

    async def _own(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._started.set_result(group)
            await self._stopping.wait()


async def _guard(work: Coroutine[object, object, None], name: str) -> None:
    try:
        await work
    except Exception:  # told to whoever runs the server; the other calls go on
        logger.exception("%s failed", name)
