"""Core is built in layers: a module imports only from rows above its own."""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "core/src/beluga_voice"
PLUGINS = sorted(ROOT.glob("plugins/*/src/*"))

# The units of core (a module, or a package with all that is in it), from the ground up. A unit imports from
# rows above its own, and from its own row as long as no circle arises. `docs/topics/architecture.md` says
# what each is.
ROWS = (
    ("_version", "audio", "commands", "errors", "events", "words"),
    ("conversation", "latency", "playout", "spoken", "turns", "usage"),
    ("contracts",),
    (
        "agent",
        "agents",
        "clock",
        "codecs",
        "connection",
        "facts",
        "hookspecs",
        "journal",
        "models",
        "phrases",
        "plugins",
        "recording",
        "resilience",
        "sentences",
        "session",
        "silent",
        "speakable",
    ),
    ("telemetry",),
    ("__main__", "cli", "container", "demo", "running", "settings"),
    ("testing",),
)
ROW = {unit: row for row, units in enumerate(ROWS) for unit in units}
RUNNING = ROW["session"]  # from this row on, modules may know asyncio and the clock

# Outside the running rows nothing reads a clock, waits, draws a number or touches the system.
IMPURE = {"asyncio", "datetime", "os", "random", "secrets", "socket", "subprocess", "threading", "time"}

# Requirements, and the units that may import them at run time, be it inside a function.
KEPT_TO = {
    "aiohttp": {"connection", "testing"},
    "click": {"cli", "testing"},
    "dependency_injector": {"container"},
    "dotenv": {"settings"},
    "numpy": {"audio", "cli", "demo", "playout", "recording", "resilience", "session", "testing"},
    "opentelemetry": {"telemetry"},
    "packaging": {"plugins"},
    "pluggy": {"hookspecs", "plugins"},
    "prometheus_client": {"telemetry"},
    "pydantic": {"agent", "cli", "container", "plugins", "settings", "testing"},
    "pydantic_core": {"settings"},
    "pydantic_settings": {"settings"},
    "pytest": {"testing"},
    "hypothesis": {"testing"},
    "typing_extensions": {"agent"},  # for type checkers only
}

# Extras of core that are no plugins: what core imports of them, it imports when it is asked to.
CORE_EXTRAS = ("net", "otlp", "prometheus")

# What a plugin may build on: the contracts, what they speak of, and a few tools. The rest is the core's own.
FOR_PLUGINS = {
    "audio",
    "clock",
    "codecs",
    "connection",
    "contracts",
    "conversation",
    "errors",
    "events",
    "facts",
    "hookspecs",
    "models",
    "recording",
    "sentences",
    "words",
}


# What hosts sessions or adds commands also knows what these are made of.
FOR_HOSTS = FOR_PLUGINS | {
    "agents",
    "cli",
    "container",
    "events",
    "journal",
    "plugins",
    "session",
    "settings",
    "testing",
}
HOSTS = {"beluga_voice_local_audio", "beluga_voice_server"}

# How a plugin's providers are checked: loaded by `beluga-voice check` alone.
CHECKS = "checks.py"


@dataclass(frozen=True)
class Import:
    """One imported module: where, what, whether only type checkers see it, and whether a function imports it."""

    path: Path
    line: int
    module: str
    typing_only: bool
    deferred: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.module}"

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports_of(path: Path, package: Path) -> list[Import]:
    """Every import of a module, also inside functions. Relative ones are refused: names stay greppable."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    guards = [n for n in nodes if isinstance(n, ast.If) and ast.unparse(n.test).endswith("TYPE_CHECKING")]
    guarded = {inner for guard in guards for statement in guard.body for inner in ast.walk(statement)}
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    deferred = {inner for function in functions for inner in ast.walk(function)}
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import: write the module's full name"
            # `from beluga_voice import errors` means the module; `from beluga_voice import run` the package.
            names = [node.module or ""]
            if node.module == package.name:
                names = [f"{node.module}.{a.name}" if is_unit(a.name) else node.module for a in node.names]
        else:
            continue
        found += [Import(path, node.lineno, name, node in guarded, node in deferred) for name in names]
    return found


def is_unit(name: str) -> bool:
    return (CORE / name).is_dir() or (CORE / f"{name}.py").is_file()


def unit_of(path: Path) -> str:
    """The unit of core to which a file belongs; empty for the package's own `__init__.py`."""
    return "" if path == CORE / "__init__.py" else path.relative_to(CORE).parts[0].removesuffix(".py")


def target_of(imported: Import) -> str | None:
    """The unit of core that an import names; None for anything else, empty for the package itself."""
    top, _, rest = imported.module.partition(".")
    return rest.partition(".")[0] if top == "beluga_voice" else None


MODULES = sorted(CORE.rglob("*.py"))
IMPORTS = [imported for path in MODULES for imported in imports_of(path, CORE)]
PLUGIN_IMPORTS = [
    i for package in PLUGINS for path in sorted(package.rglob("*.py")) for i in imports_of(path, package)
]


def test_reads_the_imports_of_core_and_of_every_plugin() -> None:
    assert any(target_of(i) == "audio" and unit_of(i.path) == "contracts" for i in IMPORTS)
    assert {package.parent.parent.name for package in PLUGINS} == {
        p.name for p in (ROOT / "plugins").iterdir()
    }


def test_every_module_of_core_has_its_place_in_the_table() -> None:
    strangers = {unit_of(path) for path in MODULES} - ROW.keys() - {""}
    assert not strangers, (
        f"in no row of ROWS: {sorted(strangers)}; decide what they may know, and give them a row"
    )


def test_a_module_imports_only_from_rows_above_its_own_or_from_its_own() -> None:
    wrong = [
        f"{i}, which is further down"
        for i in IMPORTS
        if (unit := unit_of(i.path)) in ROW and (target := target_of(i)) in ROW and ROW[target] > ROW[unit]
        if not (i.typing_only and unit == "hookspecs")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_the_package_that_gathers_them() -> None:
    wrong = [str(i) for i in IMPORTS if target_of(i) == "" and unit_of(i.path) and not i.typing_only]
    assert not wrong, "import the module itself:\n" + "\n".join(wrong)


def test_no_two_modules_need_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for i in IMPORTS:
        if (unit := unit_of(i.path)) and (target := target_of(i)) and target != unit and not i.typing_only:
            graph.setdefault(unit, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_nothing_below_the_session_knows_a_loop_a_clock_or_the_system() -> None:
    wrong = [str(i) for i in IMPORTS if i.top in IMPURE and ROW.get(unit_of(i.path), RUNNING) < RUNNING]
    assert not wrong, "\n".join(wrong)


def test_the_only_clock_is_the_running_loop_s() -> None:
    measured = CORE / "plugins/registry.py"  # how long a hook takes is the machine's time, on no loop
    wrong = [str(i) for i in IMPORTS + PLUGIN_IMPORTS if i.module == "time" and i.path != measured]
    assert not wrong, "take asyncio's loop.time():\n" + "\n".join(wrong)


def test_audio_never_enters_the_engine() -> None:
    wrong = [
        str(i)
        for i in IMPORTS
        if unit_of(i.path) == "turns" and (i.top == "numpy" or target_of(i) == "audio")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("requirement", sorted(KEPT_TO))
def test_a_requirement_is_imported_only_where_it_belongs(requirement: str) -> None:
    allowed = KEPT_TO[requirement]
    wrong = [
        str(i)
        for i in IMPORTS
        if i.top == requirement and not i.typing_only and unit_of(i.path) not in allowed
    ]
    assert not wrong, f"{requirement} belongs to {', '.join(sorted(allowed))}:\n" + "\n".join(wrong)


def test_every_requirement_of_core_has_its_place() -> None:
    known = KEPT_TO.keys() | sys.stdlib_module_names | {"beluga_voice"}
    strangers = sorted({str(i) for i in IMPORTS if i.top not in known})
    assert not strangers, "not in KEPT_TO:\n" + "\n".join(strangers)


def required_by(project: Path) -> set[str]:
    """Names of the distributions that a distribution declares to need."""
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"].get("optional-dependencies", {})
    needs = [
        *settings["project"]["dependencies"],
        *(each for name in CORE_EXTRAS for each in extras.get(name, ())),
    ]
    return {canonicalize_name(Requirement(text).name) for text in needs}


def undeclared(imports: list[Import], declared: set[str]) -> list[str]:
    """Imports at run time of distributions that are not declared; pydantic-core is pydantic's own."""
    providers = packages_distributions()
    declared = declared | {"beluga-voice", "pydantic-core"}
    return [
        str(i)
        for i in imports
        if i.top in providers and not i.typing_only
        if not {canonicalize_name(name) for name in providers[i.top]} & declared
    ]


def test_core_declares_what_it_imports() -> None:
    outside_pytest = [i for i in IMPORTS if unit_of(i.path) != "testing"]
    wrong = undeclared(outside_pytest, required_by(ROOT / "core"))
    assert not wrong, "not a dependency in core/pyproject.toml:\n" + "\n".join(wrong)


@pytest.mark.parametrize("package", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_declares_what_it_imports_beyond_core_s_own(package: Path) -> None:
    own = [i for i in PLUGIN_IMPORTS if package in i.path.parents and i.top != package.name]
    wrong = undeclared(own, required_by(package.parent.parent) | required_by(ROOT / "core"))
    assert not wrong, "not a dependency in its pyproject.toml:\n" + "\n".join(wrong)


def test_a_plugin_builds_on_the_contracts_alone() -> None:
    wrong = [
        str(i)
        for i in PLUGIN_IMPORTS
        if (target := target_of(i)) is not None
        and target not in (FOR_HOSTS if HOSTS & {each.name for each in i.path.parents} else FOR_PLUGINS)
        and not (i.path.name == CHECKS and target == "testing")
    ]
    assert not wrong, f"plugins import {', '.join(sorted(FOR_PLUGINS))}:\n" + "\n".join(wrong)


def test_a_plugin_s_package_holds_only_hooks() -> None:
    allowed = {"__future__", "typing", "beluga_voice.hookspecs"}
    wrong = [
        str(i)
        for i in PLUGIN_IMPORTS
        if i.path.name == "__init__.py"
        and i.path.parent in PLUGINS
        and not i.typing_only
        and not i.deferred
        and i.module not in allowed
    ]
    assert not wrong, "providers are named by strings and imported when asked for:\n" + "\n".join(wrong)
