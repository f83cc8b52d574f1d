"""A session that runs to be watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from beluga_voice.events import Event
from beluga_voice.session.observers import EventCallback
from beluga_voice.session.session import VoiceSession


@asynccontextmanager
async def shown(session: VoiceSession, *views: EventCallback) -> AsyncIterator[None]:
    """Run `session` and give each of its events to `views`.

    What cannot be shown any more, as nobody reads it or the disk is full, is not worth a call: the session ends.

    Raises:
        OSError: a view could not write.
    """
    task = asyncio.current_task()
    errors: list[OSError] = []
    inside = True

    def show(event: Event) -> None:
        if errors:
            return
        try:
            for view in views:
                view(event)
        except OSError as error:
            errors.append(error)
            if inside and task is not None:
                task.cancel()

    session.on_event(show)
    try:
        async with session:
            try:
                yield
            finally:
                inside = False
    except asyncio.CancelledError:
        if not errors or task is None or task.uncancel():
            raise
    if errors:
        raise errors[0]
