"""The session's state: what it follows from, and which changes of it there are."""

from __future__ import annotations

from beluga_voice.events import SessionState, Source
from beluga_voice.turns.state import Life, State

_S = SessionState

TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    _S.INITIAL: frozenset({_S.LISTENING, _S.ENDED}),
    _S.LISTENING: frozenset({_S.PROCESSING, _S.SPEAKING, _S.AWAY, _S.ENDED}),
    _S.PROCESSING: frozenset({_S.LISTENING, _S.SPEAKING, _S.ENDED}),
    _S.SPEAKING: frozenset({_S.LISTENING, _S.PROCESSING, _S.ENDED}),
    _S.AWAY: frozenset({_S.LISTENING, _S.ENDED}),
    _S.ENDED: frozenset({_S.INITIAL, _S.LISTENING}),
}
"""From each state, the states that may follow. A session that has ended may be started again."""


def can_change(old: SessionState, new: SessionState) -> bool:
    """Whether the session's state may go from `old` to `new`; it never goes to itself."""
    return new in TRANSITIONS[old]


def path(old: SessionState, new: SessionState) -> tuple[SessionState, ...]:
    """The states to go through from `old` to `new`: none, one, or two by way of listening."""
    if old is new:
        return ()
    if can_change(old, new):
        return (new,)
    return (_S.LISTENING, new)


def visible_state(state: State) -> SessionState:
    """What the caller sees (rule 18): speaking wins over processing, and processing over listening."""
    if state.life is Life.INITIAL:
        return _S.INITIAL
    if state.life is Life.ENDED:
        return _S.ENDED
    if _speaks(state):
        return _S.SPEAKING
    if state.reply is not None:
        return _S.PROCESSING
    return _S.AWAY if state.away else _S.LISTENING


def _speaks(state: State) -> bool:
    current = state.current
    if current is None:
        return False
    if not current.started:
        # Audio that follows at once keeps the state: utterances back to back are one speech to the caller.
        return current.ready and state.visible is _S.SPEAKING and not state.paused
    return current.starved is None or current.source is Source.SAY
