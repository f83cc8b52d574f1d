"""Reading a journal, strictly: what is unknown or damaged is an error that names its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from beluga_voice.commands import Command
from beluga_voice.errors import ConfigurationError, JournalError
from beluga_voice.events import Event, Observed
from beluga_voice.journal.codec import decode_command, decode_event, expect, loads
from beluga_voice.journal.format import COMPLETE, FULL, Header, decode_header
from beluga_voice.journal.writer import NO_PROBABILITY
from beluga_voice.turns import OBSERVED

LATEST = 1e9
"""Seconds on a session's clock: 31 years. Beyond, and before their negative, no clock is."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An observed event and what was decided by it.

    Attributes:
        line: its number in the file, from 1.
        recorded: the commands as they stand in the file, as JSON's types.
    """

    line: int
    event: Observed
    commands: tuple[Command, ...]
    recorded: list[object]


@dataclass(frozen=True, slots=True)
class Told:
    """An event that the session told of, beside the engine."""

    line: int
    event: Event


@dataclass(frozen=True, slots=True)
class Scores:
    """The VAD's scores of consecutive windows.

    Attributes:
        start: the first window's first sample.
        window: samples of each.
        rate: of the positions, in Hz.
        probabilities: to a thousandth; -0.001 for a score that was none.
    """

    line: int
    start: int
    window: int
    rate: int
    probabilities: tuple[float, ...]


Entry = Decision | Told | Scores


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal holds.

    Attributes:
        header: what decisions depend on.
        entries: in the order of writing.
        end: ``complete``, ``full``, or empty: it was cut off, as of a session that was killed or goes on.
        torn: its last line was torn off in writing, and is left out.
    """

    header: Header
    entries: tuple[Entry, ...]
    end: str
    torn: bool

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The observed events with what was decided by them."""
        return tuple(entry for entry in self.entries if isinstance(entry, Decision))

    @property
    def start(self) -> float:
        """When the session started, on its clock: the zero of a recording too."""
        return next((entry.event.at for entry in self.entries if not isinstance(entry, Scores)), 0.0)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known before it is relied upon, in sentences."""
        said = {
            COMPLETE: (),
            FULL: ("the journal reached its bound (journal_max_bytes): the session went on after its end",),
        }.get(self.end, ("the journal has no end: the session was killed, or goes on",))
        return (*said, *(("its last line was torn off in writing and is left out",) if self.torn else ()))


def read_journal(path: Path) -> Journal:
    """Read a journal.

    Raises:
        ConfigurationError: the file cannot be read.
        JournalError: it is no journal, or damaged otherwise than by its end missing; the text names the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}; name a journal that a session has written"
        ) from error
    try:
        return parse_journal(data)
    except JournalError as error:
        raise JournalError(f"{path}, {error}") from None


def parse_journal(data: bytes) -> Journal:
    """Read a journal from its bytes.

    Raises:
        JournalError: as `read_journal`.
    """
    *lines, rest = data.split(b"\n")
    if not lines:
        raise JournalError("line 1: no journal: it has no whole line; name a file that a session has written")
    header: Header | None = None
    entries: list[Entry] = []
    end = ""
    for number, line in enumerate(lines, 1):
        try:
            if end:
                raise JournalError("something follows the end")
            value = expect(loads(line), dict, "object")
            if header is None:
                header = decode_header(value)
            elif "end" in value:
                end = _decode_end(value)
            else:
                entries.append(_decode_entry(number, value))
        except JournalError as error:
            raise JournalError(f"line {number}: {error}") from None
    assert header is not None
    _check_times(entries)
    return Journal(header, tuple(entries), end, bool(rest))


def _decode_end(value: dict[str, object]) -> str:
    end = value["end"]
    if len(value) > 1 or end not in (COMPLETE, FULL):
        raise JournalError(f"an end that is none: {end!r}; allowed are {COMPLETE!r} and {FULL!r}")
    return str(end)


def _decode_entry(line: int, value: dict[str, object]) -> Entry:
    keys = value.keys()
    if keys == {"vad"}:
        return _decode_scores(line, expect(value["vad"], dict, "object"))
    if keys == {"event"}:
        return Told(line, decode_event(value["event"]))
    if keys != {"event", "commands"}:
        raise JournalError(
            f"a line with {', '.join(map(repr, sorted(keys))) or 'nothing'}; allowed are 'event', "
            "'event' with 'commands', 'vad', 'end'"
        )
    event = decode_event(value["event"])
    if not isinstance(event, OBSERVED):
        raise JournalError(f"{type(event).__name__} with commands; only an observed event leads to some")
    recorded: list[object] = expect(value["commands"], list, "list")
    return Decision(line, event, tuple(map(decode_command, recorded)), recorded)


def _decode_scores(line: int, table: dict[str, object]) -> Scores:
    if table.keys() != {"start", "window", "rate", "scores"}:
        raise JournalError("scores need 'start', 'window', 'rate' and 'scores', and nothing else")
    start, window, rate = (expect(table[name], int, "whole number") for name in ("start", "window", "rate"))
    scores = expect(table["scores"], list, "list")
    for each in scores:
        if not NO_PROBABILITY <= expect(each, int, "score") <= 1000:
            raise JournalError(f"a score of {each}; it must be from {NO_PROBABILITY} to 1000")
    if start < 0 or window < 1 or rate < 1:
        raise JournalError(
            f"scores from sample {start}, {window} samples each, at {rate} Hz: there are none such"
        )
    return Scores(line, start, window, rate, tuple(each / 1000 for each in scores))


def _check_times(entries: list[Entry]) -> None:
    for entry in _with_events(entries):
        if not isfinite(entry.event.at) or abs(entry.event.at) > LATEST:
            raise JournalError(
                f"line {entry.line}: an event at {entry.event.at!r}; that is no time of a session"
            )


def _with_events(entries: list[Entry]) -> Iterator[Decision | Told]:
    return (entry for entry in entries if not isinstance(entry, Scores))
