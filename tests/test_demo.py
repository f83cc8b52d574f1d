"""`beluga-voice demo` through every real part of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beluga_voice.cli import main
from beluga_voice.demo.checker import check, read_evidence


def hold(*options: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["demo", "--json", *options], catch_exceptions=False)
    result: dict[str, Any] = json.loads(done.stdout)
    assert (done.exit_code, result["ok"]) == (0, True), result["verdict"]
    return result


def went_well(result: dict[str, Any]) -> None:
    """Each turn was understood and answered, and one answer was cut."""
    assert len(result["turns"]) == 8
    for turn in result["turns"]:
        assert turn["said"] == turn["transcript"]
        assert turn["reply"]
    (cut,) = (turn for turn in result["turns"] if turn["outcome"] == "cut")
    assert cut["unheard"]
    assert result["failures"] == []
    said = " ".join(finding["text"] for finding in result["verdict"]["checks"])
    for sentence in (
        "'mhm' at",
        "the cough at",
        "the barge-in at",
        "the pause of",
        "ran side by side",
        "every turn was understood",
    ):
        assert sentence in said


@pytest.mark.parametrize("seed", [1, 2])
def test_a_call_goes_well_as_fast_as_the_engines_go(seed: int) -> None:
    result = hold("--fast", "--seed", str(seed))
    went_well(result)
    assert all(turn["latency"] is None for turn in result["turns"])


def test_what_is_kept_proves_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "call"
    result = hold("--fast", "--keep", str(folder))
    assert result["kept"] == str(folder)
    assert check(read_evidence(folder)).as_json() == result["verdict"]
    assert json.loads((folder / "verdict.json").read_text())["ok"] is True


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_call_goes_well_in_real_time() -> None:
    result = hold("--seed", "3")
    went_well(result)
    for turn in result["turns"]:
        segments = turn["latency"]
        parts = sum(value for name, value in segments.items() if name != "total")
        assert parts == pytest.approx(segments["total"], abs=0.001)
        assert 0.35 <= segments["total"] < 2.0


def test_a_call_that_went_wrong_ends_with_status_1_and_says_so() -> None:
    done = CliRunner().invoke(main, ["demo", "--fast", "--set", "turn_detector=none"], catch_exceptions=False)
    assert done.exit_code == 1
    assert "ended a turn at" in " ".join(done.stdout.split())


def test_many_calls_are_told_in_a_line_each() -> None:
    done = CliRunner().invoke(main, ["demo", "--fast", "--seeds", "2"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "seed 0" in done.stdout
    assert "2 of 2 calls went as they must" in done.stdout
