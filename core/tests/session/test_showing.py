"""A session that is watched, and what becomes of it when nobody can."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from beluga_voice import events as ev
from beluga_voice.errors import SessionError
from beluga_voice.session.showing import shown


async def test_every_view_is_given_every_event(make: Any) -> None:
    rig = make(line=None, vad=None)
    first: list[ev.Event] = []
    second: list[ev.Event] = []
    async with shown(rig.session, first.append, second.append):
        await rig.session.say("Hello.")
    assert first == second == rig.events
    assert isinstance(first[-1], ev.SessionEnded)


@pytest.mark.parametrize("kind", [ev.SessionStarted, ev.PlayoutStarted, ev.SessionEnded])
async def test_a_view_that_cannot_write_ends_the_session_with_its_error(make: Any, kind: type) -> None:
    rig = make(line=None, vad=None)
    shown_events: list[ev.Event] = []

    def view(event: ev.Event) -> None:
        shown_events.append(event)
        if isinstance(event, kind):
            raise BrokenPipeError("nobody reads")

    async def watch() -> None:
        async with shown(rig.session, view):
            rig.session.say("Hello.")
            await asyncio.sleep(1)

    with pytest.raises(BrokenPipeError):
        await watch()
    assert isinstance(shown_events[-1], kind)
    with pytest.raises(SessionError, match="session_not_active"):
        rig.session.say("Hello.")
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]


async def test_a_cancellation_from_outside_stays_one(make: Any) -> None:
    rig = make(line=None, vad=None)

    async def watch() -> None:
        async with shown(rig.session, lambda _: None):
            await asyncio.sleep(9)

    task = asyncio.create_task(watch())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.session.state is ev.SessionState.ENDED


async def test_what_the_body_raises_is_raised(make: Any) -> None:
    with pytest.raises(LookupError):
        async with shown(make(line=None, vad=None).session, lambda _: None):
            raise LookupError
