"""Journals from anyone."""

from __future__ import annotations

from pathlib import Path

from beluga_voice.errors import ConfigurationError, JournalError
from beluga_voice.journal.codec import dumps, encode_command, encode_event, loads
from beluga_voice.journal.explain import explain, situation
from beluga_voice.journal.reader import Decision, Journal, Scores, parse_journal
from beluga_voice.journal.replay import replay
from beluga_voice.journal.whatif import what_if

from . import hold

_FIXTURE = Path(__file__).resolve().parents[2] / "core/tests/journal/fixtures/format-1.jsonl"

TOKENS = (
    b'"type":"StopRequested"', b'"type":"SpeechStarted"', b'"type":"SayRequested"', b'"at":',
    b'"due":',     b'"text":"', b'"saw":{}', b"null", b"true", b"1e308", b'"nan"', b'"-inf"', b"-1",
    b"[]", b"{}", b"\n",     b'{"end":"full"}\n', b'"utterance":-1', b"\\u0000", b"\\ud800",
    b'"interruptible":false', b'"final":false', b'"kind":"stop"', b'"kind":"backchannel"',
)  # fmt: skip


def corpus() -> list[bytes]:
    """Give a journal, whole and cut off."""
    whole = _FIXTURE.read_bytes()
    lines = whole.splitlines(keepends=True)
    return [b"".join(lines[:12]), b"".join(lines[:30]), whole, whole[:-7]]


def check(data: bytes, _: Path) -> None:
    """Read a journal, and do with it what the commands do; no field of it may get lost."""
    try:
        journal = parse_journal(data)
    except JournalError as error:
        hold(str(error).startswith("line "), "the error does not name the line")
        return
    lines = data.split(b"\n")
    for entry in journal.entries:
        if not isinstance(entry, Scores):
            _compare(entry, loads(lines[entry.line - 1]))
    _use(journal)


def _compare(entry: object, written: object) -> None:
    event = getattr(entry, "event")  # noqa: B009
    held: dict[str, object] = {"event": encode_event(event)}
    if isinstance(entry, Decision):
        held["commands"] = [encode_command(each) for each in entry.commands]
    assert _contains(held, written), f"{dumps(written)} was read as {dumps(held)}"


def _contains(held: object, written: object) -> bool:
    """Whether all that was written is held; what was left out has its default."""
    if isinstance(written, dict):
        return isinstance(held, dict) and all(
            key in held and _contains(held[key], value) for key, value in written.items()
        )
    if isinstance(written, list):
        return (
            isinstance(held, (list, tuple))
            and len(held) == len(written)
            and all(map(_contains, held, written))
        )
    return dumps(held) == dumps(written)


def _use(journal: Journal) -> None:
    try:
        replay(journal)
        what_if(journal, endpoint_min=0.3 if journal.header.policy.endpoint_max >= 0.3 else 0.05)
        situation(journal, 2.0)
    except ConfigurationError:
        pass  # another setting of the journal does not go with this one
    except JournalError as error:
        hold("cannot have happened" in str(error), "a refusal that is not documented")
    for sentence in explain(journal):
        assert str(sentence).isprintable()
