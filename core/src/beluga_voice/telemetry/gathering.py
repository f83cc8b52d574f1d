"""What happened in a turn, gathered from events as plain timestamps; metrics and spans are made of it afterwards.

Nothing here knows OpenTelemetry: while a reply is being made, all that telemetry costs is an assignment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from beluga_voice import events as ev

LATE = 32
"""Tools that still run when their reply is over, of which the end is remembered."""


@dataclass(slots=True)
class ToolCalled:
    """A tool, from its start to its end; `ended` is None while it runs."""

    name: str
    started: float
    ended: float | None = None
    outcome: ev.ToolOutcome = ev.ToolOutcome.RUNNING


@dataclass(slots=True)
class Heard:
    """A turn of the caller's: from its first sound to its close, or to where it was dropped."""

    turn: int
    opened: float
    closed: float | None = None
    speech_end: float | None = None
    text: str = ""
    dropped: str = ""


@dataclass(slots=True)
class Spoken:
    """An utterance: a reply to `heard`, or a `say`, from when it was asked for to its end.

    A draft was begun before the turn closed, and was not kept so far.
    """

    utterance: int
    asked: float
    heard: Heard | None = None
    draft: bool = False
    text_started: float | None = None
    text_ended: float | None = None
    played: float | None = None
    ended: ev.UtteranceEnded | None = None
    barge_in: str = ""
    measured: ev.TurnMeasured | None = None
    answers: list[ev.ModelAnswered] = field(default_factory=list)
    tools: dict[int, ToolCalled] = field(default_factory=dict)


class Gathering:
    """Gathers what happens in a session: give its events to `see`.

    Args:
        heard: takes a turn that nobody answers, when it is over.
        spoken: takes an utterance when it is over.
        late: takes a tool that ended after its reply.
    """

    def __init__(
        self,
        heard: Callable[[Heard], None],
        spoken: Callable[[Spoken], None],
        late: Callable[[ToolCalled], None],
    ) -> None:
        self._tell_heard, self._tell_spoken, self._tell_late = heard, spoken, late
        self._open: Heard | None = None
        self._closed: Heard | None = None
        self._spoken: dict[int, Spoken] = {}
        self._late: dict[int, ToolCalled] = {}
        self._sound = 0.0

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        look = _LOOK.get(type(event))
        if look is not None:
            look(self, event)

    # -- the caller --

    def _speech_started(self, event: ev.SpeechStarted) -> None:
        self._sound = event.start

    def _turn_opened(self, event: ev.TurnOpened) -> None:
        self._leave_closed()
        began = self._sound if event.at - 2.0 < self._sound <= event.at else event.at
        self._open = Heard(event.turn, began)

    def _turn_closed(self, event: ev.TurnClosed) -> None:
        self._leave_closed()
        heard, self._open = self._open, None
        if heard is None or heard.turn != event.turn:
            heard = Heard(event.turn, min(event.speech_end, event.at))
        heard.closed, heard.speech_end, heard.text = event.at, event.speech_end, event.text
        self._closed = heard

    def _turn_dropped(self, event: ev.TurnDropped) -> None:
        heard, self._open = self._open, None
        if heard is not None:
            heard.closed, heard.dropped = event.at, event.reason
            self._tell_heard(heard)

    def _turn_committed(self, event: ev.TurnCommitted) -> None:
        heard, self._open = self._open, None
        if heard is not None:
            heard.closed, heard.text, heard.dropped = event.at, event.text, "the session ended"
            self._tell_heard(heard)

    def _leave_closed(self) -> None:
        """A turn that was closed and has no reply when another begins gets none."""
        heard, self._closed = self._closed, None
        if heard is not None:
            self._tell_heard(heard)

    # -- the agent --

    def _reply_started(self, event: ev.ReplyStarted) -> None:
        heard = None if event.preemptive else self._take_closed(event)
        self._spoken[event.utterance] = Spoken(event.utterance, event.at, heard, event.preemptive)

    def _reply_kept(self, event: ev.ReplyKept) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.heard, spoken.draft = self._take_closed(event), False

    def _take_closed(self, event: ev.ReplyStarted | ev.ReplyKept) -> Heard:
        heard, self._closed = self._closed, None
        return Heard(event.turn, event.at) if heard is None or heard.turn != event.turn else heard

    def _say_requested(self, event: ev.SayRequested) -> None:
        self._spoken[event.utterance] = Spoken(event.utterance, event.at)

    def _text_started(self, event: ev.TextStarted) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.text_started = event.at

    def _text_given(self, event: ev.TextGiven) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.text_ended = event.at

    def _answered(self, event: ev.ModelAnswered) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.answers.append(event)

    def _tool_started(self, event: ev.ToolStarted) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.tools[event.tool] = ToolCalled(event.name, event.at)

    def _tool_finished(self, event: ev.ToolFinished) -> None:
        spoken = self._spoken.get(event.utterance)
        tool = self._late.pop(event.tool, None) if spoken is None else spoken.tools.get(event.tool)
        if tool is not None:
            tool.ended, tool.outcome = event.at, event.outcome
            if spoken is None:
                self._tell_late(tool)

    def _playout_started(self, event: ev.PlayoutStarted) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.played = event.at

    def _measured(self, event: ev.TurnMeasured) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.measured = event

    def _barge_in(self, event: ev.BargeIn) -> None:
        if (spoken := self._spoken.get(event.utterance)) is not None:
            spoken.barge_in = event.reason

    def _utterance_ended(self, event: ev.UtteranceEnded) -> None:
        spoken = self._spoken.pop(event.utterance, None)
        if spoken is not None:
            spoken.ended = event
            running = [number for number, tool in spoken.tools.items() if tool.ended is None]
            for number in running[: LATE - len(self._late)]:
                self._late[number] = spoken.tools.pop(number)
            self._tell_spoken(spoken)

    def _session_ended(self, _: ev.SessionEnded) -> None:
        self._leave_closed()
        self._open = None
        self._spoken.clear()
        self._late.clear()


_LOOK: dict[type[ev.Event], Callable[[Gathering, Any], None]] = {
    ev.SpeechStarted: Gathering._speech_started,
    ev.TurnOpened: Gathering._turn_opened,
    ev.TurnClosed: Gathering._turn_closed,
    ev.TurnDropped: Gathering._turn_dropped,
    ev.TurnCommitted: Gathering._turn_committed,
    ev.ReplyStarted: Gathering._reply_started,
    ev.ReplyKept: Gathering._reply_kept,
    ev.SayRequested: Gathering._say_requested,
    ev.TextStarted: Gathering._text_started,
    ev.TextGiven: Gathering._text_given,
    ev.ModelAnswered: Gathering._answered,
    ev.ToolStarted: Gathering._tool_started,
    ev.ToolFinished: Gathering._tool_finished,
    ev.PlayoutStarted: Gathering._playout_started,
    ev.TurnMeasured: Gathering._measured,
    ev.BargeIn: Gathering._barge_in,
    ev.UtteranceEnded: Gathering._utterance_ended,
    ev.SessionEnded: Gathering._session_ended,
}
