"""Text of callers and agents on a terminal: it can be encoded, and commands nothing."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from enum import Enum
from typing import Any, TypeVar

from beluga_voice.events import Event

E = TypeVar("E", bound=Event)

_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, those that turn the direction of what follows, and halves of a
character, which no encoding has."""


def printable(text: str) -> str:
    """Return `text` with a replacement character for each that a terminal obeys or cannot be given."""
    return _COMMANDS.sub("\ufffd", text)


def on_one_line(event: E) -> E:
    """Return `event` with all its texts as `printable` gives them, each on one line."""
    texts: dict[str, Any] = {
        each.name: printable(re.sub(r"\s+", " ", value))
        for each in fields(event)
        if isinstance(value := getattr(event, each.name), str) and not isinstance(value, Enum)
    }
    return replace(event, **texts) if texts else event
