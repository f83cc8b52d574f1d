"""Values that know where they were written, and how one source's lie over another's.

pydantic-settings merges its sources without keeping where a value came from; error texts and ``config show``
need that, so the merging is done here.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

DEFAULT_PROVIDERS: Mapping[str, str] = {
    "stt": "pocketsphinx",
    "tts": "espeak",
    "s2s": "none",
    "vad": "silero",
    "turn_detector": "none",
    "noise_suppressor": "none",
    "interruption_classifier": "none",
    "llm": "none",
    "session_store": "none",
}
"""What stands where nothing is set: a conversation on this machine, without network or key."""

FALLBACKS = ("stt", "tts", "llm")
"""The settings that may choose several providers, in the order of preference."""

ALL_SLOTS = tuple(DEFAULT_PROVIDERS)
"""The settings that choose a provider; their names are the contracts'."""

SLOTS = tuple(slot for slot in ALL_SLOTS if slot != "session_store")
"""Those that each session may choose anew, in a profile or by its agent."""

LISTS: Mapping[str, str] = {"text_filters": "text_filter", "tools": "tool_source"}
"""The settings that choose several providers, and what they are, by their contracts' names."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One value as its user wrote it.

    Attributes:
        key: where, with dots, as in ``sessions.support.tts.voice``.
        value: a string from the environment, ``.env`` and the command line, any value from elsewhere.
        source: names the variable, the file and line, or the option.
        weak: what an agent chooses for itself stands over it: it is written in the settings file, or was chosen
            by another agent.
    """

    key: str
    value: object
    source: str
    weak: bool = False


class Values:
    """Settings by path; tables are taken apart to their leaves."""

    def __init__(self, settings: Mapping[Path, Setting] | None = None) -> None:
        self._settings = dict(settings or {})

    def __iter__(self) -> Iterator[Path]:
        return iter(self._settings)

    def __getitem__(self, path: Path) -> Setting:
        return self._settings[path]

    def get(self, path: Path) -> Setting | None:
        """Return what stands at `path` itself; None if nothing or a table does."""
        return self._settings.get(path)

    def near(self, path: Path) -> Setting | None:
        """Return the setting at `path`, or above or below it: the one to name when `path` is wrong."""
        for known, setting in self._settings.items():
            shorter = min(len(known), len(path))
            if known[:shorter] == path[:shorter]:
                return setting
        return None

    def under(self, prefix: Path) -> Values:
        """Return what stands below `prefix`, by the rest of the path."""
        size = len(prefix)
        return Values(
            {p[size:]: s for p, s in self._settings.items() if len(p) > size and p[:size] == prefix}
        )

    def without(self, *names: str) -> Values:
        """Return all but what stands at or below the top-level `names`."""
        return Values({path: s for path, s in self._settings.items() if path[0] not in names})

    def split(self, below: Callable[[Setting], bool]) -> tuple[Values, Values]:
        """Part the values in those that stand `below`, and the rest."""
        lower = {path: setting for path, setting in self._settings.items() if below(setting)}
        return Values(lower), Values({p: s for p, s in self._settings.items() if p not in lower})

    def table(self) -> dict[str, object]:
        """Return the values as nested tables."""
        root: dict[str, object] = {}
        for path, setting in self._settings.items():
            table = root
            for part in path[:-1]:
                inner = table.setdefault(part, {})
                table = inner if isinstance(inner, dict) else table
            table[path[-1]] = setting.value
        return root

    def over(self, lower: Values, defaults: Mapping[str, str] | None = None) -> Values:
        """Return these values where there are any, and `lower` elsewhere.

        Where a provider is chosen here and another one in `lower`, the other's own settings go with it.

        Args:
            lower: what stands below.
            defaults: providers that `lower` chooses without saying so; without them, settings for no provider
                in particular are for the one that is chosen here.
        """
        dropped = [
            path[:-1] for path in self if path[-1] == "provider" and self._replaces(lower, path, defaults)
        ]
        kept = {p: s for p, s in lower._settings.items() if not _at_or_below(p, (*dropped, *self._settings))}
        return Values({**kept, **self._settings})

    def _replaces(self, lower: Values, path: Path, defaults: Mapping[str, str] | None) -> bool:
        """Whether the provider here is not the one that the lower settings of that slot are for."""
        below = lower.get(path)
        provider = below.value if below is not None else (defaults or {}).get(path[0])
        return provider is not None and provider != self._settings[path].value


def _at_or_below(path: Path, prefixes: Iterable[Path]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in prefixes)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the part of a sentence that says what there is instead of `name`."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}there are: {', '.join(names) or 'none'}"
