"""A session as its agent sees it, before its first run and as one ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from beluga_voice import events as ev
from beluga_voice.conversation import Conversation
from beluga_voice.errors import ErrorCode, SessionError
from beluga_voice.events import EndReason, SessionState, ToolOutcome
from beluga_voice.session.control import Control
from beluga_voice.session.observers import Observers


async def _nothing() -> None:
    pass


@pytest.fixture
def control() -> Control:
    """Of a session that was never started."""
    return Control("s", Conversation(), Observers(), {}, None)


@pytest.mark.parametrize(
    ("op", "use"),
    [
        ("say", lambda control: control.say("hello")),
        ("run_task", lambda control: control.run_task(_nothing, "task")),
        ("tool_started", lambda control: control.tool_started(1, 1, "look", 5.0)),
    ],
)
def test_what_needs_a_running_session_is_refused_before_the_first(
    control: Control, op: str, use: Callable[[Control], object]
) -> None:
    with pytest.raises(SessionError, match="does not run") as caught:
        use(control)
    assert (caught.value.op, caught.value.code) == (op, ErrorCode.SESSION_NOT_ACTIVE)


def test_before_the_first_run_there_is_nothing_to_cut_end_or_tell(control: Control) -> None:
    told: list[ev.Event] = []
    control.watch(told.append)
    control.interrupt()
    control.end()
    control.tool_finished(1, 1, "look", ToolOutcome.DONE)
    control.failed("tools", "gone")
    assert told == []
    assert (control.now(), control.speaking, control.history) == (0.0, False, ())


async def test_a_running_session_is_watched_interrupted_told_of_and_ended(make: Any) -> None:
    rig = make(vad=None)
    control, told = rig.session._control, []
    control.watch(told.append)
    await rig.session.start()
    handle = control.say("One two three four five six seven eight.")
    await asyncio.sleep(1)
    assert control.speaking
    control.failed("tools", "gone")
    control.interrupt()
    assert (await handle).outcome is ev.Outcome.CUT
    await control.wait_silent()
    assert not control.speaking
    assert control.now() == asyncio.get_running_loop().time()
    assert [(e.kind, e.error, e.fatal) for e in told if isinstance(e, ev.ProviderFailed)] == [
        ("tools", "gone", False)
    ]
    control.end()
    assert await rig.session.wait_ended() is EndReason.STOPPED
    before = len(told)
    control.interrupt()
    control.failed("tools", "gone again")
    assert len(told) == before, "an ended session says nothing"
    rig.check_nothing_is_left()


async def test_one_who_waits_for_a_turn_that_never_closes_is_let_go_as_the_session_ends(make: Any) -> None:
    rig = make(vad=None)
    await rig.session.start()
    waiting = asyncio.create_task(rig.session._control.wait_turn_closed(7))
    await asyncio.sleep(1)
    assert not waiting.done()
    await rig.session.stop()
    await asyncio.wait_for(waiting, 1)


async def test_one_who_waits_for_a_turn_goes_on_as_it_closes(make: Any) -> None:
    rig = make(vad=None, agent=None)
    await rig.session.start()
    waiting = asyncio.create_task(rig.session._control.wait_turn_closed(1))
    await asyncio.sleep(1)
    rig.session.send_text("hello")
    await asyncio.wait_for(waiting, 1)
    assert rig.session.state is SessionState.LISTENING
    await rig.session.stop()
