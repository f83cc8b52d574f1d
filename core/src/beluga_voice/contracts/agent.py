"""Agents: what answers the caller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar

from beluga_voice.conversation import Message


@dataclass(frozen=True, slots=True)
class Turn:
    """The caller's turn that is to be answered.

    Attributes:
        text: what the caller said, never empty.
        number: counts the caller's turns in the session from 1.
        history: the conversation so far, oldest first; its last message is this turn's.
        session_id: of the session that asks.
    """

    text: str
    number: int
    history: tuple[Message, ...]
    session_id: str


class Agent(ABC):
    """Answers the caller's turns. One agent may serve many sessions at a time: state belongs to the turn."""

    kind: ClassVar[str] = "agent"

    @abstractmethod
    def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Answer `turn`, yielding text as it comes; the session speaks it in sentences.

        Closed (`aclose`) when the caller barges in: clean up in `finally`. Yielding nothing is an answer too:
        the session then listens again. What it raises fails this reply, not the session.
        """
