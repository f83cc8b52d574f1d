"""The latency ledger: where the silence before a reply went, in segments without gap. Pure.

At each instant after the caller's last sound exactly one thing is waited for; the ledger notes when that changes.
So segments cannot overlap or leave anything out, and their sum is the silence to the last bit of the arithmetic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from beluga_voice import events as ev

Span = tuple[float, float, str]
"""From when to when what was waited for."""

KEPT = 32
"""Stretches of the agent's sound that are remembered; those before the caller's last sound do not matter."""


class _Progress:
    """How far a reply has come, and since when."""

    __slots__ = ("awaited", "marks", "received", "text", "tools")

    def __init__(self, at: float) -> None:
        self.text = self.awaited = self.received = False
        self.tools: set[int] = set()
        self.marks: list[tuple[float, str]] = [(at, "agent")]

    def mark(self, at: float) -> None:
        """Note what is waited for from `at` on."""
        now = self._waits_for()
        if self.marks[-1][1] != now:
            self.marks.append((at, now))

    def _waits_for(self) -> str:
        if self.received:
            return "playout"
        if self.awaited:
            return "tts"
        if self.tools:
            return "tool"
        return "sentence" if self.text else "agent"

    def spans(self, since: float, until: float) -> Iterator[Span]:
        """What was waited for between two times."""
        ends = [at for at, _ in self.marks[1:]] + [until]
        for (at, name), end in zip(self.marks, ends, strict=True):
            yield max(at, since), min(end, until), name


class LatencyLedger:
    """Measures each turn of a session from its events, in their order: give them to `see`."""

    def __init__(self) -> None:
        self._replies: dict[int, _Progress] = {}
        self._closed: dict[int, ev.TurnClosed] = {}
        self._delays: dict[int, float] = {}
        self._owed: dict[int, int] = {}
        self._stopped = 0.0
        self._audible: float | None = None
        self._audible_utterance = 0
        self._sounds: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def see(self, event: ev.Event, delay: float | None = None) -> ev.TurnMeasured | None:
        """Take an event; returns a turn's measure when the first sample of the reply to it was heard.

        Args:
            event: any of the session's.
            delay: of a `TurnClosed`: the endpoint delay that it was closed by, in seconds, if by one.
        """
        look = _LOOK.get(type(event))
        if look is None:
            return None
        if delay is not None and isinstance(event, ev.TurnClosed):
            self._delays[event.turn] = delay
        measured: ev.TurnMeasured | None = look(self, event)
        return measured

    # -- the caller --

    def _speech_stopped(self, event: ev.SpeechStopped) -> None:
        self._stopped = event.at

    def _turn_closed(self, event: ev.TurnClosed) -> None:
        self._closed = {event.turn: event}
        self._delays = {event.turn: self._delays[event.turn]} if event.turn in self._delays else {}

    # -- the reply --

    def _reply_started(self, event: ev.ReplyStarted) -> None:
        self._replies[event.utterance] = _Progress(event.at)
        if not event.preemptive:
            self._owed[event.utterance] = event.turn

    def _reply_kept(self, event: ev.ReplyKept) -> None:
        self._owed[event.utterance] = event.turn

    def _made(self, event: ev.TextStarted | ev.AudioAwaited | ev.AudioReceived | ev.TextAwaited) -> None:
        progress = self._replies.get(event.utterance)
        if progress is None or progress.received:
            return
        if isinstance(event, ev.TextStarted):
            progress.text = True
        elif isinstance(event, ev.AudioReceived):
            progress.received = True
        else:
            progress.awaited = isinstance(event, ev.AudioAwaited)
        progress.mark(event.at)

    def _tool(self, event: ev.ToolStarted | ev.ToolFinished) -> None:
        progress = self._replies.get(event.utterance)
        if progress is not None:
            if isinstance(event, ev.ToolStarted):
                progress.tools.add(event.tool)
            else:
                progress.tools.discard(event.tool)
            progress.mark(event.at)

    # -- what is heard --

    def _heard(
        self, event: ev.PlayoutStarted | ev.PlayoutContinued | ev.UtteranceResumed
    ) -> ev.TurnMeasured | None:
        measured = None
        if isinstance(event, ev.PlayoutStarted):
            measured = self._measure(event)
        elif event.utterance != self._audible_utterance:
            return None
        if self._audible is None:
            self._audible = event.at
        self._audible_utterance = event.utterance
        return measured

    def _silent(
        self, event: ev.PlayoutStarved | ev.PlayoutFinished | ev.UtterancePaused | ev.UtteranceEnded
    ) -> None:
        if event.utterance == self._audible_utterance and self._audible is not None:
            self._sounds.append((self._audible, event.at))
            self._audible = None
        if isinstance(event, ev.UtteranceEnded):
            self._replies.pop(event.utterance, None)
            self._owed.pop(event.utterance, None)
            if event.utterance == self._audible_utterance:
                self._audible_utterance = 0

    # -- the measure --

    def _measure(self, event: ev.PlayoutStarted) -> ev.TurnMeasured | None:
        progress = self._replies.get(event.utterance)
        closed = self._closed.get(self._owed.pop(event.utterance, 0))
        if progress is None or closed is None:
            return None
        seconds: dict[str, float] = {}
        for since, until, name in (*self._until_closed(closed), *progress.spans(closed.at, event.at)):
            if until > since:
                audible = self._audible_within(since, until)
                seconds[name] = seconds.get(name, 0.0) + until - since - audible
                seconds["speaking"] = seconds.get("speaking", 0.0) + audible
        return ev.TurnMeasured(event.at, closed.turn, event.utterance, closed.speech_end, **seconds)

    def _until_closed(self, closed: ev.TurnClosed) -> Iterator[Span]:
        end, close = closed.speech_end, closed.at
        found = self._stopped if end <= self._stopped <= close else end
        delayed = min(max(end + self._delays.get(closed.turn, 0.0), found), close)
        return iter([(end, found, "detection"), (found, delayed, "endpoint"), (delayed, close, "transcript")])

    def _audible_within(self, since: float, until: float) -> float:
        sounds = [*self._sounds] if self._audible is None else [*self._sounds, (self._audible, until)]
        return sum(max(0.0, min(end, until) - max(start, since)) for start, end in sounds)


_LOOK: dict[type[ev.Event], Callable[[LatencyLedger, Any], ev.TurnMeasured | None]] = {
    ev.SpeechStopped: LatencyLedger._speech_stopped,
    ev.TurnClosed: LatencyLedger._turn_closed,
    ev.ReplyStarted: LatencyLedger._reply_started,
    ev.ReplyKept: LatencyLedger._reply_kept,
    ev.TextStarted: LatencyLedger._made,
    ev.AudioAwaited: LatencyLedger._made,
    ev.AudioReceived: LatencyLedger._made,
    ev.TextAwaited: LatencyLedger._made,
    ev.ToolStarted: LatencyLedger._tool,
    ev.ToolFinished: LatencyLedger._tool,
    ev.PlayoutStarted: LatencyLedger._heard,
    ev.PlayoutContinued: LatencyLedger._heard,
    ev.UtteranceResumed: LatencyLedger._heard,
    ev.PlayoutStarved: LatencyLedger._silent,
    ev.PlayoutFinished: LatencyLedger._silent,
    ev.UtterancePaused: LatencyLedger._silent,
    ev.UtteranceEnded: LatencyLedger._silent,
}
