"""How much core and its requirements take on disk, installed alone from its wheel in a fresh environment.

    python benchmarks/install_size.py [--json]

Needs uv, and its cache or a package index. Goals: at most 120 MB (1e6 bytes) and 25 distributions, core
included; neither compiled bytecode nor the environment's own files are counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL_MB, GOAL_DISTRIBUTIONS = 120.0, 25


def uv(*arguments: str | Path) -> str:
    """Run uv in the repository, for its pins, and return what it prints."""
    return subprocess.run(
        ["uv", *map(str, arguments)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def install(into: Path) -> list[Path]:
    """Install core's wheel into a fresh environment; return the folders with what that brought."""
    uv("build", "--wheel", "--quiet", "--out-dir", into / "wheels", "core")
    (wheel,) = (into / "wheels").glob("*.whl")
    python = into / "env"
    uv("venv", "--quiet", "--python", sys.executable, python)
    uv("pip", "install", "--quiet", "--python", python, "-c", "constraints.txt", wheel)
    return sorted(python.glob("lib*/python*/site-packages")) or sorted(python.glob("Lib/site-packages"))


def bytes_of(folder: Path) -> int:
    """Bytes of all files in a folder, but for compiled bytecode."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts)


def measure() -> dict[str, object]:
    """Install core alone and look at what it brought."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [folder for folder in install(Path(scratch)) if not folder.parent.parent.is_symlink()]
        entries = [entry for folder in folders for entry in folder.iterdir() if entry.is_dir()]
        names = sorted(e.name.partition("-")[0] for e in entries if e.suffix == ".dist-info")
        largest = sorted(((bytes_of(e) / 1e6, e.name) for e in entries), reverse=True)[:6]
        total = sum(bytes_of(folder) for folder in folders) / 1e6
    return {
        "mb": round(total, 1),
        "distributions": len(names),
        "names": names,
        "largest": {name: round(size, 1) for size, name in largest},
        "goals_reached": total <= GOAL_MB and len(names) <= GOAL_DISTRIBUTIONS,
    }


def main() -> int:
    """Run the benchmark; exit 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="How much core and its requirements take on disk.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    answer = measure()
    if options.json:
        print(json.dumps(answer))
    else:
        for key, value in answer.items():
            print(f"{key:14} {value}")
    return 0 if answer["goals_reached"] else 1


if __name__ == "__main__":
    sys.exit(main())
