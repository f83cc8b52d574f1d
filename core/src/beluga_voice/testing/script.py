"""Drive the turn-taking engine by hand: events in, decisions out, timers in virtual order.

script = Script()
script.speech(1.0, 2.0)
script.final("what time is it", at=2.3, answers=1)
script.until(2.4)
assert script.new() == [..., "closed 1: what time is it", ...]
"""

from __future__ import annotations

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.events import TimerName, WhileCallerSpeaks
from beluga_voice.phrases import PhraseClassifier
from beluga_voice.turns import Abilities, State, TurnPolicy, step

_CLASSIFY = PhraseClassifier().classify


class Script:
    """A session's decisions without the session: it starts at 0, and every step is kept.

    Each verb feeds one event; timers that are due before it fire first, in their order. At one instant the event
    comes before the timer.

    Attributes:
        state: the engine's state after the last step.
        now: the time of the last event.
        steps: every event, with the commands that it gave.
    """

    def __init__(self, policy: TurnPolicy | None = None, abilities: Abilities | None = None) -> None:
        self.state = State(policy=policy or TurnPolicy(), abilities=abilities or Abilities())
        self.now = 0.0
        self.steps: list[tuple[ev.Observed, list[do.Command]]] = []
        self._told = 0
        self._transcripts = 0
        self.feed(ev.SessionStarted(0.0))
        self.new()

    def feed(self, event: ev.Observed) -> list[do.Command]:
        """Fire what is due before `event`, then decide by it; returns what it gave."""
        self._fire(event.at, before=True)
        return self._step(event)

    def until(self, at: float) -> None:
        """Let time pass: fire what is due up to `at`, and at `at`."""
        self._fire(at, before=False)
        self.now = max(self.now, at)

    def new(self) -> list[str]:
        """An outline of what was decided since the last call."""
        steps, self._told = self.steps[self._told :], len(self.steps)
        return outline([command for _, commands in steps for command in commands])

    def running(self) -> dict[TimerName, float]:
        """The timers that run, and when they are due, to the microsecond."""
        return {name: round(due, 6) for name, due in self.state.timers.items()}

    def _fire(self, at: float, *, before: bool) -> None:
        while self.state.timers:
            name, due = min(self.state.timers.items(), key=lambda timer: timer[1])
            if due > at or (before and due == at):
                break
            self._step(ev.TimerFired(max(due, self.now), name, due))

    def _step(self, event: ev.Observed) -> list[do.Command]:
        self.state, commands = step(self.state, event)
        self.now = event.at
        self.steps.append((event, commands))
        return commands

    # -- the caller --

    def starts(self, start: float, *, delay: float = 0.06, after_question: bool = False) -> None:
        """The caller begins to speak at `start`; the VAD finds it `delay` later."""
        self.feed(ev.SpeechStarted(start + delay, start, round(start * 16_000), after_question))

    def stops(self, end: float, *, delay: float = 0.25) -> None:
        """The caller's sound ends at `end`; the VAD finds it `delay` later."""
        self.feed(ev.SpeechStopped(end + delay, end))

    def speech(self, start: float, end: float, *, after_question: bool = False) -> None:
        """The caller speaks from `start` to `end`."""
        self.starts(start, after_question=after_question)
        self.stops(end)

    def interim(
        self,
        text: str,
        at: float,
        *,
        start: float | None = None,
        end: float | None = None,
        end_of_turn: bool | None = None,
        echo: bool = False,
    ) -> None:
        """The STT has words that may change."""
        self._hear(text, at, False, start, end, None, False, end_of_turn, echo)

    def final(
        self,
        text: str,
        at: float,
        *,
        start: float | None = None,
        end: float | None = None,
        answers: int | None = None,
        after_question: bool = False,
        end_of_turn: bool | None = None,
        echo: bool = False,
    ) -> int:
        """The STT has words that can no longer change; returns the transcript's number."""
        return self._hear(text, at, True, start, end, answers, after_question, end_of_turn, echo)

    def _hear(
        self,
        text: str,
        at: float,
        final: bool,
        start: float | None,
        end: float | None,
        answers: int | None,
        after_question: bool,
        end_of_turn: bool | None,
        echo: bool,
    ) -> int:
        self._transcripts += 1
        kind = _CLASSIFY(text, "en")
        event = ev.TranscriptReceived(
            at, self._transcripts, text, final, kind, start, end, answers, after_question, end_of_turn, echo
        )
        self.feed(event)
        return self._transcripts

    def asks(self, text: str, start: float, end: float) -> None:
        """The caller says `text`, the STT answers the request for it, and the turn closes by its delay."""
        self.speech(start, end)
        self.final(text, end + 0.25, start=start, end=end, answers=self.state.requests)
        self.until(end + self.state.policy.endpoint_min)

    def types(self, text: str, at: float) -> None:
        """The caller writes `text`."""
        self.feed(ev.TextReceived(at, text))

    def presses(self, keys: str, at: float) -> None:
        """The caller presses keys of the telephone, all at once."""
        for key in keys:
            text = self.state.keys + key
            self.feed(ev.DtmfReceived(at, text.rstrip("#") or "#", ends=key == "#"))

    def predicts(self, probability: float | None, at: float) -> None:
        """The turn detector answers the latest question."""
        assert self.state.turn is not None, "no turn is open"
        self.feed(ev.TurnPredicted(at, self.state.turn.prediction, probability))

    # -- the agent --

    def say(
        self,
        at: float,
        *,
        interruptible: bool = True,
        priority: int = 0,
        while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT,
        inside: int = 0,
    ) -> int:
        """The application, or the tool of the reply `inside`, wants something said; returns its number."""
        number = self.state.says - 1
        self.feed(ev.SayRequested(at, number, interruptible, priority, while_caller_speaks, inside))
        return number

    def makes(self, utterance: int, at: float, *, finished: bool = True) -> None:
        """Agent and TTS give audio of an utterance, and say whether that is all."""
        self.feed(ev.AudioAwaited(at, utterance))
        self.feed(ev.AudioReceived(at, utterance))
        if finished:
            self.feed(ev.SynthesisFinished(at, utterance))
        else:
            self.feed(ev.TextAwaited(at, utterance))

    def plays(self, utterance: int, at: float, *, finished: bool = True) -> None:
        """Agent and TTS give audio of an utterance, and its first sample is heard at once."""
        self.makes(utterance, at, finished=finished)
        self.feed(ev.PlayoutStarted(at, utterance))

    def starves(self, utterance: int, at: float) -> None:
        """All audio there is was heard, and more is owed."""
        self.feed(ev.PlayoutStarved(at, utterance))

    def ends(self, utterance: int, at: float) -> None:
        """The last sample of an utterance is heard."""
        self.feed(ev.PlayoutFinished(at, utterance))

    def stop(self, at: float, *, drain: bool = False) -> None:
        """The application ends the session."""
        self.feed(ev.StopRequested(at, drain))


def outline(commands: list[do.Command]) -> list[str]:
    """Tell commands in a line each, without timers, and without what another line tells already."""
    return [line for line in map(_line, commands) if line]


def _line(command: do.Command) -> str:
    match command:
        case do.Announce(event=event):
            return _announced(event)
        case do.Play(utterance=n):
            return f"play {n}"
        case do.Pause(utterance=n):
            return f"pause {n}"
        case do.Duck(utterance=n):
            return f"duck {n}"
        case do.PrepareSay(utterance=n):
            return f"prepare {n}"
        case do.StartReply(turn=turn, utterance=n, preemptive=preemptive):
            return f"reply {n} to {turn}" + (" (preemptive)" if preemptive else "")
        case do.EndUtterance(utterance=n, outcome=outcome, reason=reason, commit=commit):
            return (
                f"end {n} {outcome}" + (f": {reason}" if reason else "") + ("" if commit else " (taken back)")
            )
        case do.Finalize(request=request):
            return f"finalize {request}"
        case do.PredictTurn(request=request, text=text):
            return f"predict {request}: {text}"
        case do.StartHearing():
            return "hear"
        case do.StopHearing():
            return "stop hearing"
        case do.EndSession(reason=reason):
            return f"end session: {reason}"
    return ""


def _announced(event: ev.Decided) -> str:
    match event:
        case ev.StateChanged(new=state):
            return f"-> {state}"
        case ev.TurnOpened(turn=turn):
            return f"opened {turn}"
        case ev.TurnClosed(turn=turn, text=text, limit=limit):
            return f"closed {turn}: {text}" + (" (limit)" if limit else "")
        case ev.DtmfEntered(text=text):
            return f"keys: {text}"
        case ev.TurnDropped(turn=turn, reason=reason):
            return f"dropped {turn}: {reason}"
        case ev.TurnCommitted(turn=turn, text=text):
            return f"committed {turn}: {text}"
        case ev.BackchannelHeard(transcript=number):
            return f"backchannel {number}"
        case ev.TranscriptDropped(transcript=number, reason=reason):
            return f"unused {number}: {reason}"
        case ev.ReplyKept(utterance=n):
            return f"keep {n}"
        case ev.BargeIn(utterance=n, reason=reason):
            return f"barge-in {n}: {reason}"
        case ev.UtteranceResumed(utterance=n, reason=reason):
            return f"resume {n}: {reason}"
    return ""
