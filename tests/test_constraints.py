"""Every requirement is pinned once, and the file for pip and tox says the same."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
UV = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
PINS = [Requirement(pin) for pin in UV["constraint-dependencies"]]
INSTALLERS = {"pip", "setuptools", "wheel"}  # come with a virtual environment, not with a requirement


def test_constraints_txt_is_what_the_tool_writes() -> None:
    command = [sys.executable, str(ROOT / "tools/constraints.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_pins_are_exact_and_sorted() -> None:
    assert all([s.operator for s in pin.specifier] == ["=="] and not pin.url for pin in PINS)
    names = [canonicalize_name(pin.name) for pin in PINS]
    assert names == sorted(names)


def test_whatever_is_installed_here_is_pinned_to_its_version() -> None:
    pinned = {canonicalize_name(p.name): p for p in PINS if p.marker is None or p.marker.evaluate()}
    unpinned = []
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        pin = pinned.get(name)
        if name.startswith("beluga-voice") or name in INSTALLERS:
            continue
        if pin is None or not pin.specifier.contains(distribution.version, prereleases=True):
            unpinned.append(f"{name}=={distribution.version}")
    assert not unpinned, (
        f"add to [tool.uv] constraint-dependencies, then run tools/constraints.py: {sorted(unpinned)}"
    )


def test_what_builds_the_distributions_is_pinned() -> None:
    pinned = {Requirement(pin).name for pin in UV["build-constraint-dependencies"]}
    for project in (ROOT / "core", *(ROOT / "plugins").iterdir()):
        build = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
        assert {Requirement(r).name for r in build["requires"]} <= pinned, (
            f"{project.name} builds with more than that"
        )
