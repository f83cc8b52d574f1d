"""The wheels of all distributions, as a user gets them: built once here, then installed without the repository."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = [ROOT / "core", *sorted(path for path in (ROOT / "plugins").iterdir() if path.is_dir())]
CORE = tomllib.loads((ROOT / "core/pyproject.toml").read_text(encoding="utf-8"))["project"]

pytestmark = pytest.mark.timeout(300)

REPORT = """
import importlib, json
from importlib.metadata import distributions, entry_points
names = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"].startswith("beluga-voice")}
for point in entry_points(group="beluga_voice"):
    point.load()
import beluga_voice
print(json.dumps([names, beluga_voice.__file__]))
"""


def uv(*arguments: str | Path, cwd: Path) -> str:
    """Run the environment's own uv."""
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every distribution, by its name."""
    folder = tmp_path_factory.mktemp("wheels")
    uv("build", "--all-packages", "--wheel", "--quiet", "--out-dir", folder, cwd=ROOT)
    return {path.name.partition("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


def test_every_distribution_becomes_a_wheel_of_the_same_version(wheels: dict[str, Path]) -> None:
    assert len(wheels) == len(PROJECTS)
    versions = {path.name.split("-")[1] for path in wheels.values()}
    assert len(versions) == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", versions.pop()), "a plain release version"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_wheel_has_its_package_its_types_and_its_licence_and_nothing_else(
    project: Path, wheels: dict[str, Path]
) -> None:
    name = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    package = name.replace("-", "_")
    with zipfile.ZipFile(wheels[name]) as archive:
        members = archive.namelist()
    assert f"{package}/py.typed" in members
    assert any(re.fullmatch(rf"{package}-[\d.]+\.dist-info/licenses/LICENSE", member) for member in members)
    tops = {member.partition("/")[0] for member in members}
    assert {top for top in tops if not top.endswith(".dist-info")} == {package}
    sources = {p.relative_to(project / "src").as_posix() for p in (project / "src").rglob("*.py")}
    assert sources == {member for member in members if member.endswith(".py")}


@pytest.mark.parametrize("extra", ["", "all", "local"])
def test_an_extra_installs_its_plugins_and_no_others(
    extra: str, wheels: dict[str, Path], tmp_path: Path
) -> None:
    """In a fresh environment; the wheels stand in for what the index would have."""
    expected = {"beluga-voice", *(CORE["optional-dependencies"][extra] if extra else [])}
    plugins = tmp_path / "plugins.txt"
    lines = [f"{name} @ {path.as_uri()}\n" for name, path in wheels.items() if name != "beluga-voice"]
    plugins.write_text("".join(lines), encoding="utf-8")
    environment = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    options = ["--quiet", "--python", environment, "--override", plugins, "-c", ROOT / "constraints.txt"]
    brackets = f"[{extra}]" if extra else ""
    uv(
        "pip",
        "install",
        *options,
        f"beluga-voice{brackets} @ {wheels['beluga-voice'].as_uri()}",
        cwd=tmp_path,
    )
    (python,) = [*environment.glob("bin/python"), *environment.glob("Scripts/python.exe")]
    done = subprocess.run(
        [python, "-I", "-c", REPORT], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    installed, location = json.loads(done.stdout)
    assert set(installed) == expected
    assert Path(location).is_relative_to(environment)
