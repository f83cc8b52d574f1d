"""What was decided, and why, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.journal.codec import encode_command
from beluga_voice.journal.reader import Decision, Journal
from beluga_voice.journal.replay import decide
from beluga_voice.turns import State

RULES = {
    "1": "a turn opens at speech, at words, or by text",
    "2": "pauses inside a turn do not end it, and its delay is short when it seems complete",
    "3": "a turn closes when its delay has passed and its words are settled; without words it makes no reply",
    "4": "speech that goes on before the reply was heard for long goes on with the same turn",
    "5": "a final that comes late belongs where its speech began",
    "6": "a turn that is too long is closed",
    "7": "at most one reply lives, and it starts at the close",
    "8": "every wait for agent and TTS has a deadline",
    "9": "text is spoken in sentences",
    "10": "what is to be said is queued, and every utterance ends",
    "11": "protected utterances are neither paused nor cut by speech",
    "12": "speech over the agent pauses it at once",
    "13": "stop words, enough words or the close of the turn cut the agent; backchannels and noise let it go on",
    "14": "a barge-in keeps what was heard and flushes the rest",
    "15": "speech that ended before the reply was heard is no barge-in",
    "16": "every final ends as exactly one of committed, backchannel, dropped",
    "17": "an echo of the agent is no barge-in",
    "18": "the session's state follows from who speaks",
    "19": "every state has a deadline",
    "20": "stop ends everything",
}
"""The turn-taking rules by the number that commands name, in a line each."""

COMMANDS: dict[type[do.Command], str] = {
    do.SetTimer: "the timer {timer} was set to {due}",
    do.ClearTimer: "the timer {timer} was cleared",
    do.StartHearing: "the caller's audio was sent to the STT, from sample {position}",
    do.StopHearing: "no more of the caller's audio was sent to the STT",
    do.Finalize: "the STT was asked for the final words (request {request})",
    do.PredictTurn: "the turn detector was asked about {text} (request {request})",
    do.CommitTurn: "the caller's turn {turn} was written down: {text}",
    do.StartReply: "the agent was asked to answer turn {turn} as {who}: {text}",
    do.PrepareSay: "{who} was given to the TTS",
    do.Play: "{who} was put on the air",
    do.Pause: "the agent was paused, in {who}",
    do.Duck: "the agent went on 12 dB lower, in {who}",
    do.Resume: "the agent went on, in {who}",
    do.EndUtterance: "{who} ended as {outcome}{because}",
    do.EndSession: "everything was released",
}
"""The sentence of each command but `Announce`."""

ANNOUNCEMENTS: dict[type[ev.Decided], str] = {
    ev.StateChanged: "the session went from {old} to {new}",
    ev.TurnOpened: "the caller's turn {turn} was opened",
    ev.TurnClosed: "the caller's turn {turn} was closed: {text}",
    ev.DtmfEntered: "the caller pressed {text}",
    ev.TurnDropped: "the caller's turn {turn} was dropped{because}",
    ev.BackchannelHeard: "{text} was taken for a backchannel",
    ev.TranscriptDropped: "{text} was not used{because}",
    ev.TurnCommitted: "the words of the caller's turn {turn} were kept, without a reply: {text}",
    ev.ReplyStarted: "{who} to turn {turn} was begun",
    ev.ReplyKept: "{who}, begun before the close, was kept for turn {turn}",
    ev.UtterancePaused: "the observers were told that {who} is paused",
    ev.UtteranceDucked: "the observers were told that {who} is ducked",
    ev.UtteranceResumed: "the agent went on at the same sample, in {who}{because}",
    ev.BargeIn: "the caller took the floor from {who}{because}",
    ev.UtteranceEnded: "the observers were told that {who} has ended",
    ev.SessionEnded: "the session ended{because}",
}
"""The sentence of each event that `Announce` may carry."""

DETAILS = frozenset(
    {
        do.SetTimer,
        do.ClearTimer,
        do.StartHearing,
        do.StopHearing,
        do.Finalize,
        do.CommitTurn,
        do.EndSession,
        do.Resume,
        ev.UtterancePaused,
        ev.UtteranceDucked,
        ev.ReplyStarted,
    }
)
"""What another sentence tells already, and how it was carried out."""

SEEN = {
    "speech": "{:.2f} s of speech",
    "seconds": "{:.2f} s of speech",
    "words": "{} words",
    "delay": "the delay was {:.2f} s",
    "after": "{:.2f} s had passed since the end of speech",
}
"""How the values are told that a command was decided by; others by their names."""

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Sentence:
    """One decision, told.

    Attributes:
        line: of the journal.
        at: seconds since the session's start.
        what: what was decided.
        rule: the number of the rule that decided it; may be empty.
        saw: the values it was decided by, in words.
        detail: whether another sentence tells it already, or it is only how it was carried out.
        event: the event that led to it.
        command: as in the journal.
    """

    line: int
    at: float
    what: str
    rule: str
    saw: str
    detail: bool
    event: str
    command: do.Command

    def __str__(self) -> str:
        says = RULES.get(self.rule, "of another version")
        why = f" (rule {_legible(self.rule)}: {says})" if self.rule else ""
        return f"{self.at:.3f} s: {self.what}{why}" + (f": {self.saw}." if self.saw else ".")

    def as_json(self) -> dict[str, object]:
        """Give it as JSON's types."""
        return {
            "line": self.line,
            "at": round(self.at, 6),
            "sentence": str(self),
            "rule": self.rule,
            "because": RULES.get(self.rule, ""),
            "event": self.event,
            "command": encode_command(self.command),
        }


def explain(journal: Journal) -> tuple[Sentence, ...]:
    """Tell every decision of a journal, in order."""
    start = journal.start
    return tuple(each for decision in journal.decisions for each in _tell(decision, start))


def _tell(decision: Decision, start: float) -> Iterator[Sentence]:
    resumed = next((c.saw for c in decision.commands if isinstance(c, do.Resume)), ())
    for command in decision.commands:
        saw = command.saw
        if isinstance(command, do.Announce) and isinstance(command.event, ev.UtteranceResumed):
            saw = saw or resumed
        yield Sentence(
            decision.line,
            decision.event.at - start,
            sentence(command, start),
            command.rule,
            ", ".join(_seen(name, value) for name, value in saw),
            is_detail(command),
            type(decision.event).__name__,
            command,
        )


def is_detail(command: do.Command) -> bool:
    """Whether another command tells it already, or it is only how something was carried out."""
    return (type(command.event) if isinstance(command, do.Announce) else type(command)) in DETAILS


def sentence(command: do.Command, start: float = 0.0) -> str:
    """Tell a command in a sentence, without its end; times count from `start`."""
    told: Any = command.event if isinstance(command, do.Announce) else command
    template = ANNOUNCEMENTS[type(told)] if isinstance(command, do.Announce) else COMMANDS[type(command)]
    values = {spec.name: getattr(told, spec.name) for spec in fields(cast("Any", told))}
    if "text" in values:
        values["text"] = quoted(values["text"])
    if "due" in values:
        values["due"] = f"{values['due'] - start:.3f} s"
    reason = values.get("reason")
    return template.format(
        **values,
        who=utterance_name(values.get("utterance", 0)),
        because=f": {_legible(reason)}" if reason else "",
    )


def utterance_name(number: int) -> str:
    """Name an utterance by its number: replies count up from 1, each `say` down from -1."""
    return f"reply {number}" if number > 0 else f"say {-number}"


def quoted(text: str) -> str:
    """Put a text in quotation marks, on one line, without anything that a terminal would obey."""
    escaped = _short(text).replace("\\", r"\\").replace('"', r"\"")
    return f'"{_escaped(escaped)}"'


def _legible(text: str) -> str:
    """Give a text without anything that a terminal would obey."""
    return _escaped(_short(str(text)))


def _escaped(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _seen(name: str, value: object) -> str:
    if name == "text":
        return f"the words {quoted(str(value))}"
    if name in SEEN and isinstance(value, (int, float)):
        return SEEN[name].format(value)
    return f"{_legible(name)} {_legible(str(value))}"


# -- one moment --


def situation(journal: Journal, at: float) -> str:
    """Tell in a sentence how things stood `at` seconds after the session's start.

    Raises:
        JournalError: the engine cannot take the journal's events.
    """
    state, start = journal.header.begin(), journal.start
    for decision in journal.decisions:
        if decision.event.at - start > at:
            break
        state, _ = decide(state, decision.event, decision.line)
    parts = [f"at {at:.3f} s the session was {state.visible}", *_sides(state)]
    if state.timers:
        timer, due = min(state.timers.items(), key=lambda each: each[1])
        parts.append(f"the next deadline was {timer} at {due - start:.3f} s")
    return "; ".join(parts) + "."


def _sides(state: State) -> Iterator[str]:
    turn = state.turn
    if turn is not None:
        words = f"the words {quoted(turn.text)}" if turn.text else "no words yet"
        yield f"the caller's turn {turn.number} was open with {words}"
    if state.on_air:
        yield f"{utterance_name(state.on_air)} was on the air" + (", paused" if state.paused else "")
