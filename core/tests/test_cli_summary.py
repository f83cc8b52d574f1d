"""The summary of a call: each turn, what was proven, and where it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from beluga_voice.cli.summary import print_summary
from beluga_voice.cli.turnlog import TurnRecord
from beluga_voice.demo.checker import Finding, Verdict


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")


def printed(
    capsys: pytest.CaptureFixture[str],
    *turns: TurnRecord,
    failures: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    folder: Path | None = None,
) -> list[str]:
    print_summary(turns, failures, Verdict(findings), folder)
    return capsys.readouterr().out.splitlines()


def test_a_turn_is_numbered_and_marked_where_it_was_understood(capsys: pytest.CaptureFixture[str]) -> None:
    understood = TurnRecord(1, "what is the time", "noon", "played", said="What is the time?")
    misheard = TurnRecord(2, "good by", "bye", "played", said="Goodbye.")
    lines = printed(capsys, understood, misheard)
    assert "  1  said  What is the time?" in lines
    assert "     heard what is the time ✓" in lines
    assert "     reply noon" in lines
    assert "  2  said  Goodbye." in lines
    assert "     heard good by ✗" in lines


def test_what_is_missing_is_told_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, TurnRecord(0, ""))
    assert lines[-5:-2] == ["  1  said  (nothing)", "     heard (nothing) ✓", "     reply (nothing)"]


def test_a_cut_reply_shows_where_it_was_cut(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, TurnRecord(1, "stop", "it is", "cut", unheard="noon"))
    assert "     reply it is │ noon" in lines
    assert "           (cut: heard │ not heard)" in lines


def test_a_failed_reply_says_why_and_a_latency_its_segments(capsys: pytest.CaptureFixture[str]) -> None:
    latency = {"endpointing": 0.5, "agent": 0.2, "tts": 0.1, "playout": 0.05, "total": 0.85}
    lines = printed(capsys, TurnRecord(1, "hello", "hi", "failed", error="no voice", latency=latency))
    assert "           no voice" in lines
    (after,) = (number for number, line in enumerate(lines) if line.startswith("     after "))
    assert lines[after].startswith("     after 0.850 s = endpointing 0.500 + agent 0.200")
    told = " ".join(" ".join(lines[after:]).split())
    assert "endpointing 0.500 + agent 0.200 + tts 0.100 + playout 0.050" in told


def test_a_long_line_goes_on_under_its_words_without_a_mark(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(["word"] * 20)
    lines = printed(capsys, TurnRecord(1, words, "yes", "played", said=words))
    heard = next(number for number, line in enumerate(lines) if line.startswith("     heard word"))
    assert lines[heard + 1].startswith(" " * 11 + "word")
    assert all(len(line) < 60 for line in lines if "word" in line)
    assert "✓" not in "".join(lines)


def test_findings_failures_and_the_folder_follow(capsys: pytest.CaptureFixture[str]) -> None:
    findings = (Finding(True, "every turn was understood"), Finding(False, "the agent spoke on"))
    lines = printed(capsys, failures=("stt: gone",), findings=findings, folder=Path("calls"))
    assert lines[-5:] == [
        "  ✓ every turn was understood",
        "  ✗ the agent spoke on",
        "  ✗ failed: stt: gone",
        "",
        "Kept in calls",
    ]
