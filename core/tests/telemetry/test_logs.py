"""Structured logs: which lines, their fields, and no word of what was said."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from beluga_voice.cli import main
from beluga_voice.telemetry import JsonFormatter, SessionLog


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines of the logger, as JSON."""
    logger, handler = logging.getLogger("beluga_voice"), _Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(level)


async def test_a_conversation_is_told_in_lines_with_session_and_turn(
    watch: Any, logged: list[dict[str, Any]]
) -> None:
    watched = watch()
    SessionLog(watched.session)
    await watched.run()
    assert [line["event"] for line in logged] == [
        "session opened",
        "turn closed",
        "model answered",
        "tool finished",
        "turn measured",
        "model answered",
        "utterance ended",
        "usage measured",
        "session ended",
    ]
    assert {line["session_id"] for line in logged} == {watched.session.session_id}
    assert [line["turn"] for line in logged][:2] == [0, 1]
    assert {line["event"] for line in logged if line["level"] == "debug"} == {
        "model answered",
        "tool finished",
    }
    (measured,) = [line for line in logged if line["event"] == "turn measured"]
    assert measured["tool"] == pytest.approx(0.3, abs=0.01)
    assert "noon" not in json.dumps(logged)
    assert "what time" not in json.dumps(logged)


async def test_what_was_said_is_logged_where_it_is_asked_for_and_marked(
    watch: Any, logged: list[dict[str, Any]]
) -> None:
    watched = watch()
    SessionLog(watched.session, content=True)
    await watched.run()
    told = [line for line in logged if "noon" in json.dumps(line) or "what time" in json.dumps(line)]
    assert {line["event"] for line in told} == {"turn closed", "utterance ended"}
    assert all(line["personal_data"] is True for line in told)


def test_an_exception_and_a_foreign_record_are_one_line_of_json() -> None:
    formatter = JsonFormatter()
    try:
        raise ValueError("no")
    except ValueError:
        import sys

        record = logging.LogRecord(
            "other", logging.ERROR, "x.py", 1, "it %s\nbroke", ("really",), sys.exc_info()
        )
    text = formatter.format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["message"]) == ("error", "it really\nbroke")
    assert "ValueError: no" in line["exception"]
    assert "session_id" not in line


def test_the_command_line_logs_json_when_it_is_asked_to() -> None:
    logger = logging.getLogger("beluga_voice")
    before = logger.handlers, logger.propagate, logger.level
    try:
        done = CliRunner().invoke(main, ["--log-format", "json", "--log-level", "warning", "plugins"])
        assert done.exit_code == 0, done.output
        (handler,) = logger.handlers
        assert isinstance(handler.formatter, JsonFormatter)
        assert (logger.level, logger.propagate) == (logging.WARNING, False)
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])
