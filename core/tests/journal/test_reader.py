"""Reading journals that are whole, torn, damaged, or of another version."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.errors import ConfigurationError, JournalError
from beluga_voice.journal.codec import dumps
from beluga_voice.journal.format import Header, encode_header
from beluga_voice.journal.reader import parse_journal, read_journal
from beluga_voice.turns import Abilities, TurnPolicy

from .conftest import Recorded

HEADER = encode_header(Header(session_id="s", policy=TurnPolicy(), abilities=Abilities()))
STARTED = '{"event":{"type":"SessionStarted","at":0.0},"commands":[]}'


def journal(*lines: str, **header: object) -> bytes:
    return "".join(f"{line}\n" for line in (dumps({**HEADER, **header}), *lines)).encode()


def test_wherever_it_is_cut_off_it_opens_up_to_there(call: Recorded) -> None:
    data = call.journal.read_bytes()
    whole = parse_journal(data)
    ends = [place + 1 for place, byte in enumerate(data) if byte == 10]
    for size in (*range(ends[0], len(data), 97), *ends[1:-1]):
        read = parse_journal(data[:size])
        lines = data[:size].count(b"\n")
        assert read.entries == whole.entries[: lines - 1]
        assert read.torn == (size not in ends)
        assert read.end == ""
        assert len(read.remarks) == 1 + read.torn


@given(st.binary(max_size=40), st.integers(0, 5000))
def test_what_is_damaged_is_said_with_its_line(damage: bytes, place: int) -> None:
    data = journal(STARTED, STARTED, '{"vad":{"start":0,"window":2,"rate":3,"scores":[0]}}', '{"end":"full"}')
    place %= len(data)
    damaged = data[:place] + damage + data[place + len(damage) :]
    try:
        parse_journal(damaged)
    except JournalError as error:
        assert str(error).startswith("line ")  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "line 1: no journal: it has no whole line"),
        (b"{}", "line 1: no journal: it has no whole line"),
        (b"{}\n", "line 1: no journal: its first line has no 'journal'"),
        (b"[]\n", r"line 1: \[\] is no object"),
        (
            journal(journal=2, version="0.9.0"),
            r"of format 2, written by beluga-voice 0.9.0; .* reads format 1",
        ),
        (journal(journal=True), "of format True"),
        (journal(policy={"endpoint_min": 7}), "endpoint_min is 7; .*It was written by beluga-voice"),
        (journal(policy={"magic": 7}), "TurnPolicy has no field 'magic'. It was written by beluga-voice"),
        (journal(policy={"barge_in_needs": "both"}), "'both' is none of all, any"),
        (journal(abilities={"stt_delay": -1}), "stt_delay is -1"),
        (journal(state="away"), "starts as 'away'"),
        (journal(extra=1), "a header with unknown 'extra'"),
        (journal('{"end":"late"}'), "line 2: an end that is none: 'late'"),
        (journal('{"end":"full"}', STARTED), "line 3: something follows the end"),
        (journal("{}"), "line 2: a line with nothing"),
        (journal('{"commands":[]}'), "line 2: a line with 'commands'; allowed are"),
        (
            journal('{"event":{"type":"BargeIn","at":1,"utterance":1,"reason":""},"commands":[]}'),
            "only an observed",
        ),
        (journal(STARTED.replace("0.0", '"nan"')), "line 2: an event at nan"),
        (journal(STARTED.replace("0.0", "1e12")), "line 2: an event at 1000000000000.0"),
        (journal('{"vad":{"start":0}}'), "scores need 'start'"),
        (journal('{"vad":{"start":0,"window":0,"rate":1,"scores":[]}}'), "there are none such"),
        (journal('{"vad":{"start":0,"window":1,"rate":1,"scores":[1001]}}'), "a score of 1001"),
    ],
)
def test_what_is_no_journal_is_refused(data: bytes, error: str) -> None:
    with pytest.raises(JournalError, match=error):
        parse_journal(data)


def test_a_policy_of_an_older_version_has_the_defaults_of_what_it_lacks() -> None:
    assert parse_journal(journal(policy={"endpoint_min": 0.5})).header.policy == TurnPolicy(endpoint_min=0.5)


def test_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    with pytest.raises(ConfigurationError, match=r"cannot read .*call.jsonl: No such file"):
        read_journal(path)
    path.write_bytes(b"hello\n")
    with pytest.raises(JournalError, match=r"call.jsonl, line 1: no JSON"):
        read_journal(path)
