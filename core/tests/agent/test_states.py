"""The agent's seven states."""

from __future__ import annotations

from itertools import product

import pytest

from beluga_voice import AgentStateError
from beluga_voice.agent import AgentState, AgentStates
from beluga_voice.agent.states import can_change, path

ALLOWED = {
    "idle": "listening",
    "listening": "processing idle",
    "processing": "streaming executing_tool idle",
    "streaming": "speaking interrupted processing idle",
    "executing_tool": "processing interrupted idle",
    "speaking": "interrupted idle listening",
    "interrupted": "processing idle",
}


def at(state: AgentState) -> AgentStates:
    states = AgentStates()
    states.reach(state)
    return states


@pytest.mark.parametrize(("old", "new"), list(product(AgentState, AgentState)))
def test_a_state_follows_another_by_the_contract_alone(old: AgentState, new: AgentState) -> None:
    allowed = new in ALLOWED[old].split()
    assert can_change(old, new) is allowed
    states = at(old)
    told: list[AgentState] = []
    states.on_changed.append(told.append)
    if allowed:
        states.change(new)
        assert (states.now, told) == (new, [new])
        return
    with pytest.raises(AgentStateError, match=f"^invalid state transition: {old} -> {new}$") as caught:
        states.change(new)
    assert (caught.value.old, caught.value.new, states.now, told) == (old, new, old, [])
    assert caught.value.message == f"invalid state transition: {old} -> {new}"


@pytest.mark.parametrize(("old", "new"), list(product(AgentState, AgentState)))
def test_every_state_is_reached_from_every_other_by_legal_changes(old: AgentState, new: AgentState) -> None:
    way = path(old, new)
    assert (not way) is (old is new)
    for before, after in zip((old, *way), way, strict=False):
        assert can_change(before, after)
    states = at(old)
    states.reach(new)
    assert states.now is new


def test_the_first_state_is_idle() -> None:
    assert AgentStates().now is AgentState.IDLE
