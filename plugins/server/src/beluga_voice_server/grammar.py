"""What can be said when the recognizer follows a grammar: sentences of a JSGF file, as examples. Pure.

JSGF: https://www.w3.org/TR/jsgf/. Weights and tags are passed over; imported rules stay as their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

DEEPEST = 24
"""Rules within rules that an example follows; a recursive grammar ends there."""

LONGEST = 60
"""Words of an example."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"(public\s+)?<([^>]+)>\s*=\s*((?:\"[^\"]*\"|\{[^}]*\}|[^;])*);")
_TOKEN = re.compile(r"\"[^\"]*\"|<[^>]+>|\{[^}]*\}|/[\d.eE+-]+/|[()\[\]|*+]|[^\s()\[\]|*+<>{}\"]+")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One way or several: each a sequence of words, names of rules and rules in brackets."""

    ways: tuple[tuple[str | _Rule, ...], ...]


def examples(text: str, most: int) -> tuple[str, ...]:
    """Return up to `most` different sentences of a grammar, spread over its alternatives; none if it is no JSGF."""
    text = _COMMENT.sub(" ", text)
    rules = {name: _parse(body) for _, name, body in _RULE.findall(text)}
    public = [name for mark, name, _ in _RULE.findall(text) if mark] or list(rules)[-1:]
    found: dict[str, None] = {}
    for number in range(most * 16):
        for name in public:
            words = list(islice(_say(rules[name], rules, _Choices(number), 0), LONGEST + 1))
            if 0 < len(words) <= LONGEST:
                found.setdefault(" ".join(words))
            if len(found) >= most:
                return tuple(found)
    return tuple(found)


def _parse(body: str) -> _Rule:
    return _alternatives([each for each in _TOKEN.findall(body) if each[0] not in "/{"])


def _alternatives(tokens: list[str], close: str = "") -> _Rule:
    """Read up to the bracket that closes, which is taken too."""
    ways: list[list[str | _Rule]] = [[]]
    while tokens:
        part = tokens.pop(0)
        if part == close:
            break
        if part == "|":
            ways.append([])
        elif part == "(":
            ways[-1].append(_alternatives(tokens, ")"))
        elif part == "[":
            ways[-1].append(_Rule((*_alternatives(tokens, "]").ways, ())))
        elif part not in "*+)]":
            ways[-1].append(part.strip('"'))
    return _Rule(tuple(map(tuple, ways)))


class _Choices:
    """Reads one number as a choice after the other: the first turns fastest, so that neighbours differ in it."""

    def __init__(self, number: int) -> None:
        self._number = number

    def take(self, ways: int) -> int:
        """Choose one of so many ways."""
        self._number, chosen = divmod(self._number, ways)
        return chosen


def _say(rule: _Rule, rules: Mapping[str, _Rule], choices: _Choices, depth: int) -> Iterator[str]:
    """Give the words of a sentence."""
    if depth > DEEPEST:
        return
    for part in rule.ways[choices.take(len(rule.ways))]:
        if isinstance(part, _Rule):
            yield from _say(part, rules, choices, depth + 1)
        elif not part.startswith("<"):
            yield part
        elif part[1:-1] in rules:
            yield from _say(rules[part[1:-1]], rules, choices, depth + 1)
        elif part not in ("<NULL>", "<VOID>"):
            yield part[1:-1]
