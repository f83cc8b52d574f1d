"""Words: when each was said, and what they amount to when they are said over the agent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it is said, in seconds; on which time line, the holder of the word tells."""

    text: str
    start: float
    end: float


class Interruption(StrEnum):
    """What words of the caller amount to while the agent speaks."""

    STOP = "stop"
    """Asks the agent to stop: "stop", "wait", "no"."""

    BACKCHANNEL = "backchannel"
    """Shows that one listens, without taking the turn: "mhm", "yeah"."""

    WORDS = "words"
    """Anything else that holds a word."""

    NONE = "none"
    """No words."""
