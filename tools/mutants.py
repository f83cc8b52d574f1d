"""Seed faults into the turn-taking engine, one at a time, and see whether its tests notice.

    uv run python tools/mutants.py             # every fault of tools/mutants/engine.toml
    uv run python tools/mutants.py duplicate   # those whose names contain "duplicate"

Each fault goes into a copy of the package; the tree is never touched. Exits with 1 if a fault survives, and with 2
if the copy fails without any, or a fault does not fit the code any more.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "core/src/beluga_voice"
TESTS = ROOT / "core/tests/turns"
FAULTS = ROOT / "tools/mutants/engine.toml"

WALK = "3000"
"""Events of the random walk for each fault."""

OPTIONS = ("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:cov")

DEADLINE = 120.0
"""Seconds after which a run counts as caught: the fault made the tests hang."""


@dataclass(frozen=True)
class Mutant:
    """A fault: in `file`, each text is replaced by the other."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]

    def apply(self, source: str) -> str:
        """Return the faulty source.

        Raises:
            ValueError: a text to replace does not stand in the source exactly once.
        """
        for old, new in self.edits:
            if source.count(old) != 1:
                raise ValueError(
                    f"{self.name}: {self.file} holds {source.count(old)} times, not once: {old!r}"
                )
            source = source.replace(old, new)
        return source


def load(path: Path) -> list[Mutant]:
    """Read the faults."""
    mutants = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
        edits = [entry, entry["also"]] if "also" in entry else [entry]
        pairs = tuple((edit["old"], edit["new"]) for edit in edits)
        mutants.append(Mutant(entry["name"], entry["file"], pairs))
    return mutants


class Copy:
    """A copy of the package that tests run against."""

    def __init__(self, folder: Path) -> None:
        self._package = folder / "beluga_voice"
        shutil.copytree(PACKAGE, self._package, ignore=shutil.ignore_patterns("__pycache__"))
        self._written = int(time.time())
        self._environment = os.environ | {
            "PYTHONPATH": str(folder),
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "WALK_EVENTS": WALK,
        }

    def caught_by(self, mutant: Mutant | None) -> str:
        """Run the tests with a fault, or without; returns what failed first, or nothing."""
        if mutant is None:
            return self._test()
        path = self._package / "turns" / mutant.file
        sound = path.read_text(encoding="utf-8")
        self._write(path, mutant.apply(sound))
        try:
            return self._test()
        finally:
            self._write(path, sound)

    def _write(self, path: Path, source: str) -> None:
        """Write a file, later than before in whole seconds: by that Python knows that its bytecode is old."""
        path.write_text(source, encoding="utf-8")
        self._written += 1
        os.utime(path, (self._written, self._written))

    def _test(self) -> str:
        command = [sys.executable, "-m", "pytest", *OPTIONS, str(TESTS)]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=DEADLINE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no end within {DEADLINE:g} s"
        if done.returncode == 0:
            return ""
        failed = re.search(r"^(?:FAILED|ERROR) \S*?([^/\s]+\.py.*?)(?: - |$)", done.stdout, re.MULTILINE)
        return (
            failed[1]
            if failed
            else f"exit status {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        )

    def loads(self) -> bool:
        """Whether the tests import this copy, and not the tree."""
        code = "import beluga_voice; print(beluga_voice.__file__)"
        command = [sys.executable, "-c", code]
        found = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return Path(found.stdout.strip()).is_relative_to(self._package)


def run(mutants: list[Mutant], jobs: int) -> int:
    """Run all faults; returns the exit status."""
    for mutant in mutants:
        mutant.apply((PACKAGE / "turns" / mutant.file).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(folder) / str(number)))
        copy = copies.get()
        if not copy.loads() or (broken := copy.caught_by(None)):
            print(
                f"the copy fails without a fault: {broken}"
                if copy.loads()
                else "the copy is not what is tested"
            )
            return 2
        copies.put(copy)

        def test(mutant: Mutant) -> str:
            copy = copies.get()
            try:
                return copy.caught_by(mutant)
            finally:
                copies.put(copy)

        survivors = 0
        with ThreadPoolExecutor(jobs) as pool:
            for mutant, caught in zip(mutants, pool.map(test, mutants), strict=True):
                survivors += not caught
                print(
                    f"{'caught  ' if caught else 'SURVIVED'}  {mutant.name}"
                    + (f"  [{caught}]" if caught else "")
                )
    print(f"{len(mutants) - survivors} of {len(mutants)} faults caught")
    return 1 if survivors else 0


def main() -> int:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description="Seed faults into the turn-taking engine and run its tests.")
    parser.add_argument("part", nargs="?", default="", help="only faults whose names contain this")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="how many at once")
    arguments = parser.parse_args()
    mutants = [mutant for mutant in load(FAULTS) if arguments.part in mutant.name]
    if not mutants:
        parser.error(f"no fault's name contains {arguments.part!r}")
    try:
        return run(mutants, arguments.jobs)
    except ValueError as misfit:
        print(misfit)
        return 2


if __name__ == "__main__":
    sys.exit(main())
