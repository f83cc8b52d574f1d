"""A recorded call, gone through again by an engine that may decide otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import inf, isfinite
from typing import Any, cast

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.journal.explain import quoted, utterance_name
from beluga_voice.journal.reader import Decision, Journal
from beluga_voice.journal.replay import decide
from beluga_voice.turns import TurnPolicy

TOLERANCE = 0.001
"""Seconds by which times may differ and still count as the same."""

MOST_STEPS = 20
"""Decisions of a replay, for each that was recorded: beyond, timers fire in a circle."""

_MAKING = (ev.TextAwaited, ev.AudioAwaited, ev.AudioReceived, ev.SynthesisFinished, ev.UtteranceFailed)
_OF_UTTERANCES = (do.StartReply, do.PrepareSay, do.Play, do.Pause, do.Resume, do.EndUtterance)
_PLAYOUT = (ev.PlayoutStarted, ev.PlayoutStarved, ev.PlayoutContinued, ev.PlayoutFinished)


@dataclass(slots=True)
class Life:
    """The life of one utterance: when it was begun, put on the air and paused, and what was observed of it.

    Attributes:
        number: in the recording.
        asked: the words that a reply answers.
        begun: when the agent or the TTS was asked.
        played: when it was put on the air.
        audio: when its first audio came.
        over: when it ended.
        paused: seconds of its pauses that have ended.
        paused_at: since when it is paused.
        making: what was observed of its making, with the line.
        playout: what was observed of its playout, with the line and the seconds of pauses before.
        used: whether an utterance of now has its pace.
    """

    number: int
    asked: str = ""
    begun: float | None = None
    played: float | None = None
    audio: float | None = None
    over: float | None = None
    paused: float = 0.0
    paused_at: float | None = None
    making: list[tuple[int, ev.Observed]] = field(default_factory=list)
    playout: list[tuple[int, ev.Observed, float]] = field(default_factory=list)
    used: bool = False

    def command(self, command: do.Command, at: float) -> None:
        """Learn from a command that concerns it."""
        match command:
            case do.StartReply() | do.PrepareSay():
                self.begun = at
            case do.Play():
                self.played = at
            case do.EndUtterance():
                self.over = at
            case do.Pause():
                self.paused_at = at
            case do.Resume() if self.paused_at is not None:
                self.paused, self.paused_at = self.paused + at - self.paused_at, None

    @property
    def base(self) -> float | None:
        """From when on it could be heard: it is on the air, and there is audio."""
        if self.played is None or self.audio is None:
            return None
        return max(self.played, self.audio)

    @property
    def complete(self) -> bool:
        """Whether it was observed to its end: it was heard, or failed."""
        over = (ev.PlayoutFinished, ev.UtteranceFailed)
        return any(isinstance(each[1], over) for each in (*self.making, *self.playout))


class Simulation:
    """Goes through a journal's call under another policy.

    Attributes:
        log: the commands that the engine gives, with their times.
        names: for each utterance there is now, the number in the recording of the one whose pace it has.
        notes: where the recording cannot tell how things go on, in sentences.
    """

    def __init__(self, journal: Journal, policy: TurnPolicy) -> None:
        self._journal = journal
        self._state = journal.header.begin(policy)
        self._start = journal.start
        self._recorded: dict[int, Life] = {}
        self._now: dict[int, Life] = {}
        self._timers: dict[tuple[ev.TimerName, float], tuple[float, int]] = {}
        self._queue: list[tuple[float, int, int, ev.Observed]] = []
        self._count = 0
        self._asked: dict[int, int] = {}
        self._requests: dict[int, int] = {}
        self._predictions: list[tuple[float, do.PredictTurn]] = []
        self._answers: dict[int, tuple[int, ev.TurnPredicted]] = {}
        self._end = 0.0
        self.log: list[tuple[float, do.Command]] = []
        self.names: dict[int, int] = {}
        self.notes: list[str] = []
        for decision in journal.decisions:
            self._learn(decision)

    # -- what was recorded --

    def _learn(self, decision: Decision) -> None:
        event, line = decision.event, decision.line
        self._end = max(self._end, event.at)
        if isinstance(event, ev.TimerFired):
            self._timers[event.timer, event.due] = (event.at, line)
        elif isinstance(event, ev.TurnPredicted):
            self._answers.setdefault(event.request, (line, event))
        elif isinstance(event, _MAKING):
            life = self._life(event.utterance)
            if isinstance(event, ev.AudioReceived) and life.audio is None:
                life.audio = event.at
            life.making.append((line, event))
        elif isinstance(event, _PLAYOUT):
            life = self._life(event.utterance)
            life.playout.append((line, event, life.paused))
        else:
            self._put(event.at, line, event)
        for command in decision.commands:
            self._learn_command(command, event.at, line)

    def _learn_command(self, command: do.Command, at: float, line: int) -> None:
        if isinstance(command, do.Finalize):
            self._asked[command.request] = line
        elif isinstance(command, do.PredictTurn):
            self._predictions.append((at, command))
        elif isinstance(command, _OF_UTTERANCES):
            life = self._life(command.utterance)
            life.command(command, at)
            if isinstance(command, do.StartReply):
                life.asked = command.text

    def _life(self, number: int) -> Life:
        return self._recorded.setdefault(number, Life(number))

    # -- what happens now --

    def run(self) -> None:
        """Go through the call.

        Raises:
            JournalError: the engine cannot take the events.
        """
        steps = MOST_STEPS * (len(self._journal.decisions) + 10)
        while (found := self._next()) is not None:
            if steps == 0:
                self._note("timers fire without an end under this policy: the rest was left out")
                return
            steps -= 1
            self._decide(*found)
        for number in list(self._now):
            self._finish(number, self._end)

    def _next(self) -> tuple[float, int, ev.Observed] | None:
        """Take what comes first: of what is queued, a playout, and the timers."""
        queued = self._queue[0] if self._queue else None
        heard = self._next_heard()
        first = min(filter(None, ((queued and queued[:2]), (heard and heard[:2]))), default=None)
        timer = min(map(self._timer, self._state.timers.items()), key=lambda each: each[:2], default=None)
        if timer is not None and (timer[:2] < first if first is not None else timer[0] <= self._end):
            return timer
        if heard is not None and heard[:2] == first:
            return heard
        if queued is not None:
            heappop(self._queue)
            return queued[0], queued[1], queued[3]
        return None

    def _timer(self, running: tuple[ev.TimerName, float]) -> tuple[float, int, ev.Observed]:
        """When a timer fires: as late, and in the order, as it did in the recording if it is the same."""
        name, due = running
        at, line = self._timers.get((name, due), (due, cast("int", inf)))
        if not isfinite(due):
            at = inf
        return at, line, ev.TimerFired(at, name, due)

    def _next_heard(self) -> tuple[float, int, ev.Observed] | None:
        """The next thing heard of the utterance on the air."""
        life = self._now.get(self._state.on_air)
        if life is None or not life.playout or life.paused_at is not None or life.base is None:
            return None
        before = self._recorded[life.number].base
        line, event, paused = life.playout[0]
        shift = 0.0 if before is None else life.base - before
        return event.at + shift + (life.paused - paused), line, event

    def _decide(self, at: float, line: int, event: ev.Observed) -> None:
        life = self._now.get(self._state.on_air)
        if isinstance(event, _PLAYOUT) and life is not None:
            life.playout.pop(0)
        event = self._renumbered(replace(event, at=at))
        if isinstance(event, ev.AudioReceived) and (made := self._now.get(event.utterance)) is not None:
            made.audio = at if made.audio is None else made.audio
        self._state, commands = decide(self._state, event, line)
        for command in commands:
            self.log.append((at, command))
            self._carry_out(command, at, line)

    def _renumbered(self, event: Any) -> ev.Observed:
        """Give what the event names the numbers of now."""
        if isinstance(event, _PLAYOUT):
            return replace(event, utterance=self._state.on_air)
        if isinstance(event, ev.TranscriptReceived) and event.answers is not None:
            return replace(event, answers=self._requests.get(self._asked.get(event.answers, 0)))
        return cast("ev.Observed", event)

    def _carry_out(self, command: do.Command, at: float, line: int) -> None:
        match command:
            case do.Finalize(request=request):
                self._requests[line] = request
            case do.PredictTurn():
                self._predict(command, at)
            case do.StartReply(utterance=number, text=text):
                self._begin(number, self._reply_like(text, number, at), command, at)
            case do.PrepareSay(utterance=number):
                self._begin(number, self._recorded.get(number), command, at)
            case do.Play() | do.Pause() | do.Resume():
                number = command.utterance
                life = self._now.setdefault(
                    number, Life(number)
                )  # a `say` may be on the air before it is begun
                life.command(command, at)
            case do.EndUtterance(utterance=number):
                self._finish(number, at)

    def _predict(self, command: do.PredictTurn, at: float) -> None:
        for place, (asked, other) in enumerate(self._predictions):
            if (other.text, other.final) == (command.text, command.final) and other.request in self._answers:
                del self._predictions[place]
                line, answer = self._answers[other.request]
                self._put(answer.at + (at - asked), line, replace(answer, request=command.request))
                return
        about = quoted(command.text)
        self._note(f"{self._told(at)}: no answer of the turn detector about {about} was recorded")

    def _reply_like(self, text: str, number: int, at: float) -> Life | None:
        """Find the recorded reply whose pace this one has: to the same words, else of the same number, or near."""
        replies = [each for each in self._recorded.values() if each.number > 0 and each.begun is not None]
        free = [each for each in replies if not each.used]
        same = [each for each in free if each.asked == text]
        like = min(
            same or free, key=lambda each: (each.number != number, abs((each.begun or 0) - at)), default=None
        )
        if like is None:
            self._note(f"{self._told(at)}: no reply was recorded for {quoted(text)}: it is never heard")
        elif not same:
            self._note(
                f"{self._told(at)}: no reply to {quoted(text)} was recorded: it is taken to go like "
                f"{utterance_name(like.number)}, to {quoted(like.asked)}"
            )
        return like

    def _begin(self, number: int, like: Life | None, command: do.Command, at: float) -> None:
        if like is None or like.begun is None:
            return
        like.used = True
        self.names[number] = like.number
        life = self._now.setdefault(number, Life(like.number, like.asked))
        life.playout = list(like.playout)
        life.command(command, at)
        for line, event in like.making:
            again = replace(cast("Any", event), utterance=number)
            self._put(event.at + (at - like.begun), line, again)

    def _finish(self, number: int, at: float) -> None:
        """An utterance is over, or the recording is: note if it went on for longer than was recorded."""
        life = self._now.pop(number, None)
        if life is None or life.begun is None:
            return
        like = self._recorded[life.number]
        if like.begun is None or like.over is None or like.complete:
            return
        if at - life.begun > like.over - like.begun + life.paused - like.paused + TOLERANCE:
            name = utterance_name(life.number)
            self._note(f"{name} was cut in the recording: how it would have gone on after that is not known")

    def _put(self, at: float, line: int, event: ev.Observed) -> None:
        self._count += 1
        heappush(self._queue, (at, line, self._count, event))

    def _told(self, at: float) -> str:
        return f"{at - self._start:.3f} s"

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)
