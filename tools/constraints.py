"""Write constraints.txt from the pins in the root pyproject.toml.

The pins of every requirement stand once, in ``[tool.uv] constraint-dependencies``: uv reads them there, pip
and tox read this file. Neither names a package host.

    python tools/constraints.py             write constraints.txt
    python tools/constraints.py --check     exit 1 if it differs
    python tools/constraints.py --from-lock print the pins of uv.lock, to be pasted into pyproject.toml
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "constraints.txt"
HEADER = "# Written by tools/constraints.py from [tool.uv] constraint-dependencies in pyproject.toml.\n"


def pins() -> list[str]:
    """Requirements as pinned in the root pyproject.toml, in its order."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = settings["tool"]["uv"]["constraint-dependencies"]
    return found


def constraints() -> str:
    """The text that constraints.txt should have."""
    return HEADER + "".join(f"{pin}\n" for pin in pins())


def locked() -> list[str]:
    """Pins of what uv has resolved from an index, sorted by name; a name with two versions comes twice."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    found = sorted((p["name"], p["version"]) for p in lock["package"] if "registry" in p["source"])
    return [f"{name}=={version}" for name, version in found]


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Write constraints.txt from the pins in pyproject.toml.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if they differ")
    parser.add_argument("--from-lock", action="store_true", help="print the pins of uv.lock as TOML strings")
    options = parser.parse_args()
    if options.from_lock:
        print("".join(f'    "{pin}",\n' for pin in locked()), end="")
    elif not options.check:
        TARGET.write_text(constraints(), encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != constraints():
        print("constraints.txt differs from pyproject.toml: run python tools/constraints.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
