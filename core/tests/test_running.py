"""An agent as a program: the command line, with this agent."""

from __future__ import annotations

import importlib
import io
import sys

import pytest

from beluga_voice import __version__, run
from beluga_voice.contracts import Turn


def shout(turn: Turn) -> str:
    return turn.text.upper()


def test_the_agent_answers_where_the_command_line_would_ask_for_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n"))
    with pytest.raises(SystemExit) as ended:
        run(shout, ["chat"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == "agent> HELLO\n"


def test_the_arguments_are_those_of_the_process_if_none_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["shop.py", "--version"])
    with pytest.raises(SystemExit) as ended:
        run(shout)
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"beluga-voice, version {__version__}\n"


def test_the_package_runs_as_a_module_under_the_commands_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["-m", "--version"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("beluga_voice.__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"beluga-voice, version {__version__}\n"
