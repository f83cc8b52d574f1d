"""Running a command's coroutine, and showing a session's events while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import click

from beluga_voice.clock import run_virtual
from beluga_voice.events import Event
from beluga_voice.session import VoiceSession
from beluga_voice.session.observers import EventCallback

T = TypeVar("T")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as of a shell's command that a signal ended: 128 + SIGINT."""


def run_command(work: Coroutine[object, object, T], *, fast: bool = False) -> T:
    """Run `work`; Ctrl-C ends it in order, with status 130."""
    try:
        return run_virtual(work) if fast else asyncio.run(work)
    except KeyboardInterrupt:
        click.get_current_context().exit(INTERRUPTED)


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
