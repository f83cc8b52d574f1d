"""The wheels of all distributions, as a user gets them: built once here, then used without the repository.

On the Python that runs the tests; with WHEELS_PYTHONS="3.11 3.12 3.13" on each of those that is found. Nothing is
compiled: whatever an environment needs is a wheel.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = [
    ROOT / "core",
    *sorted(path for path in (ROOT / "plugins").iterdir() if path.is_dir()),
    *sorted(path.parent for path in ROOT.glob("contrib/*/pyproject.toml")),
]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "core/pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["optional-dependencies"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
WANTED = os.environ.get("WHEELS_PYTHONS", "").split()

pytestmark = pytest.mark.timeout(300)

each_python = pytest.mark.parametrize("python", WANTED or [HERE])
every_python = pytest.mark.skipif(not WANTED, reason="asks an index: tox -e wheels")

REPORT = """
import json
from importlib.metadata import distributions, entry_points
names = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"].startswith("beluga-voice")}
for point in entry_points(group="beluga_voice"):
    point.load()
import beluga_voice
print(json.dumps([names, beluga_voice.__file__]))
"""


def run(*command: str | Path, cwd: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of the environment that the tests run in."""
    outer = ("PYTHON", "BELUGA_VOICE", "VIRTUAL_ENV", "COVERAGE", "UV_CONSTRAINT", "PIP_CONSTRAINT")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environ,
        input=given,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def uv(*arguments: str | Path, cwd: Path) -> str:
    """Run the environment's own uv."""
    done = run(sys.executable, "-m", "uv", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def interpreter(version: str) -> Path | None:
    """A Python of this version that runs, or None. A shim on the PATH may be there and run nothing."""
    for path in candidates(version):
        try:
            done = run(path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])", cwd=Path.cwd())
        except OSError:
            continue
        if done.stdout.strip() == version:
            return path
    return None


def candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    if (found := shutil.which(f"python{version}")) is not None:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    listed = run(
        sys.executable, "-m", "uv", "python", "list", "--only-installed", "--output-format", "json", cwd=ROOT
    )
    for each in json.loads(listed.stdout or "[]"):
        yield Path(each["path"])


@dataclass(frozen=True)
class Environment:
    """A fresh environment outside the repository, with what was asked for and no more."""

    python: Path
    folder: Path

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run the installed command."""
        return run(self.python.parent / "beluga-voice", *arguments, cwd=self.folder, given=given)

    def report(self) -> tuple[dict[str, str], Path]:
        """Our distributions and their versions, and where core lies; each entry point was loaded."""
        done = run(self.python, "-I", "-c", REPORT, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        names, location = json.loads(done.stdout)
        return names, Path(location)


@dataclass(frozen=True)
class Wheels:
    """The wheel of each distribution, by its name."""

    paths: dict[str, Path]

    def requirement(self, extra: str = "") -> str:
        """Core's wheel with an extra, as pip takes it."""
        brackets = f"[{extra}]" if extra else ""
        return f"beluga-voice{brackets} @ {self.paths['beluga-voice'].as_uri()}"

    def write_overrides(self, folder: Path) -> Path:
        """Write where the plugins' wheels lie: they stand in for what an index would have."""
        target = folder / "plugins.txt"
        lines = [f"{name} @ {path.as_uri()}\n" for name, path in self.paths.items() if name != "beluga-voice"]
        target.write_text("".join(lines), encoding="utf-8")
        return target

    def install(self, extra: str, version: str, folder: Path) -> Environment:
        """Make an environment with core and an extra, from wheels alone."""
        python = interpreter(version)
        if python is None:
            pytest.skip(f"no Python {version} is found")
        uv("venv", "--quiet", "--no-python-downloads", "--python", python, "environment", cwd=folder)
        (installed,) = [
            *folder.glob("environment/bin/python"),
            *folder.glob("environment/Scripts/python.exe"),
        ]
        environment = Environment(installed, folder)
        options = ["--override", self.write_overrides(folder), "-c", ROOT / "constraints.txt"]
        uv(
            *("pip", "install", "--quiet", "--only-binary", ":all:", "--python", installed),
            *(*options, self.requirement(extra)),
            cwd=folder,
        )
        return environment


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """Every distribution, built."""
    folder = tmp_path_factory.mktemp("wheels")
    uv("build", "--all-packages", "--wheel", "--quiet", "--out-dir", folder, cwd=ROOT)
    return Wheels({path.name.partition("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")})


def test_every_distribution_becomes_a_wheel_of_the_same_version(wheels: Wheels) -> None:
    assert len(wheels.paths) == len(PROJECTS)
    versions = {path.name.split("-")[1] for path in wheels.paths.values()}
    assert len(versions) == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", versions.pop()), "a plain release version"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_wheel_has_its_package_its_types_and_its_licence_and_nothing_else(
    project: Path, wheels: Wheels
) -> None:
    name = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    package = name.replace("-", "_")
    with zipfile.ZipFile(wheels.paths[name]) as archive:
        members = archive.namelist()
    assert f"{package}/py.typed" in members
    assert any(re.fullmatch(rf"{package}-[\d.]+\.dist-info/licenses/LICENSE", member) for member in members)
    tops = {member.partition("/")[0] for member in members}
    assert {top for top in tops if not top.endswith(".dist-info")} == {package}
    sources = {p.relative_to(project / "src").as_posix() for p in (project / "src").rglob("*.py")}
    assert sources == {member for member in members if member.endswith(".py")}


@each_python
def test_core_alone_says_what_to_install_and_chats(wheels: Wheels, python: str, tmp_path: Path) -> None:
    core = wheels.install("", python, tmp_path)
    installed, location = core.report()
    assert list(installed) == ["beluga-voice"]
    assert location.is_relative_to(tmp_path)
    assert core.run("--help").returncode == 0
    assert core.run("plugins").returncode == 0
    doctor = core.run("doctor", "--json")
    assert doctor.returncode == 1
    missing = {
        each["kind"]: each["remedy"] for each in json.loads(doctor.stdout)["providers"] if each["error"]
    }
    assert missing.keys() == {"stt", "tts", "vad"}
    for remedy in missing.values():
        (extra,) = re.fullmatch(r'pip install "beluga-voice\[(\w+)\]"', remedy or "").groups()  # type: ignore[union-attr]
        assert extra in EXTRAS
    chat = core.run("chat", "--json", given="hello\n")
    said = [json.loads(line) for line in chat.stdout.splitlines()]
    assert [(each["role"], each["text"]) for each in said] == [
        ("caller", "hello"),
        ("agent", "You said hello."),
    ]
    assert chat.returncode == 0


def ours(extra: str) -> set[str]:
    """The distributions of this repository that an extra brings, with those that its plugins require."""
    projects = [
        tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))["project"] for path in PROJECTS
    ]
    requires = {project["name"]: project["dependencies"] for project in projects}
    found, due = {"beluga-voice"}, [Requirement(text).name for text in EXTRAS[extra]]
    while due:
        if (name := due.pop()) in requires and name not in found:
            found.add(name)
            due += [Requirement(text).name for text in requires[name]]
    return found


@each_python
@pytest.mark.parametrize("extra", [extra for extra in EXTRAS if extra != "local"])
def test_an_extra_installs_its_plugins_and_no_others(
    extra: str, python: str, wheels: Wheels, tmp_path: Path
) -> None:
    environment = wheels.install(extra, python, tmp_path)
    installed, location = environment.report()
    assert set(installed) == ours(extra)
    assert location.is_relative_to(tmp_path)
    plugins = environment.run("plugins")
    assert plugins.returncode == 0, plugins.stdout
    for name in installed.keys() - {"beluga-voice"}:
        assert f"{name} {installed[name]}" in plugins.stdout


@each_python
def test_the_local_extra_holds_the_demo(python: str, wheels: Wheels, tmp_path: Path) -> None:
    local = wheels.install("local", python, tmp_path)
    assert set(local.report()[0]) == {"beluga-voice", *EXTRAS["local"]}
    doctor = local.run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    demo = local.run("demo", "--fast", "--json")
    assert demo.returncode == 0, demo.stderr
    result = json.loads(demo.stdout)
    assert result["ok"] is True
    assert len(result["turns"]) >= 6


def test_the_doctor_names_an_engine_that_is_not_there(wheels: Wheels, tmp_path: Path) -> None:
    environment = wheels.install("pocketsphinx", HERE, tmp_path)
    uv("pip", "uninstall", "--quiet", "--python", environment.python, "pocketsphinx", cwd=tmp_path)
    doctor = environment.run("doctor", "--set", "tts=none", "--set", "vad=none")
    assert doctor.returncode == 1
    assert "failed to import: No module named 'pocketsphinx'" in doctor.stdout
    assert 'try: pip install "beluga-voice[pocketsphinx]"' in doctor.stdout


TALK = """
import asyncio, sys
from beluga_voice import VoiceContainer
from beluga_voice.testing import LocalServer, LoopbackTransport
from beluga_voice_parrot import checks, squawk
from beluga_voice_parrot.vendor import RATE, ParrotVendor

async def main():
    import os
    async with LocalServer(ParrotVendor("polly").serve) as vendor:
        for kind in ("STT", "TTS"):
            os.environ[f"BELUGA_VOICE_{kind}__URL"] = vendor.url
        voice, line = VoiceContainer(), LoopbackTransport(output_sample_rate=RATE)
        async with voice.lifespan():
            answer = lambda turn: f"you said {turn.text}"
            async with voice.get_sessions().open(answer, transport=line) as session:
                await line.play(checks.speech("hello").samples)
                await line.silence(4)
                print([message.text for message in session.history])
    ear = squawk.Ear(RATE)
    print(" ".join(word for word, _, _ in [*ear.feed(line.heard), *ear.end()]))

asyncio.run(main())
"""


def test_a_stranger_s_plugin_talks_by_the_environment_alone_beside_a_core_from_a_wheel(
    wheels: Wheels, tmp_path: Path
) -> None:
    environment = wheels.install("net", HERE, tmp_path)
    uv(
        "build",
        "--wheel",
        "--quiet",
        "--out-dir",
        tmp_path,
        ROOT / "examples/beluga-voice-parrot",
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("beluga_voice_parrot-*.whl")
    uv("pip", "install", "--quiet", "--no-deps", "--python", environment.python, wheel, cwd=tmp_path)
    names, _ = environment.report()
    assert sorted(names) == ["beluga-voice", "beluga-voice-parrot"]
    assert "beluga-voice-parrot 0.1.0" in environment.run("plugins").stdout
    check = environment.run("check", "parrot")
    assert check.returncode == 0, check.stdout
    assert check.stdout.count(" parrot | silver |") == 4
    chosen = {"STT": "parrot", "TTS": "parrot", "VAD": "none", "TURN_DETECTOR": "none"}
    chosen |= {"STT__API_KEY": "polly", "TTS__API_KEY": "polly"}
    variables = [f"BELUGA_VOICE_{name}={value}" for name, value in chosen.items()]
    done = run("env", *variables, environment.python, "-I", "-c", TALK, cwd=tmp_path)
    assert done.stdout.splitlines() == ["['hello', 'you said hello']", "you said hello"], done.stderr


@pytest.mark.timeout(300)
def test_a_new_plugin_is_built_installed_and_tested_beside_a_core_from_a_wheel(
    wheels: Wheels, tmp_path: Path
) -> None:
    environment = wheels.install("", HERE, tmp_path)
    kinds = (
        "stt,tts,vad,turn_detector,noise_suppressor,transport,llm,agent,s2s,interruption_classifier,"
        "text_filter,session_store"
    )
    assert environment.run("new-plugin", "acme", "--kind", kinds).returncode == 0
    folder = tmp_path / "beluga-voice-acme"
    uv("build", "--wheel", "--quiet", "--out-dir", tmp_path, folder, cwd=tmp_path)
    (wheel,) = tmp_path.glob("beluga_voice_acme-*.whl")
    constraints = ("-c", ROOT / "constraints.txt")
    uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        environment.python,
        *constraints,
        wheel,
        "pytest",
        cwd=tmp_path,
    )
    tested = run(environment.python, "-m", "pytest", "-q", "tests", cwd=folder)
    assert tested.returncode == 0, tested.stdout
    check = environment.run("check", "acme", "--set", "tts=acme")
    assert check.returncode == 0, check.stdout
    assert check.stdout.count(" acme | silver |") == 12


@every_python
@pytest.mark.parametrize("platform", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "macos", "windows"])
@pytest.mark.parametrize("version", WANTED)
def test_what_an_index_offers_newest_is_a_wheel(
    version: str, platform: str, wheels: Wheels, tmp_path: Path
) -> None:
    """As pip chooses, without our pins: the newest version, even if it must be compiled."""
    wanted = tmp_path / "wanted.txt"
    lines = [wheels.requirement(), *wheels.write_overrides(tmp_path).read_text(encoding="utf-8").splitlines()]
    wanted.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    resolve = ("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-python-downloads")
    where = ("--python-version", version, "--python-platform", platform)
    newest = uv(*resolve, *where, wanted, cwd=tmp_path)
    assert newest == uv(*resolve, *where, "--only-binary", ":all:", wanted, cwd=tmp_path)
