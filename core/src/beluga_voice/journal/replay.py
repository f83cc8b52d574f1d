"""Deciding again: the same events give the same commands, byte for byte, or it is said where they do not."""

from __future__ import annotations

from dataclasses import dataclass

from beluga_voice._version import __version__
from beluga_voice.commands import Command
from beluga_voice.errors import JournalError
from beluga_voice.events import Observed
from beluga_voice.journal.codec import dumps, encode_command
from beluga_voice.journal.reader import Decision, Journal
from beluga_voice.turns import State, step


@dataclass(frozen=True, slots=True)
class Difference:
    """A command that is not what was recorded.

    Attributes:
        line: of the journal.
        at: seconds since the session's start.
        event: what was decided by.
        place: which command of that event, from 1.
        recorded: as JSON; empty if there was none.
        recomputed: likewise.
    """

    line: int
    at: float
    event: Observed
    place: int
    recorded: str
    recomputed: str

    def __str__(self) -> str:
        return (
            f"line {self.line}, {self.at:.3f} s, {type(self.event).__name__}, command {self.place}:\n"
            f"  recorded    {self.recorded or 'nothing'}\n"
            f"  recomputed  {self.recomputed or 'nothing'}"
        )


def replay(journal: Journal) -> tuple[Difference, ...]:
    """Decide by the journal's events again, and compare the commands byte for byte.

    Returns:
        Every command that differs, in order. What follows the first one may follow from it.

    Raises:
        JournalError: the engine cannot take the events.
    """
    state, start = journal.header.begin(), journal.start
    found: list[Difference] = []
    for decision in journal.decisions:
        state, commands = decide(state, decision.event, decision.line)
        found.extend(_compare(decision, commands, start))
    return tuple(found)


def decide(state: State, event: Observed, line: int) -> tuple[State, list[Command]]:
    """Decide by an event of a journal.

    Raises:
        JournalError: it cannot have happened after those before it.
    """
    try:
        return step(state, event)
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise JournalError(
            f"line {line}: {type(event).__name__} cannot have happened there: {error!r}"
        ) from error


def _compare(decision: Decision, commands: list[Command], start: float) -> list[Difference]:
    recorded = [dumps(each) for each in decision.recorded]
    recomputed = [dumps(encode_command(each)) for each in commands]
    if recorded == recomputed:
        return []
    longest = max(len(recorded), len(recomputed))
    recorded += [""] * (longest - len(recorded))
    recomputed += [""] * (longest - len(recomputed))
    at = decision.event.at - start
    return [
        Difference(decision.line, at, decision.event, place, was, now)
        for place, (was, now) in enumerate(zip(recorded, recomputed, strict=True), 1)
        if was != now
    ]


def other_version(journal: Journal) -> str:
    """Say that another version wrote the journal; empty if this one did."""
    if journal.header.version == __version__:
        return ""
    return (
        f"it was written by beluga-voice {journal.header.version}, and this is {__version__}: where they differ, "
        "the rules or what is told of them have changed since"
    )
