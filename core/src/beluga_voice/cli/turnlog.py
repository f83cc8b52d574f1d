"""What became of each turn of a session: said, heard, answered, and what that cost in time."""

from __future__ import annotations

from dataclasses import dataclass, field

from beluga_voice import events as ev

SEGMENTS = {
    "endpointing": ("detection", "endpoint", "transcript"),
    "agent": ("agent", "tool", "sentence"),
    "tts": ("tts",),
    "playout": ("playout",),
}
"""What a turn's measure is summed up to: what was waited for, and the segments that it takes."""


def latency_of(measured: ev.TurnMeasured) -> dict[str, float]:
    """Sum up where the silence before a reply went, in seconds."""
    latency = {
        name: round(sum(getattr(measured, part) for part in parts), 4) for name, parts in SEGMENTS.items()
    }
    return {**latency, "total": round(measured.silence, 4)}


@dataclass(slots=True)
class TurnRecord:
    """One turn of the caller's and the reply to it: its words that were heard, and those that were not."""

    turn: int
    transcript: str
    reply: str = ""
    outcome: str = ""
    error: str = ""
    latency: dict[str, float] | None = None
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
            "latency": self.latency,
        }
        return {name: value for name, value in record.items() if value is not None or name == "latency"}


@dataclass(slots=True)
class TurnLog:
    """Gathers the turns of a session from its events: give `see` to `VoiceSession.on_event`."""

    turns: list[TurnRecord] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _replies: dict[int, TurnRecord] = field(default_factory=dict)

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        match event:
            case ev.TurnClosed():
                # A turn that goes on after its close stands once, with all of its words.
                self.turns = [turn for turn in self.turns if turn.turn != event.turn]
                self.turns.append(TurnRecord(event.turn, event.text))
            case ev.ReplyStarted(preemptive=False) | ev.ReplyKept():
                record = next((t for t in reversed(self.turns) if t.turn == event.turn), None)
                if record is not None:
                    self._replies[event.utterance] = record
                    record.latency = None
            case ev.TurnMeasured() if event.utterance in self._replies:
                self._replies[event.utterance].latency = latency_of(event)
            case ev.UtteranceEnded():
                self._end(event)
            case ev.ProviderFailed():
                self.failures.append(f"{event.kind}: {event.error}")
            case ev.ProviderSwitched() if event.reason:
                self.failures.append(f"{event.kind}: {event.old} gave way to {event.new}: {event.reason}")

    def _end(self, event: ev.UtteranceEnded) -> None:
        record = self._replies.pop(event.utterance, None)
        if record is not None:
            record.reply, record.unheard, record.outcome = event.heard, event.unheard, str(event.outcome)
            record.error = event.reason if event.outcome is ev.Outcome.FAILED else ""
