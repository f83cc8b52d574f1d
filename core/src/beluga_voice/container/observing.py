"""Telling plugins what happens in a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from beluga_voice import events as ev
from beluga_voice.commands import Command
from beluga_voice.facts import EndFacts, SessionFacts, TurnFacts
from beluga_voice.plugins import Plugins
from beluga_voice.session import VoiceSession


def observe(session: VoiceSession, plugins: Plugins, facts: SessionFacts) -> None:
    """Tell the plugins that want it of all runs of `session`; where none does, nothing is added to its events."""
    if plugins.observes:
        watch = _Watch(plugins, replace(facts, session_id=session.session_id))
        session.on_event(watch.event)
        session.on_decision(watch.decided)


@dataclass(slots=True)
class _OpenTurn:
    """A turn that was closed, and whose reply is not over."""

    text: str
    closed_at: float


class _Watch:
    """Makes hooks' calls of one session's events."""

    def __init__(self, plugins: Plugins, facts: SessionFacts) -> None:
        self._plugins = plugins
        self._facts = facts
        self._began = 0.0
        self._turns = 0
        self._open: dict[int, _OpenTurn] = {}
        self._replies: dict[int, int] = {}

    def decided(self, event: ev.Observed, commands: Sequence[Command]) -> None:
        """Take an observed event and what was decided by it."""
        self._tell_event(event, tuple(commands))

    def event(self, event: ev.Event) -> None:
        """Take an event; observed ones come by `decided`, with their commands."""
        match event:
            case ev.SessionStarted():
                self._begin(event)
            case ev.ReplyStarted() | ev.ReplyKept():
                self._replies[event.utterance] = event.turn
            case ev.TurnClosed():
                self._turns += 1
                self._open[event.turn] = _OpenTurn(event.text, event.at)
            case _:
                pass
        if not isinstance(event, ev.Observed):
            self._tell_event(event, ())
        if isinstance(event, ev.UtteranceEnded) and event.source is ev.Source.REPLY:
            self._complete(self._replies.get(event.utterance, 0), event.heard, event.outcome, event.at)
        if isinstance(event, ev.SessionEnded):
            self._end(event)

    def _begin(self, event: ev.SessionStarted) -> None:
        self._facts = replace(self._facts, run=self._facts.run + 1)
        self._began, self._turns = event.at, 0
        self._open.clear()
        self._replies.clear()
        self._plugins.tell("session_started", session=self._facts)

    def _tell_event(self, event: ev.Event, commands: tuple[Command, ...]) -> None:
        self._plugins.tell("session_event", session=self._facts, event=event, commands=commands)

    def _complete(self, turn: int, reply: str, outcome: str, at: float) -> None:
        closed = self._open.pop(turn, None)
        if closed is not None:
            facts = TurnFacts(turn, closed.text, reply, outcome, closed.closed_at, at)
            self._plugins.tell("turn_completed", session=self._facts, turn=facts)

    def _end(self, event: ev.SessionEnded) -> None:
        if not self._facts.run:
            return  # it never listened
        for turn in tuple(self._open):
            self._complete(turn, "", "", event.at)
        facts = EndFacts(event.reason, event.at - self._began, self._turns)
        self._plugins.tell("session_ended", session=self._facts, end=facts)
