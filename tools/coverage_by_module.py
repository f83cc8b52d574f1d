"""Show of each module of core what its own tests reach, and exit with 1 where that is below 95 %.

    uv run python tools/coverage_by_module.py                  # every module
    uv run python tools/coverage_by_module.py turns plugins    # those whose paths contain one of these
    uv run python tools/coverage_by_module.py --missing clock  # and the lines and branches that are not reached

A module's own tests have its name: `audio/gain.py` has `core/tests/test_audio_gain.py` or
`core/tests/audio/test_gain.py`; failing these, those of its package, `test_audio.py`. OTHERS holds the exceptions.
Each file of tests runs alone, so that no module is credited with what another's tests happen to reach.
Statements and branches count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "core/src/beluga_voice"
TESTS = ROOT / "core/tests"
LEAST = 95.0
"""Percent."""
DEADLINE = 300.0
"""Seconds that a file of tests may take."""

ENGINE = ("turns/test_matrix.py", "turns/test_scenarios.py", "turns/test_walk.py")
WHOLE = ("session/test_session.py", "session/test_call.py")
OTHERS: dict[str, tuple[str, ...]] = {
    "__main__.py": ("test_running.py",),
    "agent/": tuple(
        f"agent/test_{name}.py" for name in ("call", "functions", "replies", "settings", "states", "tools")
    ),
    "cli/journal.py": ("journal/test_cli_journal.py",),
    "cli/main.py": ("test_running.py",),
    "cli/view.py": ("test_live_view.py",),
    "commands.py": ENGINE,
    "container/agents.py": ("agent/test_settings.py",),
    "contracts/stt.py": ("test_testing_check_stt.py",),
    "contracts/text_filter.py": ("test_speakable.py",),
    "contracts/tts.py": ("test_testing_check_tts.py",),
    "contracts/vad.py": ("test_testing_check_vad.py",),
    "contracts/": ("test_testing_checks.py",),
    "demo/call.py": ("test_cli_demo.py",),
    "demo/checker.py": ("test_cli_demo.py",),
    "events.py": ENGINE,
    "hookspecs.py": ("test_plugins.py",),
    "journal/format.py": ("journal/test_reader.py", "journal/test_writer.py"),
    "journal/masking.py": ("journal/test_writer.py",),
    "journal/simulation.py": ("journal/test_replay.py", "journal/test_whatif.py"),
    "session/call.py": ("session/test_session.py",),
    "session/control.py": ("agent/test_call.py", "agent/test_replies.py", "agent/test_tools.py"),
    "session/deciding.py": WHOLE,
    "session/line.py": WHOLE,
    "session/listening.py": WHOLE,
    "session/parts.py": WHOLE,
    "session/session.py": ("session/test_call.py",),
    "session/speaking.py": WHOLE,
    "session/tasks.py": WHOLE,
    "session/timers.py": WHOLE,
    "session/voice.py": WHOLE,
    "settings/": ("agent/test_settings.py",),
    "testing/conformance/llm.py": ("test_testing_check_llm.py",),
    "testing/conformance/stt.py": ("test_testing_check_stt.py",),
    "testing/conformance/text_filter.py": ("test_speakable.py",),
    "testing/conformance/tts.py": ("test_testing_check_tts.py",),
    "testing/conformance/vad.py": ("test_testing_check_vad.py",),
    "testing/conformance/": ("test_testing_checks.py",),
    "testing/fakes/llm.py": ("test_testing_check_llm.py",),
    "turns/": ENGINE,
    "words.py": ("test_phrases.py",),
}
"""The tests of modules, and of folders, that have none of their name; the engine's parts are tested as one."""


@dataclass(frozen=True)
class Result:
    """What a module's own tests reach.

    Attributes:
        module: its path within the package.
        tests: their paths within the tests.
        percent: statements and branches, of all.
        missing: numbers of the lines not reached, then the branches, as `from->to`.
    """

    module: str
    tests: tuple[str, ...]
    percent: float
    missing: str


def modules() -> list[str]:
    """Every module of core with something to run."""
    return sorted(
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.name not in ("__init__.py", "_version.py")
    )


def tests_of(module: str) -> tuple[str, ...]:
    """The tests of a module, as paths within the tests; none if it has none."""
    others = next((tests for name, tests in OTHERS.items() if module.startswith(name)), ())
    return tuple(dict.fromkeys((*named(module), *others)))


def named(module: str) -> tuple[str, ...]:
    """The tests that have a module's name or its package's."""
    parts = module.removesuffix(".py").split("/")
    while parts:
        found = [
            name
            for folders in range(len(parts))
            if (
                TESTS / (name := "/".join([*parts[:folders], f"test_{'_'.join(parts[folders:])}.py"]))
            ).exists()
        ]
        if found:
            return tuple(found)
        parts.pop()
    return ()


def run(test: str, folder: Path) -> None:
    """Run a file of tests under coverage.

    Raises:
        RuntimeError: it fails; what is not run is not measured.
    """
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cov",
        "-p",
        "no:xdist",
    ]
    environ = os.environ | {"COVERAGE_FILE": str(data_of(test, folder))}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(TESTS / test)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{test} fails:\n{done.stdout}{done.stderr}")


def data_of(test: str, folder: Path) -> Path:
    """Where the coverage of a file of tests is kept."""
    return folder / test.replace("/", ".")


def measure(module: str, folder: Path) -> Result:
    """Read what the tests of a module, which have run, reach of it."""
    tests = tests_of(module)
    data = coverage.Coverage(data_file=None, config_file=str(ROOT / "pyproject.toml"))
    for test in tests:
        part = coverage.CoverageData(basename=str(data_of(test, folder)))
        part.read()
        data.get_data().update(part)
    analysis = data.branch_stats(str(PACKAGE / module))
    _, statements, _, missing, _ = data.analysis2(str(PACKAGE / module))
    total = len(statements) + sum(count for count, _ in analysis.values())
    reached = len(statements) - len(missing) + sum(taken for _, taken in analysis.values())
    branches = [
        f"{line}->" for line, (count, taken) in analysis.items() if taken < count and line not in missing
    ]
    return Result(module, tests, 100 * reached / total if total else 100.0, ranges(missing, branches))


def ranges(lines: Iterable[int], branches: Iterable[str]) -> str:
    """Write lines as ranges, then branches."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return " ".join([*(f"{a}" if a == b else f"{a}-{b}" for a, b in spans), *branches])


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Show what the own tests of each module of core reach.")
    parser.add_argument(
        "module", nargs="*", help="a part of the paths of the modules to show; all by default"
    )
    parser.add_argument(
        "--missing", action="store_true", help="name the lines and branches that are not reached"
    )
    options = parser.parse_args()
    chosen = [
        each for each in modules() if not options.module or any(part in each for part in options.module)
    ]
    tests = sorted({test for module in chosen for test in tests_of(module)})
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder = Path(name)
        list(pool.map(lambda test: run(test, folder), tests))
        results = [measure(module, folder) for module in chosen]
    for each in results:
        mark = " " if each.percent >= LEAST else "!"
        print(
            f"{mark} {each.percent:5.1f} %  {each.module:32}  {' '.join(each.tests) or 'no tests of its name'}"
        )
        if options.missing and each.missing:
            print(f"            {each.missing}")
    low = sum(each.percent < LEAST for each in results)
    print(f"{low} of {len(results)} modules below {LEAST:g} %")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
