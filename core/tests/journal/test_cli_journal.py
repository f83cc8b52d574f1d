"""`beluga-voice journal`, as one calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from beluga_voice.cli.main import main

from .conftest import QUESTION, Recorded, have_call


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["journal", *map(str, arguments)])


def test_replays(call: Recorded) -> None:
    result = run("replay", call.journal)
    assert result.exit_code == 0
    assert result.output.endswith("commands: all are the same, byte for byte\n")
    table = json.loads(run("replay", call.journal, "--json").output)
    assert table["same"] is True
    assert table["remarks"] == []


def test_says_where_the_commands_differ_with_status_1(call: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    text = call.journal.read_text().replace('"endpoint_min":0.35', '"endpoint_min":0.6', 1)
    path.write_text(text.replace('"version":"', '"version":"0.0.1+', 1).rpartition('{"end"')[0])
    result = run("replay", path)
    assert result.exit_code == 1
    assert "recorded    {" in result.output
    assert "differ" in result.output
    assert "note: the journal has no end: the session was killed, or goes on" in result.output
    assert "note: it was written by beluga-voice 0.0.1+" in result.output
    table = json.loads(run("replay", path, "--json").output)
    assert table["same"] is False
    assert table["differences"][0]["recorded"] != table["differences"][0]["recomputed"]


def test_explains_in_sentences(call: Recorded) -> None:
    brief = run("explain", call.journal)
    assert brief.exit_code == 0
    assert QUESTION in brief.output
    assert "the timer" not in brief.output
    assert "the timer" in run("explain", call.journal, "--all").output
    sentences = json.loads(run("explain", call.journal, "--json").output)["sentences"]
    assert [each["sentence"] for each in sentences] == brief.output.splitlines()


def test_explains_one_moment(call: Recorded) -> None:
    result = run("explain", call.journal, "--at", 4.3)
    lines = result.output.splitlines()
    assert lines[0].startswith("at 4.300 s the session was speaking")
    assert any("the agent was paused" in line for line in lines)
    assert len(lines) == 6
    quiet = run("explain", call.journal, "--at", 7.9).output.splitlines()
    assert quiet[1].startswith("5.580 s: ")
    assert json.loads(run("explain", call.journal, "--at", 4.3, "--json").output)["situation"] == lines[0]


def test_says_that_words_are_masked(tmp_path: Path) -> None:
    from beluga_voice.clock import run_virtual

    recorded = run_virtual(have_call(tmp_path, journal_content=False))
    assert "note: words are masked" in run("explain", recorded.journal).output


def test_tells_what_would_have_changed(call: Recorded) -> None:
    result = run("what-if", call.journal, "--set", "turns.endpoint_min=0.6")
    assert result.exit_code == 0
    assert "would have come 0.236 s later" in result.output
    assert "note: the caller and the application do what they did" in result.output
    table = json.loads(run("what-if", call.journal, "--set", "turns.endpoint_min=0.6", "--json").output)
    assert table["changes"][0]["kind"] == "moved"
    same = run(
        "what-if", call.journal, "--set", "turns.barge_in_words=3", "--set", "turns.barge_in_needs=all"
    )
    assert same.output.startswith("nothing would have been decided otherwise\n")


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("endpoint_min=0.6", "is no setting to try; write turns.NAME=VALUE"),
        ("turns.endpoint_min", "is no setting to try; write turns.NAME=VALUE"),
        ("turns.endpoint_min=long", "turns.endpoint_min is 'long'; it must be a number"),
        ("turns.barge_in_words=1.5", "turns.barge_in_words is '1.5'; it must be a whole number"),
        ("turns.endpoint_min=7", "endpoint_min is 7.0; it must be from 0.05 to 5"),
        ("turns.barge_in_needs=both", "barge_in_needs is 'both'; allowed are 'all' and 'any'"),
        ("turns.nothing=1", "no setting named 'turns.nothing'"),
    ],
)
def test_a_setting_that_cannot_be_tried_is_refused(call: Recorded, setting: str, error: str) -> None:
    result = run("what-if", call.journal, "--set", setting)
    assert result.exit_code == 2
    assert error in result.output


def test_writes_a_test(call: Recorded, tmp_path: Path) -> None:
    module = tmp_path / "test_it.py"
    result = run("test", call.journal, "-o", module)
    assert result.exit_code == 0
    assert module.is_file()
    assert f"run it with: pytest {module}" in result.output


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF")
    for command in ("replay", "explain", "test"):
        result = run(command, path)
        assert result.exit_code == 2
        assert "no journal: it has no whole line" in result.output
