"""Seeded random walks through the engine: whatever happens, in whatever order, the invariants hold.

`WALK_EVENTS` sets how many events the default run takes (6,000), `WALK_SEED` where it starts. A walk that fails
is replayed with fewer and fewer events, and told as the shortest list that still fails.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.events import EndReason, Outcome, SessionState, Source, TimerName, WhileCallerSpeaks
from beluga_voice.turns import OBSERVED, Abilities, State, TurnPolicy, can_change, step
from beluga_voice.turns.state import Life
from beluga_voice.words import Interruption

EVENTS = int(os.environ.get("WALK_EVENTS", "6000"))
SEED = int(os.environ.get("WALK_SEED", "1"))
EPISODE = 250
"""Events of one session."""

MANY = 12
"""How often one timer may fire while no time passes."""

FIELDS = tuple(State.__dataclass_fields__)
LIVING = (Life.ACTIVE, Life.DRAINING)


class Broken(AssertionError):
    """An invariant does not hold."""


class Invariants:
    """What holds after every step, whatever the events; told apart from the engine's own state where it can be."""

    def __init__(self, abilities: Abilities) -> None:
        self.hears = abilities.answers_audio
        self.live: dict[int, ev.Source] = {}
        self.protected: set[int] = set()
        self.early = 0
        self.inside: dict[int, int] = {}
        self.ended: set[int] = set()
        self.on_air = self.paused = self.ducked = 0
        self.timers: dict[TimerName, float] = {}
        self.fired: dict[TimerName, int] = {}
        self.fired_at = -1.0
        self.visible = SessionState.INITIAL
        self.hearing = self.over = self.told = False
        self.opened: set[int] = set()
        self.closed = self.turns = self.requests = self.replies = self.says = 0
        self.finals: dict[int, set[str]] = {}

    def before(self, state: State, event: ev.Observed) -> None:
        """Note what the event is about to ask for."""
        if isinstance(event, ev.TimerFired) and state.timers.get(event.timer) == event.due:
            if event.at > self.fired_at:
                self.fired, self.fired_at = {}, event.at
            self.fired[event.timer] = self.fired.get(event.timer, 0) + 1
            self.hold(self.fired[event.timer] <= MANY, f"{event.timer} fires again and again")
            del self.timers[event.timer]
        if state.life in LIVING:
            if isinstance(event, ev.TranscriptReceived) and event.final and event.text.strip():
                self.finals[event.transcript] = set()
            if isinstance(event, ev.SayRequested) and event.utterance < self.says:
                self.says = event.utterance
                self.live[event.utterance] = Source.SAY
                self.inside[event.utterance] = event.inside
                if not event.interruptible:
                    self.protected.add(event.utterance)

    def after(self, state: State, event: ev.Observed, commands: list[do.Command]) -> None:
        """Check a step."""
        for command in commands:
            self.hold(not self.over, f"{command} follows the end")
            check = _CHECKS.get(type(command))
            if check is not None:
                check(self, command, event)
            elif isinstance(command, do.Announce):
                told = _TOLD.get(type(command.event))
                if told is not None:
                    told(self, command.event)
        self.hold(self.timers == state.timers, "the timers that run are not those that the state knows")
        self.hold(self.visible is state.visible, "the state shown is not the one announced")
        self.hold(sum(s is Source.REPLY for s in self.live.values()) <= 1, "two replies live")
        self.hold(not self.early or bool(self.opened), "a reply is foreseen, and no turn is open")
        self.hold(set(self.live) == {u.number for u in state.utterances}, "an utterance got lost")
        if state.life in LIVING:
            self._bounded(state)

    def _bounded(self, state: State) -> None:
        current = state.current
        plays = current is not None and current.playing_from is not None and not state.paused
        self.hold(state.ducked == self.ducked, "it is not known what is ducked")
        level = not (self.ducked or self.paused)
        self.hold(level or state.turn is not None, "nobody speaks, and the agent is not at full level")
        self.hold(bool(state.timers) or plays, "nothing ends this state")

    def done(self) -> None:
        """Check what is left when the session has ended."""
        self.hold(self.over and self.told and self.visible is SessionState.ENDED, "it did not end")
        self.hold(not self.live, f"utterances {self.live} never end")
        self.hold(not self.timers, f"timers {self.timers} are kept")
        self.hold(not self.opened, f"turns {self.opened} stay open")
        self.hold(not self.hearing, "the STT is never told that the caller is done")
        for transcript, outcomes in self.finals.items():
            self.hold(len(outcomes) == 1, f"transcript {transcript} ends as {outcomes or 'nothing'}")

    def hold(self, what: bool, otherwise: str) -> None:
        if not what:
            raise Broken(otherwise)

    # -- commands --

    def _set_timer(self, command: do.SetTimer, _: ev.Observed) -> None:
        self.timers[command.timer] = command.due

    def _clear_timer(self, command: do.ClearTimer, _: ev.Observed) -> None:
        self.hold(command.timer in self.timers, f"{command.timer} is cleared and does not run")
        del self.timers[command.timer]

    def _start_reply(self, command: do.StartReply, _: ev.Observed) -> None:
        if command.preemptive:
            self.hold(command.turn in self.opened, f"turn {command.turn} is foreseen, {self.opened} is open")
            self.early = command.utterance
        else:
            self.hold(
                command.turn == self.closed, f"turn {command.turn} is answered, {self.closed} was closed"
            )
        self.hold(Source.REPLY not in self.live.values(), "a second reply is started")
        self.hold(command.utterance > self.replies, f"utterance {command.utterance} is given twice")
        self.hold(self.hears or bool(command.text.strip()), "nothing is answered")
        self.replies = command.utterance
        self.live[command.utterance] = Source.REPLY

    def _prepare(self, command: do.PrepareSay, _: ev.Observed) -> None:
        self.hold(self.live.get(command.utterance) is Source.SAY, f"{command} for no say")

    def _play(self, command: do.Play, _: ev.Observed) -> None:
        self.hold(command.utterance in self.live, f"{command} for what is over")
        self.hold(command.utterance != self.early, f"{command} before the close")
        yields = self.inside.get(command.utterance) == self.on_air and not self.paused
        self.hold(not self.on_air or yields, f"{command} while {self.on_air} is on the air")
        self.on_air = command.utterance

    def _pause(self, command: do.Pause, _: ev.Observed) -> None:
        self.hold(command.utterance == self.on_air, f"{command} while {self.on_air} is on the air")
        self.hold(not self.paused, f"{command} twice")
        self.hold(command.utterance not in self.protected, f"{command} of what is protected")
        self.paused = command.utterance

    def _duck(self, command: do.Duck, _: ev.Observed) -> None:
        self.hold(command.utterance == self.on_air, f"{command} while {self.on_air} is on the air")
        self.hold(not self.ducked and not self.paused, f"{command} of what is quiet already")
        self.hold(command.utterance not in self.protected, f"{command} of what is protected")
        self.ducked = command.utterance

    def _resume(self, command: do.Resume, _: ev.Observed) -> None:
        self.hold(command.utterance in (self.paused, self.ducked), f"{command} of what is not paused")
        self.paused = self.ducked = 0

    def _end(self, command: do.EndUtterance, event: ev.Observed) -> None:
        number = command.utterance
        self.hold(number in self.live, f"{command} for what is over")
        if number in self.protected and command.outcome is Outcome.CUT:
            asked = isinstance(event, (ev.CutRequested, ev.StopRequested, ev.SayRequested)) or (
                isinstance(event, ev.TimerFired) and event.timer is TimerName.SESSION
            )
            self.hold(asked, f"{command} of what is protected")
        del self.live[number]
        self.ended.add(number)
        self.early = 0 if self.early == number else self.early
        self.on_air = 0 if self.on_air == number else self.on_air
        self.paused = 0 if self.paused == number else self.paused
        self.ducked = 0 if self.ducked == number else self.ducked

    def _commit(self, command: do.CommitTurn, _: ev.Observed) -> None:
        self.hold(self.hears or bool(command.text.strip()), "nothing is committed")

    def _ask(self, command: do.Finalize | do.PredictTurn, _: ev.Observed) -> None:
        self.hold(command.request > self.requests, f"{command} has an old number")
        self.hold(bool(self.opened), f"{command} without a turn")
        self.requests = command.request

    def _hear(self, _: do.StartHearing, __: ev.Observed) -> None:
        self.hold(not self.hearing, "hearing starts twice")
        self.hearing = True

    def _stop_hearing(self, _: do.StopHearing, __: ev.Observed) -> None:
        self.hold(self.hearing, "hearing stops twice")
        self.hearing = False

    def _end_session(self, _: do.EndSession, __: ev.Observed) -> None:
        self.over = True

    # -- announcements --

    def _state(self, event: ev.StateChanged) -> None:
        self.hold(event.old is self.visible, f"{event} from {self.visible}")
        self.hold(can_change(event.old, event.new), f"{event} is no transition")
        self.visible = event.new

    def _opened(self, event: ev.TurnOpened) -> None:
        if event.turn == self.closed:  # taken up: the turn that was opened for it is one with it
            self.hold(self.opened == {self.turns}, f"{event} from {self.opened}")
            self.opened = {event.turn}
        else:
            self.hold(event.turn == self.turns + 1, f"{event} after {self.turns}")
            self.hold(not self.opened, f"{event} while {self.opened} is open")
            self.turns = event.turn
            self.opened = {event.turn}

    def _closed(self, event: ev.TurnClosed) -> None:
        self.hold(event.turn in self.opened or event.turn == self.closed, f"{event} was not open")
        self.opened.discard(event.turn)
        self.closed = event.turn
        self._committed(event)

    def _committed(self, event: ev.TurnClosed | ev.TurnCommitted) -> None:
        for transcript in event.transcripts:
            self.finals[transcript].add(f"committed in {event.turn}")

    def _kept(self, event: ev.TurnCommitted) -> None:
        earlier = self.hears and event.turn <= self.closed
        self.hold(event.turn in self.opened or event.turn == self.closed or earlier, f"{event} was not open")
        self.opened.discard(event.turn)
        self._committed(event)

    def _dropped(self, event: ev.TurnDropped) -> None:
        self.hold(event.turn in self.opened, f"{event} was not open")
        self.opened.discard(event.turn)

    def _unused(self, event: ev.BackchannelHeard | ev.TranscriptDropped) -> None:
        self.hold(not self.finals[event.transcript], f"{event} after {self.finals[event.transcript]}")
        self.finals[event.transcript].add(type(event).__name__)

    def _kept_reply(self, event: ev.ReplyKept) -> None:
        self.hold(event.utterance == self.early, f"{event}, and {self.early} was begun")
        self.hold(event.turn == self.closed, f"{event}, {self.closed} was closed")
        self.early = 0

    def _entered(self, event: ev.DtmfEntered) -> None:
        self.hold(bool(event.text), f"{event} of no keys")

    def _barge_in(self, event: ev.BargeIn) -> None:
        self.hold(event.utterance not in self.protected, f"{event} of what is protected")

    def _ended(self, _: ev.SessionEnded) -> None:
        self.hold(not self.told, "the end is told twice")
        self.told = True


_CHECKS: dict[type[do.Command], Callable[[Invariants, Any, ev.Observed], None]] = {
    do.SetTimer: Invariants._set_timer,
    do.ClearTimer: Invariants._clear_timer,
    do.StartReply: Invariants._start_reply,
    do.PrepareSay: Invariants._prepare,
    do.Play: Invariants._play,
    do.Pause: Invariants._pause,
    do.Duck: Invariants._duck,
    do.Resume: Invariants._resume,
    do.EndUtterance: Invariants._end,
    do.CommitTurn: Invariants._commit,
    do.Finalize: Invariants._ask,
    do.PredictTurn: Invariants._ask,
    do.StartHearing: Invariants._hear,
    do.StopHearing: Invariants._stop_hearing,
    do.EndSession: Invariants._end_session,
}

_TOLD: dict[type[ev.Decided], Callable[[Invariants, Any], None]] = {
    ev.StateChanged: Invariants._state,
    ev.TurnOpened: Invariants._opened,
    ev.TurnClosed: Invariants._closed,
    ev.TurnCommitted: Invariants._kept,
    ev.TurnDropped: Invariants._dropped,
    ev.BackchannelHeard: Invariants._unused,
    ev.TranscriptDropped: Invariants._unused,
    ev.ReplyKept: Invariants._kept_reply,
    ev.DtmfEntered: Invariants._entered,
    ev.BargeIn: Invariants._barge_in,
    ev.SessionEnded: Invariants._ended,
}


def checked(invariants: Invariants, state: State, event: ev.Observed) -> State:
    """Step, and check the step; `state` has to be left as it was."""
    parts = [getattr(state, name) for name in FIELDS]
    timers = dict(state.timers)
    invariants.before(state, event)
    new, commands = step(state, event)
    for name, part in zip(FIELDS, parts, strict=True):
        invariants.hold(getattr(state, name) is part, f"{name} of the state that was given has changed")
    invariants.hold(state.timers == timers, "the timers of the state that was given have changed")
    invariants.after(new, event, commands)
    return new


# -- the walk --

TEXTS = (
    ("stop", Interruption.STOP),
    ("mhm", Interruption.BACKCHANNEL),
    ("yeah", Interruption.BACKCHANNEL),
    ("what", Interruption.WORDS),
    ("what about", Interruption.WORDS),
    ("what about the other one", Interruption.WORDS),
    ("...", Interruption.NONE),
    ("", Interruption.NONE),
)
PAUSES = (0.0, 0.0, 0.0, 0.01, 0.04, 0.04, 0.1, 0.1, 0.3, 0.3, 0.3, 0.7, 1.1, 2.5)


class Walk:
    """A session that a careless caller, a forgetful agent and a sloppy shell have."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.events: list[ev.Observed] = []
        self.policy, self.abilities = self._conditions()
        self.invariants = Invariants(self.abilities)
        self.state = State(policy=self.policy, abilities=self.abilities)
        self.now = 0.0
        self.talks = False
        self.judges = self.random.random() < 0.3
        self.transcripts = 0
        self.last: ev.TranscriptReceived | None = None
        self.made: set[int] = set()

    def _conditions(self) -> tuple[TurnPolicy, Abilities]:
        pick = self.random.choice
        policy = TurnPolicy(
            endpoint_max=pick((0.35, 2.5)),
            endpointing=pick(("fixed", "adaptive")),
            barge_in_words=pick((0, 1, 3)),
            barge_in_action=pick(("pause", "duck")),
            echo_by_transcript=pick(("off", "on")),
            barge_in_needs=pick(("all", "any")),
            undecided_max=pick((0.5, 3)),
            turn_limit=pick((2, 120)),
            turn_limit_words=pick((0, 0, 0, 4)),
            pause_after=pick((0, 0.1)),
            join_window=pick((0, 0.7)),
            preemptive=pick(("off", "discard", "use_if_similar", "always_use")),
            interim_stable=pick((0, 0.15)),
            dtmf=pick(("events", "turns")),
            transcript_deadline=pick((0.2, 2.0)),
            first_text=pick((0.5, 10)),
            first_audio=pick((0.5, 10)),
            stall=pick((0.5, 5)),
            away_after=pick((1, 30)),
            session_timeout=pick((60, 1800)),
        )
        chance = self.random.random
        hears, told = chance() < 0.2, chance() < 0.2
        return policy, Abilities(
            chance() < 0.9,
            chance() < 0.5,
            chance() < 0.7,
            pick((0.0, 0.0, 1.5)),
            answers_audio=hears,
            tells_ends=told,
        )

    def run(self, count: int) -> None:
        """Take `count` events, then end the session and hear it out."""
        self.feed(ev.SessionStarted(0.0))
        while len(self.events) < count and not self.invariants.over:
            self.wait(self._pause())
            event = self.invents() if self.random.random() < 0.12 else self.continues()
            if event is not None:
                self.feed(event)
        drain = self.random.random() < 0.5
        self.feed(ev.StopRequested(self.now, drain))
        for _ in range(40):
            if self.invariants.over:
                break
            self.wait(20.0)
            if self.state.on_air:
                self.feed(ev.PlayoutFinished(self.now, self.state.on_air))
        self.invariants.done()

    def _pause(self) -> float:
        draw = self.random.random()
        if draw > 0.995:
            return self.random.choice((12.0, 40.0, 200.0, 2000.0))
        return self.random.choice(PAUSES) * self.random.choice((1.0, 1.0, draw))

    def feed(self, event: ev.Observed) -> None:
        self.events.append(event)
        self.state = checked(self.invariants, self.state, event)

    def wait(self, seconds: float) -> None:
        """Fire what is due meanwhile, as a loop does: in order; at one instant, in any order."""
        until = self.now + seconds
        while self.state.timers:
            due = min(self.state.timers.values())
            if due > until or (due == until and self.random.random() < 0.5):
                break
            names = [name for name, at in self.state.timers.items() if at == due]
            self.now = max(self.now, due)
            self.feed(ev.TimerFired(self.now, self.random.choice(names), due))
        self.now = until

    # -- what may well happen --

    def continues(self) -> ev.Observed | None:
        draw = self.random.random()
        if draw < 0.3:
            return self._speech()
        if draw < 0.55:
            return self._transcript()
        if draw < 0.9:
            return self._agent()
        if draw < 0.93:
            return ev.TurnPredicted(self.now, self.state.requests, self.random.choice((None, 0.1, 0.9)))
        if draw < 0.96:
            return self._say(self.state.says - 1)
        if draw < 0.97:
            return ev.TextReceived(self.now, self.random.choice(("hello", "hello", " ")))
        if draw < 0.973:
            keys = self.state.keys + self.random.choice("123")
            return ev.DtmfReceived(self.now, keys, self.random.random() < 0.3)
        if draw < 0.98 and self.state.utterances:
            return ev.CutRequested(self.now, self.random.choice(self.state.utterances).number)
        if draw > 0.999:
            return ev.StopRequested(self.now, self.random.random() < 0.7, EndReason.END_OF_INPUT)
        return None

    def _speech(self) -> ev.Observed:
        self.talks = not self.talks
        if self.talks:
            start = self.now - self.random.choice((0.0, 0.06, 0.1))
            return ev.SpeechStarted(self.now, start, int(start * 16_000), self.random.random() < 0.1)
        return ev.SpeechStopped(self.now, self.now - self.random.choice((0.0, 0.25)))

    def _transcript(self) -> ev.Observed:
        text, kind = self.random.choice(TEXTS)
        turn = self.state.turn or self.state.past
        start = end = answers = None
        final = self.random.random() < 0.5
        if turn is not None:
            if self.random.random() < 0.6:
                end = self.now if turn.end is None else turn.end
                start = end - self.random.choice((0.2, 1.0))
            if final and self.random.random() < 0.6:
                answers = turn.request or None
        return self._hear(text, final, kind, start, end, answers)

    def _hear(
        self,
        text: str,
        final: bool,
        kind: Interruption,
        start: float | None,
        end: float | None,
        answers: int | None,
    ) -> ev.TranscriptReceived:
        self.transcripts += 1
        asked = self.random.random() < 0.1
        heard = ev.TranscriptReceived(
            self.now, self.transcripts, text, final, kind, start, end, answers, asked, self._judged(), asked
        )
        self.last = heard
        return heard

    def _judged(self) -> bool | None:
        """Whether the STT takes the turn for complete, where it judges that."""
        return self.random.choice((None, True, False)) if self.judges else None

    def _say(self, number: int) -> ev.Observed:
        choose = self.random.choice
        return ev.SayRequested(
            self.now,
            number,
            choose((True, True, False)),
            choose((0, 0, 1)),
            choose(tuple(WhileCallerSpeaks)),
            choose((0, 0, self.state.replies)),
        )

    def _agent(self) -> ev.Observed | None:
        if not self.state.utterances:
            return None
        utterance = self.random.choice(self.state.utterances[:2])
        number, draw = utterance.number, self.random.random()
        if number == self.state.on_air and utterance.ready and not self.state.paused and draw < 0.6:
            return self._playout(number)
        if draw < 0.05:
            return ev.UtteranceFailed(self.now, number, "no")
        if draw < 0.1:
            return self._tool(number)
        if draw < 0.18:
            return ev.SynthesisFinished(self.now, number, empty=draw < 0.12)
        return (ev.AudioAwaited, ev.AudioReceived, ev.AudioReceived, ev.TextAwaited)[int(draw * 4)](
            self.now, number
        )

    def _tool(self, number: int) -> ev.Observed:
        tool = self.random.randrange(3)
        if self.random.random() < 0.5:
            return ev.ToolStarted(self.now, number, tool, "look_up", self.random.choice((0.1, 5.0)))
        return ev.ToolFinished(self.now, number, tool, "look_up", ev.ToolOutcome.DONE)

    def _playout(self, number: int) -> ev.Observed:
        current = self.state.current
        assert current is not None
        if not current.started:
            return ev.PlayoutStarted(self.now, number)
        if current.starved is not None:
            return ev.PlayoutContinued(self.now, number)
        if self.random.random() < 0.4:
            return ev.PlayoutFinished(self.now, number)
        return ev.PlayoutStarved(self.now, number)

    # -- what should not happen, and does --

    def invents(self) -> ev.Observed:
        kind = self.random.choice(INVENTED)
        number = self.random.randrange(self.state.says - 1, self.state.replies + 2)
        if kind is ev.TimerFired:
            name = self.random.choice(tuple(TimerName))
            return ev.TimerFired(self.now, name, self.now - self.random.choice((0.0, 1.0)))
        if kind is ev.SpeechStarted:
            return ev.SpeechStarted(self.now, self.now - self.random.choice((0.0, 3.0)), 0)
        if kind is ev.SpeechStopped:
            return ev.SpeechStopped(self.now, self.now - self.random.choice((0.0, 3.0)))
        if kind is ev.TranscriptReceived:
            return self._odd_transcript()
        if kind is ev.DtmfReceived:
            return ev.DtmfReceived(self.now, self.random.choice(("", "#", "12")), self.random.random() < 0.5)
        if kind is ev.TurnPredicted:
            return ev.TurnPredicted(self.now, self.random.randrange(self.state.requests + 2), 0.9)
        if kind is ev.SayRequested:
            return self._say(self.random.randrange(self.state.says, 2))
        if kind is ev.UtteranceFailed:
            return ev.UtteranceFailed(self.now, number, "no")
        if kind is ev.SessionStarted:
            return ev.SessionStarted(self.now)
        if kind in (ev.ToolStarted, ev.ToolFinished):
            return self._tool(number)
        event: ev.Observed = kind(self.now, number)
        return event

    def _odd_transcript(self) -> ev.TranscriptReceived:
        last = self.last
        if last is not None and self.random.random() < 0.5:
            return self._hear(last.text, True, last.kind, last.start, last.end, last.answers)
        text, kind = self.random.choice(TEXTS)
        start = self.random.choice((None, self.now - self.random.random() * 10))
        end = self.random.choice((None, self.now - self.random.random() * 10))
        answers = self.random.choice((None, self.random.randrange(self.state.requests + 2)))
        return self._hear(text, self.random.random() < 0.6, kind, start, end, answers)


INVENTED: tuple[Any, ...] = (
    *(kind for kind in OBSERVED if kind not in (ev.StopRequested, ev.TextReceived)),
    ev.TranscriptReceived,
    ev.TimerFired,
)


# -- what failed --


def failure(walk: Walk, events: list[ev.Observed]) -> str:
    """Replay `events` under the walk's conditions; returns what breaks, or nothing."""
    invariants, state = Invariants(walk.abilities), State(policy=walk.policy, abilities=walk.abilities)
    try:
        for event in events:
            state = checked(invariants, state, event)
        if invariants.over:
            invariants.done()
    except Exception as broken:  # noqa: BLE001 - whatever breaks
        return f"{type(broken).__name__}: {broken}"
    return ""


def shortest(walk: Walk) -> tuple[list[ev.Observed], str]:
    """Take events away as long as the rest still fails in the same way."""
    events, size = list(walk.events), len(walk.events) // 2
    what = failure(walk, events)
    while size:
        at = 0
        while at < len(events):
            fewer = events[:at] + events[at + size :]
            if failure(walk, fewer)[:20] == what[:20]:
                events = fewer
            else:
                at += size
        size //= 2
    return events, failure(walk, events)


def tell(seed: int, walk: Walk, error: Exception) -> str:
    events, what = shortest(walk)
    if not what:
        return f"seed {seed}: {error} (not when replayed)"
    listed = "\n".join(f"  {event}" for event in events)
    return f"seed {seed}: {what}\n{walk.policy}\n{walk.abilities}\n{listed}"


def walk(seed: int, count: int) -> int:
    walking = Walk(seed)
    try:
        walking.run(count)
    except Exception as error:  # noqa: BLE001 - whatever breaks
        pytest.fail(tell(seed, walking, error), pytrace=False)
    return len(walking.events)


@pytest.mark.timeout(600)
def test_the_invariants_hold_whatever_happens() -> None:
    taken, seed = 0, SEED
    while taken < EVENTS:
        taken += walk(seed, min(EPISODE, EVENTS))
        seed += 1
