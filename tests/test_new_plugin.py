"""``beluga-voice new-plugin`` writes packages whose tests pass as written, for every contract."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from beluga_voice.cli import main
from beluga_voice.cli.scaffold.kinds import KINDS
from beluga_voice.plugins import Plugins

ALL = ",".join(KINDS)


def new(name: str, kinds: str, folder: Path) -> Path:
    """Write a plugin into `folder`."""
    into = folder / name
    done = CliRunner().invoke(main, ["new-plugin", name, "--kind", kinds, "--into", str(into)])
    assert done.exit_code == 0, done.output
    return into


def run(*command: str, cwd: Path, sources: list[Path]) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    paths = os.pathsep.join(map(str, sources))
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environment | {"PYTHONPATH": paths, "MYPYPATH": paths},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_there_is_a_template_for_every_contract_that_has_a_check() -> None:
    without = {"tool_source", "routes"}
    assert set(KINDS) == set(Plugins().kinds) - without


@pytest.mark.timeout(120)
def test_a_plugin_of_each_kind_alone_passes_its_own_tests(tmp_path: Path) -> None:
    folders = [new(f"one-{kind.replace('_', '-')}", kind, tmp_path) for kind in KINDS]
    sources = [folder / "src" for folder in folders]
    tests = [str(folder / "tests") for folder in folders]
    output = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=tmp_path, sources=sources)
    assert "failed" not in output
    for kind, folder in zip(KINDS, folders, strict=True):
        package = next((folder / "src").iterdir()).name
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["entry-points"]["beluga_voice"] == {folder.name: package}
        assert (folder / "src" / package / "py.typed").exists()
        assert f"pytest\n      - run: mypy\n      - run: beluga-voice check {folder.name}" in (
            folder / ".github/workflows/test.yml"
        ).read_text(encoding="utf-8")
        assert kind in project["description"]


@pytest.mark.timeout(120)
def test_types_of_a_plugin_outside_the_repository_are_strict_without_stubs_or_ignores(tmp_path: Path) -> None:
    folder = new("acme", ALL, tmp_path)
    assert not [path for path in folder.rglob("*.py") if "type: ignore" in path.read_text(encoding="utf-8")]
    output = run("-m", "mypy", "--cache-dir", str(tmp_path / "cache"), cwd=folder, sources=[folder / "src"])
    assert "no issues found" in output


@pytest.mark.timeout(120)
def test_a_new_plugin_is_silver(tmp_path: Path) -> None:
    folder = new("acme", ALL, tmp_path)
    command = ("-m", "beluga_voice", "--plugin", "beluga_voice_acme", "check", "beluga_voice_acme")
    output = run(*command, cwd=tmp_path, sources=[folder / "src"])
    for kind in KINDS:
        if kind not in {"stt", "vad"}:  # they are given the chosen voice's speech, if there is one
            assert f"| {kind} acme | silver |" in output
    assert "not checked" not in output


def test_a_name_that_is_none_and_a_kind_that_is_none_are_refused(tmp_path: Path) -> None:
    for arguments, sentence in (
        (["Acme", "--kind", "stt"], "'Acme' is no name of a plugin; it has lower-case letters"),
        (["acme", "--kind", "ears"], "no kind of provider named 'ears'; there are: stt, tts, vad"),
    ):
        done = CliRunner().invoke(main, ["new-plugin", *arguments, "--into", str(tmp_path / "x")])
        assert done.exit_code == 2
        assert sentence in done.output


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(main, ["new-plugin", "acme", "--kind", "stt", "--into", str(tmp_path)])
    assert done.exit_code == 2
    assert "is there and not empty" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
