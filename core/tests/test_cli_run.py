"""``beluga-voice run``: files call, turns and costs are told, recordings go where they are to."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from beluga_voice.audio.wav import WavWriter, read_wav
from beluga_voice.cli import main
from beluga_voice.testing import sounds

RATE = 16000

MODULE = """
import asyncio
from pathlib import Path
from pydantic import BaseModel
from beluga_voice.audio.wav import WavWriter, read_wav
from beluga_voice.errors import ProviderError
from beluga_voice.hookspecs import hookimpl
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedSTT, ScriptedTTS


class FileSettings(BaseModel, extra="forbid"):
    path: Path
    record: Path | None = None


class File(LoopbackTransport):
    '''Plays a file, then ten seconds of silence, and hangs up; the line of one named cut breaks.'''

    def __init__(self, settings):
        wav = read_wav(settings.path)
        super().__init__(input_sample_rate=wav.sample_rate)
        self._settings, self._samples, self._calling = settings, wav.samples, None

    async def open(self, receiver):
        await super().open(receiver)
        self._calling = asyncio.create_task(self._call())

    async def aclose(self):
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.wait([self._calling])
            if self._settings.record is not None:
                writer = WavWriter(self._settings.record, self.output_sample_rate, 1)
                writer.write(self.heard)
                writer.close()
            self._calling = None
        await super().aclose()

    async def _call(self):
        await self.play(self._samples)
        if self._settings.path.stem == "cut":
            self.hang_up(ProviderError("the cable was cut"))
            return
        await self.silence(10)
        self.hang_up()


@hookimpl
def register_transport(register):
    register("file", File, settings=FileSettings)


@hookimpl
def register_stt(register):
    register("script", lambda: ScriptedSTT(["hello there"]))


@hookimpl
def register_tts(register):
    register("script", ScriptedTTS)


@hookimpl
def register_vad(register):
    register("amplitude", AmplitudeVAD)
"""

FORGETFUL = MODULE.replace('register("file", File, settings=FileSettings)', 'register("file", File)')

PLUGINS = {"run_line": MODULE, "run_forgetful": FORGETFUL}
PARTS = ("--set", "stt=script", "--set", "tts=script", "--set", "vad=amplitude")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with callers' voices, and plugins whose line plays them; an installed one is disabled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BELUGA_VOICE_DISABLED_PLUGINS", "file")
    for name, code in PLUGINS.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    (tmp_path / "run_agents.py").write_text(
        "def clerk(turn):\n    return f'Clerk heard {turn.text}.'\n", encoding="utf-8"
    )
    speech = np.concatenate([sounds.silence(0.5, RATE), sounds.speech_like(1.0, RATE, level=0.3)])
    for name in ("hello", "cut"):
        write(tmp_path / f"{name}.wav", speech)
    write(tmp_path / "still.wav", sounds.silence(1.0, RATE))
    yield tmp_path
    for name in (*PLUGINS, "run_agents"):
        sys.modules.pop(name, None)


def write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    writer = WavWriter(path, RATE, 1)
    writer.write(samples)
    writer.close()


def call(*arguments: str, plugin: str = "run_line") -> Result:
    return CliRunner().invoke(main, ["run", "--fast", "--plugin", plugin, *PARTS, *arguments])


def files(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code in (0, 1), result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["files"]
    return found


def test_a_file_is_heard_and_answered_by_the_agent_that_is_named() -> None:
    result = call("hello.wav", "--agent", "run_agents:clerk", "--json")
    assert result.exit_code == 0, result.output
    (told,) = files(result)
    assert (told["file"], told["recording"], told["failures"]) == ("hello.wav", None, [])
    (turn,) = told["turns"]
    assert (turn["transcript"], turn["reply"]) == ("hello there", "Clerk heard hello there.")
    parts = turn["latency"]
    total = parts.pop("total")
    assert total == pytest.approx(sum(parts.values()), abs=0.001)
    assert total > 0


def test_without_json_the_call_is_shown_and_what_its_turn_cost() -> None:
    result = call("hello.wav")
    assert result.exit_code == 0, result.output
    first, *_, last = result.stdout.splitlines()
    assert first == "hello.wav"
    assert "You said hello there." in result.stdout
    assert last.startswith("         turn 1: first audio after ")
    total, _, segments = last.partition("after ")[2].partition(" s = ")
    assert [part.split()[0] for part in segments.split(" + ")] == ["endpointing", "agent", "tts", "playout"]
    assert float(total) == pytest.approx(sum(float(s.split()[1]) for s in segments.split(" + ")), abs=0.003)


def test_a_file_without_speech_says_that_no_turn_was_heard() -> None:
    assert call("still.wav").stdout.splitlines()[-1] == "         (no turn was heard)"


def test_a_call_that_an_error_ends_gives_status_1_after_the_others() -> None:
    result = call("cut.wav", "hello.wav", "--json")
    assert result.exit_code == 1
    cut, hello = files(result)
    assert cut["ended"] == "error"
    assert hello["ended"] != "error"
    assert len(hello["turns"]) == 1


def test_one_call_is_recorded_to_the_file_that_is_named(folder: Path) -> None:
    (told,) = files(call("hello.wav", "--record", "call.wav", "--json"))
    assert told["recording"] == "call.wav"
    assert np.any(read_wav(folder / "call.wav").samples)


@pytest.mark.parametrize("names", [["hello.wav", "still.wav"], ["hello.wav"]])
def test_calls_are_recorded_into_a_folder(folder: Path, names: list[str]) -> None:
    if len(names) == 1:
        (folder / "calls").mkdir()
    told = files(call(*names, "--record", "calls", "--json"))
    assert [each["recording"] for each in told] == [str(Path("calls", name)) for name in names]
    assert sorted(path.name for path in (folder / "calls").iterdir()) == sorted(names)


def test_two_files_of_one_name_are_not_recorded_over_each_other(folder: Path) -> None:
    write(folder / "other" / "hello.wav", sounds.silence(0.1, RATE))
    result = call("hello.wav", "other/hello.wav", "--record", "calls")
    assert result.exit_code == 2
    assert "2 of the files would be recorded to 'calls/hello.wav'" in result.stderr
    assert not (folder / "calls").exists()


def test_a_file_is_no_folder_for_recordings() -> None:
    result = call("hello.wav", "still.wav", "--record", "run_agents.py")
    assert result.exit_code == 2
    assert "--record 'run_agents.py' is no folder and cannot be made one: File exists" in result.stderr


@pytest.mark.parametrize(
    ("name", "error"), [("gone.wav", "no file 'gone.wav'"), ("run_agents.py", "run_agents.py")]
)
def test_what_is_no_audio_is_told_before_the_first_call(name: str, error: str) -> None:
    result = call("hello.wav", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert error in result.stderr


@pytest.mark.parametrize("name", ["record", "journal"])
def test_no_call_is_kept_over_the_one_before(folder: Path, name: str) -> None:
    result = call("hello.wav", "still.wav", "--set", f"session.{name}=kept")
    assert result.exit_code == 2
    assert f"session.{name} is 'kept' for 2 calls" in result.stderr
    assert not (folder / "kept").exists()
    assert call("still.wav", "--set", f"session.{name}=kept").exit_code == 0
    assert (folder / "kept").is_file()


def test_a_profile_is_that_of_the_calls() -> None:
    result = call(
        "still.wav", "--json", "--profile", "night", "--set", "sessions.night.session.greeting=Hush."
    )
    assert result.exit_code == 0, result.output
    assert call("still.wav", "--profile", "noon").exit_code == 2


def test_a_line_that_takes_no_file_is_told() -> None:
    result = call("hello.wav", plugin="run_forgetful")
    assert result.exit_code == 2
    assert "the transport 'file' takes no settings; it should be that of beluga-voice-file" in result.stderr
