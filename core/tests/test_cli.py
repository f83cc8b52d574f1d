"""The command line: lists, examines, shows, and fails with a sentence."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from beluga_voice import __version__
from beluga_voice.cli import main

MODULE = '''
import click
from beluga_voice.contracts import STT, TTS, VAD
from beluga_voice.errors import ProviderError
from beluga_voice.hookspecs import hookimpl
from pydantic import BaseModel, SecretStr


class Ear(STT):
    async def open_stream(self):
        raise NotImplementedError


class Mouth(TTS):
    def __init__(self, settings):
        pass

    async def open_stream(self):
        raise NotImplementedError


class Ill(Ear):
    async def check_health(self):
        raise ProviderError("the ear is ill")


class Deaf(Ear):
    async def open(self):
        raise ProviderError("the model file is gone. Try: beluga-voice fetch")


class MouthSettings(BaseModel, extra="forbid"):
    api_key: SecretStr = "geheim"
    rate: int = 1


@hookimpl
def register_stt(register):
    register("ear", Ear)
    register("deaf", Deaf)
    register("ill", Ill)
    register("sdkless", "beluga_sdk_not_there:STT")


@hookimpl
def register_tts(register):
    register("mouth", Mouth, settings=MouthSettings)


@hookimpl
def register_commands(group):
    @group.command()
    def squawk():
        """Squawk once."""
        click.echo("squawk!")
'''

REFUSED = """
import errno
from beluga_voice.hookspecs import hookimpl


@hookimpl
def register_commands(group):
    @group.command()
    def refused():
        open("gone.txt")

    @group.command()
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    @group.command()
    def unread():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with one unpackaged plugin, `cli_parrot`, and one that is broken, `cli_broken`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "cli_parrot.py").write_text(MODULE)
    (tmp_path / "cli_broken.py").write_text("1 / 0")
    (tmp_path / "cli_refused.py").write_text(REFUSED)
    (tmp_path / "cli_raising.py").write_text(
        "from beluga_voice.hookspecs import hookimpl\n"
        "@hookimpl\ndef register_commands(group):\n    group.commands.clear()\n    raise ValueError('no')\n"
    )
    yield tmp_path
    for name in ("cli_parrot", "cli_broken", "cli_raising", "cli_refused"):
        sys.modules.pop(name, None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


HEALTHY = ("--plugin", "cli_parrot", "--set", "stt=ear", "--set", "tts=mouth", "--set", "vad=none")


def test_version_and_help_tell_what_there_is() -> None:
    assert run("--version").output == f"beluga-voice, version {__version__}\n"
    result = run("--help")
    assert result.exit_code == 0
    for command in ("config", "doctor", "plugins"):
        assert f"\n  {command} " in result.output


@pytest.mark.parametrize("command", [["plugins"], ["doctor"], ["config", "show"]])
def test_every_command_has_a_help_with_examples(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"Examples:\n    beluga-voice {' '.join(command)}\n" in result.output


def test_help_loads_neither_settings_nor_container() -> None:
    import subprocess

    code = (
        "import sys; from beluga_voice.cli import main; main(['--help'], standalone_mode=False); "
        "print([m for m in ('pydantic', 'dependency_injector', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_plugins_lists_versions_hooks_and_providers() -> None:
    result = run("plugins", "--json", "--plugin", "cli_parrot")
    report = json.loads(result.stdout)
    (parrot,) = (each for each in report["plugins"] if each["name"] == "cli_parrot")
    assert parrot["hooks"] == ["register_commands", "register_stt", "register_tts"]
    assert parrot["providers"] == {"stt": ["deaf", "ear", "ill", "sdkless"], "tts": ["mouth"]}
    assert report["version"] == __version__
    text = run("plugins", "--plugin", "cli_parrot").stdout
    assert "cli_parrot (not packaged)\n" in text
    assert "  stt: deaf, ear, ill, sdkless\n" in text


def test_plugins_exits_with_1_and_names_each_that_has_a_problem() -> None:
    arguments = ("plugins", "--plugin", "cli_broken", "--plugin", "cli_raising")
    result = run(*arguments, "--json")
    problems = {each["name"]: each for each in json.loads(result.stdout)["problems"]}
    assert result.exit_code == 1
    assert problems["cli_broken"]["kind"] == "failed"
    assert problems["cli_raising"]["kind"] == "hook raised"
    text = run(*arguments).stdout
    assert "problem: plugin cli_broken (not packaged) failed to import: ZeroDivisionError" in text
    assert "BELUGA_VOICE_DISABLED_PLUGINS=cli_broken" in text


def test_doctor_finds_a_healthy_set_healthy() -> None:
    result = run("doctor", "--json", *HEALTHY)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (0, True)
    ear = {each["kind"]: each for each in report["providers"]}["stt"]
    assert (ear["found"], ear["imports"], ear["valid"], ear["opens"]) == (True, True, True, True)
    assert "stt: ear, from cli_parrot (not packaged): ok\n" in run("doctor", *HEALTHY).stdout


@pytest.mark.parametrize(
    ("override", "step", "error", "remedy"),
    [
        ("vad=absent", "found", "no VAD provider named 'absent'", None),
        ("turn_detector=heuristik", "found", "named 'heuristik' (--set turn_detector)", None),
        ("stt=sdkless", "imports", "No module named 'beluga_sdk_not_there'", "installing the package"),
        ("tts.rate=x", "valid", "tts.rate is 'x'", None),
        ("vad.x=1", "valid", "vad is turned off", "removing it"),
        ("text_filters=mark", "found", "Core's own are markup, links", None),
        ("text_filters=links:path", "valid", "says 'path'; it must be one of", None),
        ("tools=crate", "found", "no tool source provider named 'crate' (--set tools)", None),
        ("stt=deaf", "opens", "the model file is gone", "beluga-voice fetch"),
    ],
)
def test_doctor_tells_which_step_fails_and_how_to_go_on(
    override: str, step: str, error: str, remedy: str | None
) -> None:
    result = run("doctor", "--json", *HEALTHY, "--set", override)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    (finding,) = (each for each in report["providers"] if each["error"])
    assert finding[step] is False
    assert error in finding["error"]
    if remedy is not None:
        assert finding["remedy"].startswith(remedy)
        assert f"  try: {remedy}" in run("doctor", *HEALTHY, "--set", override).stdout


def test_doctor_examines_each_of_a_fallback_and_online_whether_it_is_well() -> None:
    several = (*HEALTHY, "--set", "stt=ear,ill")
    offline = run("doctor", *several)
    assert (offline.exit_code, offline.stdout.count("stt: ")) == (0, 2)
    online = run("doctor", "--online", *HEALTHY, "--set", "stt=ill")
    assert online.exit_code == 1
    assert "stt: ill: the ear is ill" in online.stdout


def test_doctor_examines_text_filters_and_sources_of_tools() -> None:
    result = run("doctor", *HEALTHY, "--set", "text_filters=markup,links:word")
    assert result.exit_code == 0
    assert "text_filter: markup, from beluga-voice " in result.stdout
    assert "text_filter: links, from beluga-voice " in result.stdout


def test_doctor_names_the_command_that_installs_what_is_missing() -> None:
    result = run("doctor", *HEALTHY, "--set", "stt=local")
    assert result.exit_code == 1
    assert '\n  try: pip install "beluga-voice[local]"\n' in "\n" + result.stdout


def test_doctor_examines_a_profile() -> None:
    result = run("doctor", *HEALTHY, "--set", "sessions.night.stt=deaf", "--profile", "night")
    assert "stt: deaf: the model file is gone" in result.stdout
    assert run("doctor", *HEALTHY, "--profile", "noon").exit_code == 2


def test_config_show_gives_values_with_sources_and_no_secret(folder: Path) -> None:
    (folder / "beluga.toml").write_text("[turns]\nstall = 3\n")
    arguments = ("config", "show", *HEALTHY, "--set", "tts.api_key=geheim")
    table = json.loads(run(*arguments, "--json").stdout)
    assert table["turns.stall"] == {"value": 3, "source": "beluga.toml line 2"}
    assert table["tts.api_key"] == {"value": "********", "source": "--set tts.api_key"}
    assert table["tts.rate"] == {"value": 1, "source": "default"}
    text = run(*arguments)
    assert "geheim" not in text.output
    assert "turns.stall = 3" in text.output


def test_options_are_taken_before_and_after_the_command(folder: Path) -> None:
    (folder / "other.toml").write_text("[session]\nlanguage = 'fr'\n[turns]\nstall = 3\n")
    result = run("--config", "other.toml", "--set", "turns.stall=4", "config", "show", "--json")
    table = json.loads(result.stdout)
    assert (table["turns.stall"]["value"], table["session.language"]["value"]) == (4, "fr")


def test_an_error_is_one_sentence_on_stderr_and_exit_status_2() -> None:
    result = run("config", "show", "--set", "turns.stall=0")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "error: turns.stall is 0.0; it must be from 0.5 to 60 (--set turns.stall)\n"
    assert type(run("--traceback", "config", "show", "--set", "x").exception).__name__ == "ConfigurationError"


def test_a_plugin_adds_a_command_and_a_failing_hook_is_reported() -> None:
    assert run("--plugin", "cli_parrot", "squawk").stdout == "squawk!\n"
    result = run("--plugin", "cli_raising", "--plugin", "cli_parrot", "--help")
    assert result.exit_code == 0
    assert "Squawk once." in result.stdout
    assert "warning: hook register_commands of plugin cli_raising" in result.stderr
    assert "  doctor " in result.stdout


@pytest.mark.parametrize("group", ["config", "journal"])
def test_a_list_of_commands_breaks_no_sentence_off(group: str) -> None:
    _, _, commands = run(group, "--help").output.partition("Commands:\n")
    assert commands.strip()
    assert "..." not in commands


def test_a_plugin_that_is_named_and_broken_is_told_of_and_the_rest_goes_on() -> None:
    result = run("config", "show", *HEALTHY, "--plugin", "cli_broken")
    assert result.exit_code == 0
    assert "warning: plugin cli_broken (not packaged) failed to import: ZeroDivisionError" in result.stderr


def test_what_the_system_refuses_is_one_sentence_or_with_traceback_where_it_was_raised() -> None:
    refused = ("--plugin", "cli_refused", "refused")
    result = run(*refused)
    assert result.exit_code == 2
    assert result.stderr == "error: gone.txt: No such file or directory. --traceback shows where\n"
    assert type(run("--traceback", *refused).exception) is FileNotFoundError
    full = run("--plugin", "cli_refused", "full")
    assert (
        full.stderr
        == "error: the output cannot be written: No space left on device. --traceback shows where\n"
    )


def test_a_pipe_that_nobody_reads_any_more_ends_a_command_quietly() -> None:
    result = run("--plugin", "cli_refused", "unread")
    assert (result.exit_code, result.stderr) == (1, "")


def test_streams_that_are_closed_are_the_null_device(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    try:
        main(["--version"], standalone_mode=False)
        assert [getattr(sys, name).name for name in ("stdin", "stdout", "stderr")] == [os.devnull] * 3
        assert sys.stdin.read() == ""
    finally:
        for name in ("stdin", "stdout", "stderr"):
            getattr(sys, name).close()


def test_an_unknown_command_is_refused() -> None:
    result = run("swim")
    assert result.exit_code == 2
    assert "No such command 'swim'" in result.stderr
