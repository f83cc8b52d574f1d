"""Who watches a session: callbacks, and streams of events."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self, TypeVar
from weakref import WeakSet

from beluga_voice.commands import Command
from beluga_voice.events import Event, Observed, SessionState, StateChanged

logger = logging.getLogger("beluga_voice")

UNREAD = 1000
"""Events that a stream keeps for a slow reader; beyond, the oldest give way."""

StateCallback = Callable[[SessionState], None]
EventCallback = Callable[[Event], None]
DecisionCallback = Callable[[Observed, Sequence[Command]], None]
C = TypeVar("C")


class EventStream(AsyncIterator[Event]):
    """The events of a session from now on, until it ends.

    Attributes:
        missed: events that gave way because they were not read in time.
    """

    def __init__(self) -> None:
        self.missed = 0
        self._events: deque[Event] = deque()
        self._ended = False
        self._changed = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()

    def put(self, event: Event) -> None:
        """Add an event."""
        if len(self._events) >= UNREAD:
            self._events.popleft()
            self.missed += 1
        self._events.append(event)
        self._changed.set()

    def end(self) -> None:
        """No event follows."""
        self._ended = True
        self._changed.set()


class Observers:
    """Tells everyone who watches. What a callback raises is logged, and changes nothing.

    No lock is held meanwhile: a callback may use the session."""

    def __init__(self) -> None:
        self.on_state_changed: StateCallback | None = None
        self.on_event: list[EventCallback] = []
        self.on_decision: list[DecisionCallback] = []
        self._streams: WeakSet[EventStream] = WeakSet()

    def watch(self, callback: EventCallback) -> Callable[[], None]:
        """Tell `callback` of each event; returns what ends that."""
        return _added(self.on_event, callback)

    def watch_decisions(self, callback: DecisionCallback) -> Callable[[], None]:
        """Tell `callback` of each event and what was decided by it; returns what ends that."""
        return _added(self.on_decision, callback)

    def stream(self) -> EventStream:
        """Open a stream of what happens from now on."""
        stream = EventStream()
        self._streams.add(stream)
        return stream

    def tell(self, event: Event) -> None:
        """Tell of an event."""
        for stream in self._streams:
            stream.put(event)
        for callback in tuple(self.on_event):
            _call(callback, event)
        if isinstance(event, StateChanged) and self.on_state_changed is not None:
            _call(self.on_state_changed, event.new)

    def decided(self, event: Observed, commands: Sequence[Command]) -> None:
        """Tell of an event and what was decided by it."""
        for callback in tuple(self.on_decision):
            _call(callback, event, commands)

    def end(self) -> None:
        """No event follows: end all streams."""
        for stream in self._streams:
            stream.end()
        self._streams.clear()


def _added(callbacks: list[C], callback: C) -> Callable[[], None]:
    """Add a callback; returns what takes this one away again, once."""
    entry = [callback]
    callbacks.append(callback)

    def remove() -> None:
        if entry:
            callbacks.remove(entry.pop())

    return remove


def _call(callback: Callable[..., None], *arguments: object) -> None:
    try:
        callback(*arguments)
    except (Exception, asyncio.CancelledError):  # the boundary to the application's code
        logger.exception("a session's callback %r failed", callback)
