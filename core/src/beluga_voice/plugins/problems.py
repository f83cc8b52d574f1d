"""What is wrong with a plugin, recorded when it is found and raised when the plugin is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beluga_voice.plugins.origin import Origin


class ProblemKind(StrEnum):
    """Kinds of `Problem`."""

    INCOMPATIBLE = "incompatible"
    """The plugin requires another version of the core; it was not imported."""

    MISSING_DEPENDENCY = "missing dependency"
    """A module that the plugin imports is not installed."""

    FAILED = "failed"
    """Importing the plugin, or calling its hook for the command line, raised."""

    MISSPELT_HOOK = "misspelt hook"
    """The plugin implements a hook that does not exist."""

    INVALID_HOOK = "invalid hook"
    """A hook is async, has a parameter with a default, or one that the hook does not have."""

    HOOK_RAISED = "hook raised"
    """A hook raised; nothing of what the plugin had registered is kept."""

    COLLISION = "collision"
    """Two plugins have the same name, or register the same provider; neither is used."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one plugin.

    Attributes:
        plugin: the plugin that is blamed.
        kind: what sort of problem, for programs.
        text: a clause in lower case that names the plugin, without a full stop.
        remedy: a command or an act that mends it, to be read after "Try: ".
    """

    plugin: Origin
    kind: ProblemKind
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text}. Try: {self.remedy}"
