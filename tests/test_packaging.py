"""Each distribution has its shape, one version serves all, and nothing local or foreign is in git."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if path.is_dir())
SIMULATORS = ROOT / "contrib/simulators"
DISTRIBUTIONS = [ROOT / "core", *PLUGINS, SIMULATORS]
VERSION_FILE = ROOT / "core/src/beluga_voice/_version.py"
LICENCES = {"Apache-2.0": "Apache License", "GPL-3.0-or-later": "GNU GENERAL PUBLIC LICENSE"}

# Written so that they do not match themselves.
PACKAGE_HOSTS = re.compile(
    r"python[h]osted|pypi\.(?:org|io)|registry\.(?:npmjs|yarnpkg)|crates\.(?:io)|anaconda\.(?:org)"
)
MACHINE_PATHS = re.compile(r"(?<![\w.})\]>-])/(?:root|home|Users|work|mnt|opt|private)/\w")

each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
each_distribution = pytest.mark.parametrize("project", DISTRIBUTIONS, ids=lambda path: path.name)


def settings_of(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))


def package_of(project: Path) -> Path:
    (package,) = (path for path in (project / "src").iterdir() if (path / "__init__.py").exists())
    return package


def name_of(project: Path) -> str:
    return str(settings_of(project)["project"]["name"])


def git(*arguments: str) -> str:
    """What git says, or a skip where there is none: an unpacked archive has no index to look into."""
    try:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not in a git checkout: {error}")


@each_plugin
def test_a_plugin_is_named_after_its_folder(plugin: Path) -> None:
    project = settings_of(plugin)["project"]
    module = f"beluga_voice_{plugin.name.replace('-', '_')}"
    assert project["name"] == f"beluga-voice-{plugin.name}"
    assert package_of(plugin).name == module
    assert project["entry-points"]["beluga_voice"] == {plugin.name: module}


@each_plugin
def test_a_plugin_bounds_the_core_it_works_with(plugin: Path) -> None:
    version = distribution("beluga-voice").version
    (core,) = (
        r
        for d in settings_of(plugin)["project"]["dependencies"]
        if (r := Requirement(d)).name == "beluga-voice"
    )
    assert sorted(s.operator for s in core.specifier) == ["<", ">="]
    assert core.specifier.contains(version), f"{plugin.name} is not for the core beside it, {version}: {core}"


@each_distribution
def test_all_versions_come_from_one_file(project: Path) -> None:
    settings = settings_of(project)
    assert (project / settings["tool"]["hatch"]["version"]["path"]).resolve() == VERSION_FILE
    assert settings["project"]["dynamic"] == ["version"]
    keys = [project / key["file"] for key in settings["tool"]["uv"]["cache-keys"]]
    assert VERSION_FILE in [key.resolve() for key in keys], "uv would not rebuild it when the version changes"
    spec = importlib.util.spec_from_file_location("version", VERSION_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert distribution(name_of(project)).version == module.__version__


@each_distribution
def test_a_distribution_is_typed_described_and_licensed(project: Path) -> None:
    metadata = settings_of(project)["project"]
    assert (package_of(project) / "py.typed").is_file()
    assert (project / metadata["readme"]).read_text(encoding="utf-8").startswith(f"# {metadata['name']}")
    assert metadata["description"]
    assert metadata["requires-python"] == ">=3.11,<3.14"
    assert LICENCES[metadata["license"]].lower() in (project / "LICENSE").read_text(encoding="utf-8").lower()


@each_plugin
def test_an_installed_plugin_is_found_by_its_entry_point(plugin: Path) -> None:
    (point,) = distribution(name_of(plugin)).entry_points.select(group="beluga_voice")
    assert point.load().__name__ == package_of(plugin).name


def test_each_plugin_has_an_extra_of_its_name() -> None:
    extras = settings_of(ROOT / "core")["project"]["optional-dependencies"]
    for plugin in PLUGINS:
        assert extras.get(plugin.name) == [name_of(plugin)], f"core's extra {plugin.name}"


def test_extras_name_only_plugins_and_no_versions() -> None:
    known = {name_of(plugin) for plugin in PLUGINS}
    extras = settings_of(ROOT / "core")["project"]["optional-dependencies"]
    assert extras.pop("net") == ["aiohttp>=3.10"]  # what vendors' plugins need of core
    for exporter in ("otlp", "prometheus"):  # where telemetry goes
        assert not {Requirement(each).name for each in extras.pop(exporter)} & known
    for extra, requirements in extras.items():
        assert set(requirements) <= known, f"core's extra {extra}"


def test_all_is_every_plugin_under_a_permissive_licence() -> None:
    extras = settings_of(ROOT / "core")["project"]["optional-dependencies"]
    permissive = [name_of(p) for p in PLUGINS if "GPL" not in settings_of(p)["project"]["license"]]
    assert sorted(extras["all"]) == sorted(permissive)


def test_the_workspace_has_every_distribution_from_its_own_tree() -> None:
    settings = settings_of(ROOT)
    names = {name_of(project) for project in DISTRIBUTIONS}
    assert names <= set(settings["project"]["dependencies"])
    assert names <= settings["tool"]["uv"]["sources"].keys()


def test_tox_runs_every_plugin_alone() -> None:
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    environments = tox["tox"]["env_list"].replace(",", " ").split()
    assert {plugin.name for plugin in PLUGINS} <= set(environments)
    assert len((ROOT / "tox.ini").read_text(encoding="utf-8").splitlines()) < 100


def test_nothing_in_git_names_a_package_host_or_a_path_of_a_machine() -> None:
    found = []
    for name in git("ls-files", "-z").rstrip("\0").split("\0"):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if b"\0" not in content and (PACKAGE_HOSTS.search(line) or MACHINE_PATHS.search(line)):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text", ["https://pypi" + ".org/simple", "files.python" + "hosted.org", "'/ro" + "ot/x'"]
)
def test_the_search_finds_what_it_is_for(text: str) -> None:
    assert PACKAGE_HOSTS.search(text) or MACHINE_PATHS.search(text)


def test_the_lock_file_is_not_in_git() -> None:
    assert "uv.lock" not in git("ls-files").splitlines()
    assert git("check-ignore", "uv.lock").strip() == "uv.lock"


def test_ci_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111, "not executable"
    assert "uv run tox" in script.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False, timeout=30).returncode == 0
