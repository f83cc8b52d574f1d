"""The agent's state in one session: seven states, and which changes of it there are. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from beluga_voice.errors import AgentStateError


class AgentState(StrEnum):
    """What an agent does in a session."""

    IDLE = "idle"
    """The session does not run."""

    LISTENING = "listening"
    PROCESSING = "processing"
    """It was asked, and gave no text yet; or has read a tool's result."""

    STREAMING = "streaming"
    """Its model gives text, which may be heard already."""

    EXECUTING_TOOL = "executing_tool"
    SPEAKING = "speaking"
    """All its text is there and is being heard."""

    INTERRUPTED = "interrupted"
    """The caller has taken the floor."""


_S = AgentState

TRANSITIONS: dict[AgentState, frozenset[AgentState]] = {
    _S.IDLE: frozenset({_S.LISTENING}),
    _S.LISTENING: frozenset({_S.PROCESSING, _S.IDLE}),
    _S.PROCESSING: frozenset({_S.STREAMING, _S.EXECUTING_TOOL, _S.IDLE}),
    _S.STREAMING: frozenset({_S.SPEAKING, _S.INTERRUPTED, _S.PROCESSING, _S.IDLE}),
    _S.EXECUTING_TOOL: frozenset({_S.PROCESSING, _S.INTERRUPTED, _S.IDLE}),
    _S.SPEAKING: frozenset({_S.INTERRUPTED, _S.IDLE, _S.LISTENING}),
    _S.INTERRUPTED: frozenset({_S.PROCESSING, _S.IDLE}),
}
"""From each state, the states that may follow."""

StateCallback = Callable[[AgentState], None]


def can_change(old: AgentState, new: AgentState) -> bool:
    """Whether an agent's state may go from `old` to `new`; it never goes to itself."""
    return new in TRANSITIONS[old]


def path(old: AgentState, new: AgentState) -> tuple[AgentState, ...]:
    """The states to go through from `old` to `new`, as few as there can be; none if they are the same."""
    ways: deque[tuple[AgentState, ...]] = deque([(old,)])
    while ways[0][-1] is not new:
        way = ways.popleft()
        ways.extend((*way, state) for state in _S if can_change(way[-1], state) and state not in way)
    return ways[0][1:]


class AgentStates:
    """An agent's state in one session.

    Attributes:
        now: the state.
        on_changed: called with each new state.
    """

    def __init__(self) -> None:
        self.now = _S.IDLE
        self.on_changed: list[StateCallback] = []

    def change(self, new: AgentState) -> None:
        """Go to `new`.

        Raises:
            AgentStateError: it cannot follow; the state is unchanged.
        """
        if not can_change(self.now, new):
            raise AgentStateError(self.now, new)
        self.now = new
        for callback in tuple(self.on_changed):
            callback(new)

    def reach(self, new: AgentState) -> None:
        """Go to `new` by way of the states between; stay if that is where it is."""
        for state in path(self.now, new):
            self.change(state)
