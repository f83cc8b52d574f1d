"""Is a plugin cheap to find? Loading it must import neither its providers nor what they need."""

from __future__ import annotations

import json
import subprocess
import sys

from beluga_voice.testing.conformance.promises import expect
from beluga_voice.testing.conformance.report import Finding, Level, note

WHERE = "beluga_voice.hookspecs"
SAYS = "loading a plugin imports its hooks, and none of its providers or what they need"

LIMIT = 60.0
"""Seconds that a fresh interpreter may take to load the plugin."""

PROGRAM = """
import importlib, json, sys
import beluga_voice.hookspecs, beluga_voice.plugins
before = set(sys.modules)
plugin = importlib.import_module(sys.argv[1])
plugins = beluga_voice.plugins.Plugins()
plugins.register(plugin, sys.argv[1])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def check_import_hygiene(module: str) -> None:
    """Check that loading a plugin imports nothing but the module that holds its hooks and the standard library.

    Otherwise each start of every program pays for a plugin that it does not use, and what the plugin needs and is
    not there breaks what it does not concern. It is loaded in an interpreter of its own.

    Args:
        module: the module that its entry point names.

    Raises:
        AssertionError: the promise is broken; the text says what was imported.
    """
    try:
        found = _loaded(module)
        own = {".".join(module.split(".")[: n + 1]) for n in range(module.count(".") + 1)}
        strangers = [
            each
            for each in found
            if each not in own and each.partition(".")[0] not in {*sys.stdlib_module_names, "beluga_voice"}
        ]
        expect(not strangers, f"loading {module} imports {', '.join(strangers[:5])}")
    except AssertionError as broken:
        note(Finding(module, WHERE, SAYS, Level.BRONZE, str(broken)))
    else:
        note(Finding(module, WHERE, SAYS, Level.BRONZE))


def _loaded(module: str) -> list[str]:
    done = subprocess.run(  # noqa: S603 - this interpreter, and a module that the caller imports anyhow
        [sys.executable, "-c", PROGRAM, module], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    expect(done.returncode == 0, f"loading {module} failed: {reason}")
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded
