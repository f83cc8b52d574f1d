"""``beluga-voice chat``: lines in, answers out; for people with a prompt, for programs as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from beluga_voice.cli import main
from beluga_voice.cli.app import App
from beluga_voice.contracts import Turn
from beluga_voice.testing import ScriptedAgent

AGENTS = """
def clerk(turn):
    if turn.text == "break":
        raise ValueError("the till is open")
    return f"Clerk heard {turn.text}."
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "chat_agents.py").write_text(AGENTS, encoding="utf-8")
    yield
    sys.modules.pop("chat_agents", None)


def chat(lines: str, *arguments: str, app: App | None = None) -> Result:
    result = CliRunner().invoke(main, ["chat", *arguments], input=lines, obj=app)
    assert result.exit_code == 0, result.output
    return result


def messages(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("greeting", ["Hello.", "..."])  # the second makes no sound
def test_the_greeting_is_said_before_the_lines_of_a_pipe_are_taken(greeting: str) -> None:
    said = chat("one\ntwo\n", "--set", f"session.greeting={greeting}").stdout
    assert said == f"agent> {greeting}\nagent> You said one.\nagent> You said two.\n"


def test_empty_lines_are_no_turns_and_blanks_around_words_are_dropped() -> None:
    assert chat("\n  \n  one \n\n").stdout == "agent> You said one.\n"


def test_the_agent_that_is_named_answers_in_json_a_message_a_line() -> None:
    result = chat("one\ntwo\n", "--json", "--agent", "chat_agents:clerk")
    assert messages(result) == [
        {"role": "caller", "turn": 1, "text": "one"},
        {"role": "agent", "text": "Clerk heard one.", "outcome": "played"},
        {"role": "caller", "turn": 2, "text": "two"},
        {"role": "agent", "text": "Clerk heard two.", "outcome": "played"},
    ]


def test_an_answer_that_fails_is_told_with_its_reason_and_the_talk_goes_on() -> None:
    lines = "break\nagain\n"
    text = chat(lines, "--agent", "chat_agents:clerk").stdout.splitlines()
    assert "failed: " in text[0]
    assert "the till is open" in text[0]
    assert text[-1] == "agent> Clerk heard again."
    failed = messages(chat(lines, "--json", "--agent", "chat_agents:clerk"))[1]
    assert failed["outcome"] == "failed"
    assert "the till is open" in failed["reason"]


def test_an_answer_in_pieces_stands_behind_one_name() -> None:
    app = App()
    app.agent = ScriptedAgent([["One moment. ", 0.01, "It is noon."]])
    assert chat("the time\n", app=app).stdout == "agent> One moment. It is noon.\n"


class Terminal:
    """A pseudo-terminal whose keyboard the test is: each answer that is seen types the next line."""

    def __init__(self, *lines: str) -> None:
        self.master, self.slave = os.openpty()
        self._lines = list(lines)

    def type(self) -> None:
        """Write the next line, or Ctrl-D after the last."""
        os.write(self.master, self._lines.pop(0).encode() + b"\n" if self._lines else b"\x04")


def test_a_person_sees_a_prompt_and_cuts_answers_by_a_line_and_by_ctrl_d(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal("tell me", "stop")

    async def agent(turn: Turn) -> Any:
        if turn.text == "tell me":
            yield "Once upon a time. "
            terminal.type()
            await asyncio.sleep(30)
        yield "As you wish. "
        terminal.type()
        await asyncio.sleep(30)

    app = App()
    app.agent = agent
    with open(terminal.slave, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        terminal.type()
        main(["chat"], obj=app, standalone_mode=False)
    os.close(terminal.master)
    first, second, last, rest = capsys.readouterr().out.split("\n")
    assert first.startswith("you> agent> Once upon a time.")
    assert " -- cut: " in first
    assert second == "you> agent> As you wish.  -- cut: the session was stopped"
    assert (last, rest) == ("you> ", "")
