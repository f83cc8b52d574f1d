"""Conversations written down: what happens when, and what must follow.

A scene in a file of `scenes/`, as it reads:

    ## a stop word cuts the reply            a name, unique in all files
    rules: 12 13 14                          the turn-taking rules that it exercises
    stt: delay 0.1                           the recognizer; also `tts:`, `detector:`, `turns:`, `session:`
    agent: One two three four. (0.5) Five.   replies, in order; (0.5) waits, (error) fails, (look up) calls a tool
    tool look up: lasts 2, no effects        what the agent's model may call
    1.0-1.6 caller: tell me a story          the caller's sound and its words, spread evenly
    4.0-4.3 caller (never): stop             with what befalls them; `noise` is sound without words
    5.0 say (protected): Hello.              also `text:`, `keys:`, `cut:`, `stop:`, `hang up:`
    > 1.96 closed 1: tell me a story         follows at this time, after the expectation before it
    > 4.4-4.5 barge-in 1: stop word          follows within this time
    > end 1 cut*                             follows at any time; * stands for anything
    > never resume*                          and ? for one character; `once` for exactly one
    > states listening processing            all states, without the first and the last
    > history                                all messages; (cut) marks an interruption
        caller: tell me a story
        agent (cut): One two three

Times are seconds from the start. Frames and windows of the VAD are of 20 ms, so that what starts at 1.00 is found
at 1.06 and what ends at 1.60 at 1.86. Expected times may be a frame off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

SCENES = Path(__file__).with_name("scenes")

TOLERANCE = 0.0205
"""Seconds by which a time may differ from the one that is expected: a frame."""

FAULTS = ("late", "twice", "never", "unseen", "untimed", "ends", "goes on", "mute", "heard as", "early")
"""What may befall the caller's words: see `stage.Ear`."""

_ACT = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))? ([a-z ]+?)(?: \(([^)]*)\))?(?:: (.*))?")
_EXPECTED = re.compile(r"> (?:(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))? )?(.+)")
_TOOL = re.compile(r"tool ([a-z ]+): (.*)")
_KEY = re.compile(r"([a-z]+): (.*)")


@dataclass(frozen=True)
class Act:
    """Something that happens: `kind` at `at` seconds, until `end` where it lasts."""

    at: float
    kind: str
    text: str = ""
    end: float = 0.0
    options: tuple[str, ...] = ()

    def option(self, name: str) -> str | None:
        """What stands behind an option's name; empty if nothing does, None if the option is not there."""
        for option in self.options:
            if option == name or option.startswith(f"{name} "):
                return option[len(name) :].strip()
        return None


@dataclass(frozen=True)
class Expected:
    """A line that must follow, from `since` to `until`."""

    line: str
    since: float = 0.0
    until: float = float("inf")

    def meets(self, at: float, line: str) -> bool:
        return self.since <= at <= self.until and matches(line, self.line)


@dataclass
class Scene:
    """A conversation, and what must follow.

    Attributes:
        settings: by header, as in ``{"stt": {"delay": "0.1"}}``.
        agent: its replies, each a list of texts, seconds to wait, and names in parentheses.
    """

    name: str
    rules: tuple[int, ...] = ()
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    agent: list[list[str | float]] = field(default_factory=list)
    tools: dict[str, dict[str, str]] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    states: list[str] | None = None
    history: list[str] | None = None
    until: float = 0.0

    def setting(self, header: str, key: str, otherwise: str) -> str:
        return self.settings.get(header, {}).get(key, otherwise)

    def number(self, header: str, key: str, otherwise: float) -> float:
        return float(self.setting(header, key, str(otherwise)))

    @property
    def length(self) -> float:
        """Seconds until the session is stopped."""
        if self.until:
            return self.until
        acts = [max(act.at, act.end) for act in self.acts]
        lines = [e.until if e.until < float("inf") else e.since for e in self.expected]
        return max((*acts, *lines), default=0.0) + 0.5


def matches(line: str, pattern: str) -> bool:
    """Whether `line` is as `pattern` says, in which * and ? are wild and [ is not."""
    return fnmatchcase(line, pattern.replace("[", "[[]"))


def read_all() -> list[Scene]:
    """Read every scene of every file."""
    return [scene for path in sorted(SCENES.glob("*.txt")) for scene in read(path.read_text(), path.name)]


def read(text: str, origin: str = "") -> Iterator[Scene]:
    """Read the scenes of a file.

    Raises:
        ValueError: a line is none of those that there are; the text names it.
    """
    scene: Scene | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("# "):
            continue
        if line.startswith("## "):
            if scene is not None:
                yield scene
            scene = Scene(line[3:].strip())
        elif scene is None or not _take(scene, line):
            raise ValueError(f"{origin}:{number}: not understood: {line!r}")
    if scene is not None:
        yield scene


def _take(scene: Scene, line: str) -> bool:
    if line.startswith("    "):
        if scene.history is None:
            return False
        scene.history.append(line.strip())
        return True
    if line.startswith("> "):
        return _take_expected(scene, line)
    if act := _ACT.fullmatch(line):
        at, end, kind, options, text = act.groups()
        chosen = tuple(option.strip() for option in (options or "").split(",") if option.strip())
        scene.acts.append(Act(float(at), kind, text or "", float(end or 0), chosen))
        return True
    if tool := _TOOL.fullmatch(line):
        scene.tools[tool[1]] = _settings(tool[2])
        return True
    return _take_header(scene, line)


def _take_expected(scene: Scene, line: str) -> bool:
    found = _EXPECTED.fullmatch(line)
    if found is None:
        return False
    since, until, text = found.groups()
    word, _, rest = text.partition(" ")
    if since is not None:
        low, high = float(since), float(until or since)
        scene.expected.append(Expected(text, low - TOLERANCE, high + TOLERANCE))
    elif word == "never":
        scene.never.append(rest)
    elif word == "once":
        scene.once.append(rest)
    elif word == "states":
        scene.states = rest.split()
    elif word == "history":
        scene.history = []
    else:
        scene.expected.append(Expected(text))
    return True


def _take_header(scene: Scene, line: str) -> bool:
    found = _KEY.fullmatch(line)
    if found is None:
        return False
    key, value = found.groups()
    if key == "rules":
        scene.rules = tuple(int(rule) for rule in value.split())
    elif key == "until":
        scene.until = float(value)
    elif key == "agent":
        scene.agent.append(_steps(value))
    elif key in ("stt", "tts", "detector", "turns", "line", "vad"):
        scene.settings.setdefault(key, {}).update(_settings(value))
    elif key in ("greeting", "apology", "language", "ahead"):
        scene.settings.setdefault("session", {})[key] = value
    else:
        return False
    return True


def _settings(text: str) -> dict[str, str]:
    """``delay 0.1, no interims`` as a mapping."""
    pairs = {}
    for part in text.split(","):
        name, _, value = part.strip().rpartition(" ")
        if name == "no":
            pairs[value] = "no"
        elif name:
            pairs[name] = value
        else:
            pairs[value] = "yes"
    return pairs


def _steps(text: str) -> list[str | float]:
    """``One. (0.5) Two.`` as texts, seconds, and names in parentheses."""
    steps: list[str | float] = []
    for part in re.split(r"(\([^)]*\))", text):
        if part.startswith("("):
            inner = part[1:-1]
            steps.append(float(inner) if re.fullmatch(r"\d+(\.\d+)?", inner) else part)
        elif part.strip():
            steps.append(part.strip() + " ")
    return steps
