"""Finding plugins: entry points of installed distributions, and modules named for development."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement

from beluga_voice._version import __version__
from beluga_voice.plugins.origin import CORE, Origin, requirements
from beluga_voice.plugins.problems import Problem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packaging.specifiers import SpecifierSet

GROUP = "beluga_voice"
"""The entry point group of plugins."""

DISABLED_VARIABLE = "BELUGA_VOICE_DISABLED_PLUGINS"
"""Environment variable: names of plugins, separated by commas, that are not loaded."""

MODULES_VARIABLE = "BELUGA_VOICE_PLUGINS"
"""Environment variable: modules, separated by commas, that are loaded as plugins though not packaged."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found and may be imported.

    Attributes:
        origin: where it comes from.
        module: the module that holds its hooks.
        load: imports it; raises whatever the plugin raises.
    """

    origin: Origin
    module: str
    load: Callable[[], object]


def from_environment(variable: str) -> tuple[str, ...]:
    """Return the names in an environment variable that holds a list separated by commas."""
    return tuple(name for part in os.environ.get(variable, "").split(",") if (name := part.strip()))


@dataclass(frozen=True, slots=True)
class Found:
    """What discovery saw, before anything was imported.

    Attributes:
        candidates: plugins that fit this core, sorted by name, then modules.
        problems: of plugins that do not fit.
        disabled: plugins that were left out on demand.
    """

    candidates: list[Candidate] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    disabled: list[Origin] = field(default_factory=list)


def find(modules: Iterable[str], disabled: Sequence[str]) -> Found:
    """Find all plugins without importing one.

    Args:
        modules: plugins that are not packaged, after those that are; one found already is not taken twice.
        disabled: names of plugins or distributions to leave out.
    """
    found = _find_packaged(disabled)
    known = {candidate.module for candidate in found.candidates}
    for module in dict.fromkeys(modules):
        if module in disabled:
            found.disabled.append(Origin(module))
        elif module not in known:
            found.candidates.append(Candidate(Origin(module), module, _importer(module)))
    return found


def _importer(module: str) -> Callable[[], object]:
    return lambda: import_module(module)


def _find_packaged(disabled: Sequence[str]) -> Found:
    found = Found()
    by_name: dict[str, list[tuple[Origin, EntryPoint]]] = defaultdict(list)
    for entry in entry_points(group=GROUP):
        origin = _origin(entry)
        if any(origin.answers_to(name) for name in disabled):
            found.disabled.append(origin)
        else:
            by_name[entry.name].append((origin, entry))
    for name in sorted(by_name):
        (origin, entry), *others = by_name[name]
        if others:
            found.problems.extend(_same_name([origin, *(other for other, _ in others)]))
        elif (problem := _check_core(origin, entry.dist)) is not None:
            found.problems.append(problem)
        else:
            found.candidates.append(Candidate(origin, entry.module, entry.load))
    return found


def _origin(entry: EntryPoint) -> Origin:
    if entry.dist is None:
        return Origin(entry.name)
    return Origin(entry.name, entry.dist.name, entry.dist.version)


def _same_name(owners: Sequence[Origin]) -> list[Problem]:
    both = " and ".join(sorted(str(owner) for owner in owners))
    text = f"the plugin name {owners[0].name!r} is taken by {both}, so that none of them is loaded"
    remedy = " or ".join(f"pip uninstall {owner.distribution}" for owner in owners)
    return [Problem(owner, ProblemKind.COLLISION, text, remedy) for owner in owners]


def _check_core(origin: Origin, dist: Distribution | None) -> Problem | None:
    """Compare what the distribution requires with this core, before anything of it runs."""
    if dist is None:
        return None
    try:
        wanted = [
            each.specifier for each in requirements(dist) if each.name.lower().replace("_", "-") == CORE
        ]
    except InvalidRequirement as error:
        text = f"plugin {origin} is installed but its metadata cannot be read: {error}"
        return Problem(
            origin, ProblemKind.FAILED, text, f"pip install --force-reinstall {origin.distribution}"
        )
    for specifier in wanted:
        if not specifier.contains(__version__, prereleases=True):
            return _incompatible(origin, specifier)
    return None


def _incompatible(origin: Origin, specifier: SpecifierSet) -> Problem:
    text = f"plugin {origin} is installed but needs {CORE}{specifier}, and this is {CORE} {__version__}"
    remedy = f"pip install --upgrade {CORE} {origin.distribution}"
    return Problem(origin, ProblemKind.INCOMPATIBLE, text, remedy)
