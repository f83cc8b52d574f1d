"""A second of fuzzing for each reader of what comes from outside; `tools/fuzz.py` goes on for longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

import fuzz  # noqa: E402


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_a_second_of_damaged_input_breaks_nothing(name: str) -> None:
    tried, finding = fuzz.fuzz(fuzz.TARGETS[name], seconds=1, seed=7)
    if finding is not None:
        raise finding.error
    assert tried > 20


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_what_it_begins_with_is_right(name: str) -> None:
    for data in fuzz.TARGETS[name].corpus():
        assert fuzz.broken_by(fuzz.TARGETS[name], data) is None


def crash(data: bytes, _: Path) -> None:
    if b"BB" in data:
        raise KeyError("bug")


def hang(data: bytes, _: Path) -> None:
    while data.startswith(b"A") and len(data) < 4:
        pass


@pytest.mark.parametrize(("check", "error"), [(crash, KeyError), (hang, fuzz.HangError)])
def test_a_bug_is_found(monkeypatch: pytest.MonkeyPatch, check, error: type[BaseException]) -> None:
    monkeypatch.setattr(fuzz, "LONGEST", 0.2)
    _, finding = fuzz.fuzz(fuzz.Target(lambda: [b"AAAAAA", b"ABABAB"], check, [b"B"]), seconds=20, seed=1)
    assert finding is not None
    assert isinstance(finding.error, error)
    with pytest.raises(error):
        raise fuzz.broken_by(fuzz.Target(list, check), finding.data)  # type: ignore[misc]


def test_the_command_tells_what_it_tried() -> None:
    command = [sys.executable, TOOLS / "fuzz.py", "frames", "--seconds", "0.2", "--seed", "5"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    assert result.stdout.startswith("frames: ")
    assert result.stdout.endswith(" inputs, seed 5: all right\n")
