"""What `import beluga_voice` loads; what that costs: benchmarks/import_cost.py."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "aiohttp",
    "click",
    "dependency_injector",
    "onnxruntime",
    "opentelemetry",
    "pocketsphinx",
    "pydantic",
    "pydantic_settings",
    "pytest",
}


def loaded_by(code: str) -> set[str]:
    """Top-level modules present after `code` ran in a fresh interpreter."""
    report = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import beluga_voice")
    assert "beluga_voice" in loaded
    assert not loaded & HEAVY


def test_every_public_name_is_there() -> None:
    loaded_by("import beluga_voice\nfor name in beluga_voice.__all__: getattr(beluga_voice, name)")


def test_a_module_that_is_loaded_shows() -> None:
    assert "pluggy" in loaded_by("import beluga_voice.hookspecs")


@pytest.mark.parametrize("module", ["audio", "contracts", "conversation", "errors", "events", "hookspecs"])
def test_what_a_plugin_builds_on_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import beluga_voice.{module}") & HEAVY
