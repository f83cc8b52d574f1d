"""What plugins that watch sessions are told: frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from beluga_voice.events import EndReason


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The session that a hook is told of.

    Attributes:
        session_id: its name.
        run: how often it was started, from 1.
        language: BCP 47 tag of the conversation.
        providers: the class of each of its providers by kind, as in ``stt``; empty for what is turned off.
    """

    session_id: str
    run: int
    language: str
    providers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """A turn of the caller's, and what was heard of its reply.

    Attributes:
        turn: its number, from 1.
        text: the caller's words.
        reply: the words of the reply that the caller heard; empty for none.
        outcome: how the reply ended, as in ``played`` or ``cut``; empty if there was none.
        closed_at: the session's time at which the turn closed.
        ended_at: the session's time at which the reply ended.
    """

    turn: int
    text: str
    reply: str
    outcome: str
    closed_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class EndFacts:
    """The end of a session.

    Attributes:
        reason: why it ended.
        duration: seconds that it took.
        turns: how many turns of the caller's were closed.
    """

    reason: EndReason
    duration: float
    turns: int
