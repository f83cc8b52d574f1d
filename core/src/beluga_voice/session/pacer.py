"""One pacer per event loop hands out the frames of all sessions: no timer per session and frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from weakref import WeakKeyDictionary

PERIOD = 0.02
"""Seconds between two frames of one session."""

EARLY = 0.00105
"""Seconds by which a frame counts as due: loops fire timers up to a millisecond early."""

LATE = 0.2
"""Seconds of delay beyond which missed frames are not made up for: the loop stood still, and so did the call."""

Tick = Callable[[], bool]
"""Plays one frame; returns whether there will be another one after `PERIOD`."""


class Pacer:
    """Calls each of its ticks every 20 ms until it returns false."""

    def __init__(self) -> None:
        # It does not hold its loop: `_pacers` is to forget a loop that is gone.
        self._due: list[tuple[float, int, Tick]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running = False

    @classmethod
    def of_running_loop(cls) -> Pacer:
        """Return the pacer that all sessions on the running loop share."""
        loop = asyncio.get_running_loop()
        pacer = _pacers.get(loop)
        if pacer is None:
            pacer = _pacers[loop] = cls()
        return pacer

    def start(self, tick: Tick) -> None:
        """Call `tick` now, and then on."""
        if tick():
            self._push(asyncio.get_running_loop().time() + PERIOD, tick)
            self._arm()

    def discard(self, tick: Tick) -> None:
        """Do not call `tick` any more."""
        self._due = [entry for entry in self._due if entry[2] != tick]
        heapify(self._due)
        if not self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _push(self, due: float, tick: Tick) -> None:
        self._count += 1
        heappush(self._due, (due, self._count, tick))

    def _arm(self) -> None:
        if self._due and self._timer is None and not self._running:
            self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._run)

    def _run(self) -> None:
        self._timer, self._running = None, True
        now = asyncio.get_running_loop().time()
        try:
            while self._due and self._due[0][0] <= now + EARLY:
                due, _, tick = heappop(self._due)
                if tick():
                    self._push((due if now - due < LATE else now) + PERIOD, tick)
        finally:
            self._running = False
            self._arm()


_pacers: WeakKeyDictionary[asyncio.AbstractEventLoop, Pacer] = WeakKeyDictionary()
