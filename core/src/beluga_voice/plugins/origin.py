"""Where a plugin comes from, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = "beluga-voice"


@dataclass(frozen=True, slots=True)
class Origin:
    """The distribution or module that a plugin is.

    Attributes:
        name: the entry point's name, or the module's for a plugin that is not packaged.
        distribution: the distribution's name; None for a plugin that is not packaged.
        version: the distribution's version; None for a plugin that is not packaged.
    """

    name: str
    distribution: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}" if self.distribution else f"{self.name} (not packaged)"

    def answers_to(self, name: str) -> bool:
        """Whether `name` is this plugin's name or its distribution's."""
        names = {canonicalize_name(self.name), canonicalize_name(self.distribution or self.name)}
        return canonicalize_name(name) in names

    def remedy_for_missing(self, module: str) -> str:
        """Return what to do when `module`, which this plugin imports, is not installed."""
        if self.distribution is not None:
            if is_left_out(self.distribution, module):
                return f"another Python version or machine: on this one {self.distribution} goes without {module}"
            if (extra := extra_of(self.distribution)) is not None:
                return f'pip install "{CORE}[{extra}]"'
            if unmet_requirements(self.distribution):
                return f"pip install {self.distribution}"  # pip adds what an installed package lacks
        if self.distribution is None and module == self.name.partition(".")[0]:
            return f"another name than {self.name!r}, or a PYTHONPATH on which it is found"
        return f"installing the package that provides the module {module!r}"

    def remedy_for_defect(self) -> str:
        """Return what to do when the plugin itself is at fault."""
        disable = f"setting BELUGA_VOICE_DISABLED_PLUGINS={self.name}"
        if self.distribution is None:
            return f"correcting it, or {disable}"
        return f"pip install --upgrade {self.distribution}, or {disable}"


def requirements(dist: Distribution) -> Iterator[Requirement]:
    """Yield what `dist` requires in this environment, without its extras.

    Raises:
        InvalidRequirement: its metadata holds a requirement that is none.
    """
    for text in dist.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def is_left_out(name: str, required: str) -> bool:
    """Whether the installed distribution `name` requires `required`, but by its markers not in this environment."""
    try:
        found = distribution(name)
        everywhere = {canonicalize_name(Requirement(text).name) for text in found.requires or ()}
        here = {canonicalize_name(each.name) for each in requirements(found)}
    except (PackageNotFoundError, InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
        return False
    return canonicalize_name(required) in everywhere - here


def extra_of(name: str) -> str | None:
    """Return core's extra that installs the distribution `name` alone, if core has one."""
    short = canonicalize_name(name).removeprefix(f"{CORE}-")
    return short if short in core_extras() else None


def missing_extra(name: str) -> bool:
    """Whether `name` is an extra of core whose plugin is not installed."""
    try:
        distribution(f"{CORE}-{name}")
    except PackageNotFoundError:
        return name in core_extras()
    return False


def core_extras() -> tuple[str, ...]:
    """Return the extras that the installed core offers, sorted."""
    try:
        extras = distribution(CORE).metadata.get_all("Provides-Extra") or ()
    except PackageNotFoundError:  # run from a source tree
        return ()
    return tuple(sorted(extras))


def unmet_requirements(name: str) -> tuple[str, ...]:
    """Return what the installed distribution `name` requires and is not there, or in another version."""
    try:
        return tuple(str(each) for each in requirements(distribution(name)) if not _is_met(each))
    except (PackageNotFoundError, InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
        return ()


def _is_met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(distribution(requirement.name).version, prereleases=True)
    except PackageNotFoundError:
        return False
