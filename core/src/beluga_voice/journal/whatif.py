"""The same call under another policy: what would have been decided otherwise.

What the caller and the application did happens when it was recorded; timers are the engine's own and fire anew. An
utterance is made and heard at the pace that was recorded, from when it is begun and put on the air now. Where the
recording cannot tell how things would have gone on, `WhatIf.notes` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import SequenceMatcher
from typing import Any, Literal, cast

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.errors import ConfigurationError
from beluga_voice.journal.explain import is_detail, sentence
from beluga_voice.journal.reader import Journal
from beluga_voice.journal.simulation import TOLERANCE, Simulation
from beluga_voice.turns import TurnPolicy

OBSERVED_BY = ("vad_on", "vad_off", "speech_starts_after", "speech_stops_after", "pre_roll")
"""Settings by which speech was found: what they would have changed was not observed."""

ALWAYS = (
    "the caller and the application do what they did in the recording: neither reacts to what is decided otherwise",
    "the STT hears what it heard: audio that would have been sent, or not, beyond that changes no words",
)

_UNTOLD = (ev.StateChanged, ev.UtteranceEnded)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that would have gone otherwise.

    Attributes:
        kind: it would have come at another time, not at all, or instead.
        recorded_at: seconds since the session's start; None if it was not recorded.
        at: when it would have come; None if not at all.
        what: in a sentence.
    """

    kind: Literal["moved", "gone", "new"]
    recorded_at: float | None
    at: float | None
    what: str

    @property
    def moment(self) -> float:
        """When it was recorded, else when it would have come."""
        moment = self.at if self.recorded_at is None else self.recorded_at
        assert moment is not None
        return moment

    def __str__(self) -> str:
        if self.recorded_at is None:
            return f"{self.at:.3f} s: would have happened: {self.what}."
        if self.at is None:
            return f"{self.recorded_at:.3f} s: would not have happened: {self.what}."
        later = self.at - self.recorded_at
        by = f"{abs(later):.3f} s {'later' if later > 0 else 'earlier'}"
        return f"{self.recorded_at:.3f} s: would have come {by}, at {self.at:.3f} s: {self.what}."

    def as_json(self) -> dict[str, object]:
        """Give it as JSON's types."""
        return {"kind": self.kind, "recorded_at": self.recorded_at, "at": self.at, "what": self.what}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What another policy would have changed.

    Attributes:
        policy: the other policy.
        changes: in the order of time.
        notes: what is to be known before they are relied upon, in sentences.
    """

    policy: TurnPolicy
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def what_if(journal: Journal, **changes: object) -> WhatIf:
    """Decide by a journal's events under another policy.

    Args:
        journal: of the call.
        changes: settings of `TurnPolicy`, as in ``endpoint_min=0.6``.

    Raises:
        ConfigurationError: a setting is unknown, out of bounds, or one by which speech was found.
        JournalError: the engine cannot take the journal's events.
    """
    policy = changed(journal.header.policy, changes)
    simulation = Simulation(journal, policy)
    simulation.run()
    recorded = [
        _Told(decision.event.at - journal.start, command)
        for decision in journal.decisions
        for command in decision.commands
        if _matters(command)
    ]
    new = [
        _Told(at - journal.start, _renamed(command, simulation.names))
        for at, command in simulation.log
        if _matters(command)
    ]
    found = sorted(_changes(recorded, new), key=lambda each: each.moment)
    return WhatIf(policy, tuple(found), (*journal.remarks, *simulation.notes, *ALWAYS))


def changed(policy: TurnPolicy, changes: dict[str, object]) -> TurnPolicy:
    """Return the policy with other values.

    Raises:
        ConfigurationError: a setting is unknown, out of bounds, or one by which speech was found.
    """
    known = [spec.name for spec in fields(TurnPolicy) if spec.name not in OBSERVED_BY]
    for name in changes:
        if name in OBSERVED_BY:
            raise ConfigurationError(
                f"turns.{name} decides what is observed, and the journal holds only what was; "
                f"what can be set: {', '.join(known)}"
            )
        if name not in known:
            raise ConfigurationError(f"no setting named 'turns.{name}'; there are: {', '.join(known)}")
    return replace(policy, **cast("Any", changes))


@dataclass(frozen=True, slots=True)
class _Told:
    at: float
    command: do.Command

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two commands the same, whenever they come: all but numbers of turns, and times."""
        told: Any = self.command.event if isinstance(self.command, do.Announce) else self.command
        same = [getattr(told, name, None) for name in ("utterance", "text", "reason", "outcome")]
        return (type(told).__name__, *same)


def _matters(command: do.Command) -> bool:
    announced = isinstance(command, do.Announce) and isinstance(command.event, _UNTOLD)
    return (
        not announced and not is_detail(command) and not isinstance(command, (do.PrepareSay, do.PredictTurn))
    )


def _renamed(command: do.Command, names: dict[int, int]) -> do.Command:
    """Give an utterance the number that it has in the recording."""
    if isinstance(command, do.Announce):
        event: Any = command.event
        number = getattr(event, "utterance", 0)
        return replace(command, event=replace(event, utterance=names[number])) if number in names else command
    number = getattr(command, "utterance", 0)
    return replace(command, **cast("Any", {"utterance": names[number]})) if number in names else command


def _changes(recorded: list[_Told], new: list[_Told]) -> Iterable[Change]:
    matcher = SequenceMatcher(
        None, [each.key for each in recorded], [each.key for each in new], autojunk=False
    )
    for kind, first, last, new_first, new_last in matcher.get_opcodes():
        was, now = recorded[first:last], new[new_first:new_last]
        if kind == "equal":
            yield from (
                Change("moved", old.at, each.at, sentence(each.command))
                for old, each in zip(was, now, strict=True)
                if abs(old.at - each.at) > TOLERANCE
            )
        else:
            yield from (Change("gone", each.at, None, sentence(each.command)) for each in was)
            yield from (Change("new", None, each.at, sentence(each.command)) for each in now)
