"""What became of each turn of a session: said, heard, answered, and what that cost in time."""

from __future__ import annotations

from dataclasses import dataclass, field

from beluga_voice import events as ev


@dataclass(slots=True)
class Latency:
    """From the end of the caller's speech to the reply's first sample, in seconds.

    The segments follow each other without gap, so that they sum to `total`.

    Attributes:
        endpointing: until the turn was closed.
        agent: until the first piece of the answer was given to the TTS.
        tts: until its first audio came.
        playout: until the first sample was heard.
    """

    endpointing: float = 0.0
    agent: float = 0.0
    tts: float = 0.0
    playout: float = 0.0

    @property
    def total(self) -> float:
        """The silence that the caller heard."""
        return self.endpointing + self.agent + self.tts + self.playout

    def as_json(self) -> dict[str, float]:
        """The segments and their sum, in seconds."""
        names = ("endpointing", "agent", "tts", "playout", "total")
        return {name: round(getattr(self, name), 4) for name in names}


@dataclass(slots=True)
class TurnRecord:
    """One turn of the caller's and the reply to it: its words that were heard, and those that were not."""

    turn: int
    transcript: str
    reply: str = ""
    outcome: str = ""
    error: str = ""
    latency: Latency | None = None
    said: str | None = None
    unheard: str = ""

    def as_json(self) -> dict[str, object]:
        """The record as one object; what is not known is left out."""
        record: dict[str, object] = {
            "turn": self.turn,
            "said": self.said,
            "transcript": self.transcript,
            "reply": self.reply,
            "unheard": self.unheard or None,
            "outcome": self.outcome,
            "error": self.error or None,
            "latency": None if self.latency is None else self.latency.as_json(),
        }
        return {name: value for name, value in record.items() if value is not None or name == "latency"}


@dataclass(slots=True)
class TurnLog:
    """Gathers the turns of a session from its events: give `see` to `VoiceSession.on_event`."""

    turns: list[TurnRecord] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _replies: dict[int, TurnRecord] = field(default_factory=dict)
    _marks: dict[int, float] = field(default_factory=dict)
    _pending: Latency = field(default_factory=Latency)
    _stage: int = 0
    _speech_end: float = 0.0

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        match event:
            case ev.TurnClosed():
                # A turn that goes on after its close stands once, with all of its words.
                self.turns = [turn for turn in self.turns if turn.turn != event.turn]
                self.turns.append(TurnRecord(event.turn, event.text))
                self._speech_end = event.speech_end
            case ev.ReplyStarted(preemptive=False) | ev.ReplyKept():
                record = next((t for t in reversed(self.turns) if t.turn == event.turn), None)
                if record is not None:
                    self._replies[event.utterance] = record
                    self._begin(event.utterance, event.at)
            case ev.AudioAwaited() | ev.AudioReceived() | ev.PlayoutStarted():
                self._mark(event)
            case ev.UtteranceEnded():
                self._end(event)
            case ev.ProviderFailed():
                self.failures.append(f"{event.kind}: {event.error}")

    def _begin(self, utterance: int, closed: float) -> None:
        record = self._replies[utterance]
        record.latency = None
        self._pending = Latency(endpointing=closed - self._speech_end)
        self._marks = {utterance: closed}
        self._stage = 0

    def _mark(self, event: ev.AudioAwaited | ev.AudioReceived | ev.PlayoutStarted) -> None:
        """Set the next segment, at its first occurrence."""
        stages = ((ev.AudioAwaited, "agent"), (ev.AudioReceived, "tts"), (ev.PlayoutStarted, "playout"))
        since = self._marks.get(event.utterance)
        place = [kind for kind, _ in stages].index(type(event))
        if since is None or place < self._stage:
            return
        self._stage = place  # what came before the close took no time of the caller's
        setattr(self._pending, stages[self._stage][1], event.at - since)
        self._marks[event.utterance] = event.at
        self._stage += 1
        if self._stage == len(stages):
            self._replies[event.utterance].latency = self._pending

    def _end(self, event: ev.UtteranceEnded) -> None:
        record = self._replies.pop(event.utterance, None)
        if record is not None:
            record.reply, record.unheard, record.outcome = event.heard, event.unheard, str(event.outcome)
            record.error = event.reason if event.outcome is ev.Outcome.FAILED else ""
