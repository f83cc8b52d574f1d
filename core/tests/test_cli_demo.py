"""``beluga-voice demo`` on engines that do what they are told; what it tells, keeps, and ends with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from beluga_voice.cli import main
from beluga_voice.demo.checker import check, read_evidence
from beluga_voice.demo.script import draw_call

MODULE = """
from pathlib import Path
from pydantic import BaseModel
from beluga_voice.demo.script import draw_call
from beluga_voice.hookspecs import hookimpl
from beluga_voice.testing import AmplitudeVAD, ScriptedSTT, ScriptedTTS, ScriptedTurnDetector


class EarSettings(BaseModel, extra="forbid"):
    grammar: Path | None = None


class Ear(ScriptedSTT):
    '''The first hears call 0 as it is meant, the next call 1 and so on; without the grammar, nothing.'''

    calls = []

    def __init__(self, settings):
        words = settings.grammar.read_text(encoding="utf-8") if settings.grammar else ""
        parts = [part for line in draw_call(len(self.calls)) for part in (line.parts or ("",))]
        self.calls.append(parts)
        super().__init__(parts if "public <call>" in words else ())


def knowing():
    halves = [line.parts[0] for n in (0, 1) for line in draw_call(n) if len(line.parts) > 1]
    return ScriptedTurnDetector(dict.fromkeys(halves, 0.0))


class MouthSettings(BaseModel, extra="forbid"):
    voice: str = "en-us"
    rate: int = 175


class Mouth(ScriptedTTS):
    voices = []

    def __init__(self, settings):
        self.voices.append((settings.voice, settings.rate))
        super().__init__(sample_rate=8000)  # the less there is to align


@hookimpl
def register_stt(register):
    register("pocketsphinx", Ear, settings=EarSettings)


@hookimpl
def register_tts(register):
    register("espeak", Mouth, settings=MouthSettings)
    register("plain", ScriptedTTS)


@hookimpl
def register_vad(register):
    register("silero", AmplitudeVAD)


@hookimpl
def register_turn_detector(register):
    register("heuristic", knowing)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with a plugin in the place of the engines that are installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BELUGA_VOICE_DISABLED_PLUGINS", "espeak,pocketsphinx,silero,heuristic")
    (tmp_path / "demo_engines.py").write_text(MODULE, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("demo_engines", None)


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["demo", "--fast", "--plugin", "demo_engines", *arguments])


def test_a_call_that_goes_well_is_shown_turn_by_turn_with_what_was_proven() -> None:
    result = demo()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Corner Bakery, call 0, as fast as the engines go\n")
    said = [line.text for line in draw_call(0) if line.means == "turn"]
    assert [text for text in said if f"said  {text}\n" in result.stdout] == said
    assert "What the recording, the journal and the synthesised audio prove" in result.stdout
    assert "endpointing" not in result.stdout  # time stood still while the engines worked


def test_the_caller_and_the_agent_have_voices_of_their_own_unless_the_agents_is_chosen() -> None:
    demo("--json")
    assert sys.modules["demo_engines"].Mouth.voices == [("en-us", 150), ("en-us+f3", 175)]
    demo("--json", "--set", "tts=espeak", "--set", "tts.voice=en-gb")
    assert ("en-gb", 175) in sys.modules["demo_engines"].Mouth.voices


def test_what_is_kept_proves_it_again(folder: Path) -> None:
    result = demo("--json", "--keep", "call")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert (told["ok"], told["seed"], told["kept"], told["failures"]) == (True, 0, "call", [])
    assert all(turn["said"] == turn["transcript"] for turn in told["turns"])
    assert check(read_evidence(folder / "call")).as_json() == told["verdict"]
    assert json.loads((folder / "call" / "verdict.json").read_text()) == {"seed": 0, **told["verdict"]}


def test_of_several_calls_each_is_kept_in_a_folder_of_its_own_and_told_in_a_line(folder: Path) -> None:
    result = demo("--seeds", "2", "--keep", "calls")
    assert result.exit_code == 0, result.output
    first, second, _, last = result.stdout.splitlines()
    assert "seed 0 " in first
    assert ", cut: " in first
    assert "seed 1 " in second
    assert last == "2 of 2 calls went as they must"
    assert sorted(path.name for path in (folder / "calls").iterdir()) == ["seed-0", "seed-1"]


def test_a_call_in_which_nothing_is_understood_ends_with_status_1_and_names_each_turn() -> None:
    deaf = ("--set", "stt=pocketsphinx", "--set", "tts=plain")
    result = demo("--json", *deaf)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    said = [line.text for line in draw_call(0) if line.means == "turn"]
    assert [(turn["said"], turn["transcript"]) for turn in told["turns"]] == [(text, "") for text in said]
    result = demo(*deaf, "--seeds", "2")
    assert result.exit_code == 1
    assert "nothing was cut" in result.stdout
    assert result.stdout.splitlines()[-1] == "0 of 2 calls went as they must"
