"""``beluga-voice check``: a table of what providers keep, a sentence for what they break."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from beluga_voice.cli import main

GOOD = """
from beluga_voice.hookspecs import hookimpl
from beluga_voice.testing import ScriptedTTS

@hookimpl
def register_tts(register):
    register("good", ScriptedTTS)
"""

BAD = """
from beluga_voice.contracts import TurnDetector
from beluga_voice.hookspecs import hookimpl

class Sure(TurnDetector):
    async def predict(self, context):
        return 1.5

@hookimpl
def register_turn_detector(register):
    register("sure", Sure)

@hookimpl
def register_transport(register):
    register("line", lambda: None)
"""

OWN = """
from beluga_voice.hookspecs import hookimpl

@hookimpl
def register_transport(register):
    register("loop", "beluga_voice.testing:LoopbackTransport")

@hookimpl
def register_checks(register):
    register("transport", "loop", "kit_own_checks:check")
"""

OWN_CHECKS = """
from beluga_voice.testing import LoopbackTransport, check_transport

async def check():
    async def call(line):
        await line.speak(0.3)
        line.hang_up()
    await check_transport(LoopbackTransport, call=call)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (
        ("kit_good", GOOD),
        ("kit_bad", BAD),
        ("kit_own", OWN),
        ("kit_own_checks", OWN_CHECKS),
    ):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def check(module: str, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["--plugin", module, "check", module, *options])
    return done.exit_code, done.output


def test_a_row_for_each_provider_tells_its_level() -> None:
    status, output = check("kit_own")
    assert status == 0
    assert "| transport loop | silver | 4 of 4 | 4 of 4 |" in output


def test_a_broken_promise_is_a_sentence_and_a_status() -> None:
    status, output = check("kit_bad")
    assert status == 1
    assert "| turn_detector sure | none |" in output
    assert (
        "broken: turn_detector sure: Sure breaks a promise of "
        "beluga_voice.contracts.turn_detector.TurnDetector.predict: returns a probability of 0 to 1; 1.5 came for"
        in output
    )
    assert "not checked: transport line: its plugin says by register_checks how it is checked" in output


def test_promises_have_a_table_of_their_own_and_a_badge() -> None:
    status, output = check("kit_good", "--promises")
    assert "tts good: beluga-voice conformance: silver (" in output
    assert "| silver | `TTSStream.synthesize` | may be left early in a text of a megabyte | yes |" in output
    assert "plugin kit_good: beluga-voice conformance: none (0 of 1 promises kept)" in output
    assert status == 1, "it imports its provider, and numpy, where its hooks are"


def test_bronze_leaves_the_faults_out() -> None:
    status, output = check("kit_own", "--level", "bronze", "--json")
    own = next(each for each in json.loads(output) if each["kind"] == "transport")
    assert (own["level"], {each["level"] for each in own["promises"]}) == ("bronze", {"bronze"})
    assert all(each["seen"] is None for each in own["promises"])
    assert status == 0


def test_a_plugin_that_is_not_there_is_told() -> None:
    done = CliRunner().invoke(main, ["check", "nobody"])
    assert done.exit_code == 2
    assert "no plugin named 'nobody' is loaded; there are: " in done.output


def test_hooks_are_traced_on_demand() -> None:
    done = CliRunner().invoke(main, ["--trace-hooks", "--plugin", "kit_own", "plugins"])
    assert "hook " in done.stderr
    assert "register_transport of kit_own" in done.stderr
