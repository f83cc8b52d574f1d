"""Agents in sessions: what the eight tests that the predecessor skipped were to hold; and its two tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from beluga_voice import Agent, AgentStateError, ErrorCode, SessionError, SessionState, Turn
from beluga_voice import events as ev
from beluga_voice.agent import AgentInstance, AgentState
from beluga_voice.agent.states import TRANSITIONS, AgentStates, can_change
from beluga_voice.testing import ScriptedAgent, ScriptedLLM, tool_call

IDLE, LISTENING, PROCESSING = AgentState.IDLE, AgentState.LISTENING, AgentState.PROCESSING
STREAMING, TOOL = AgentState.STREAMING, AgentState.EXECUTING_TOOL
SPEAKING, INTERRUPTED = AgentState.SPEAKING, AgentState.INTERRUPTED


async def test_a_session_accepts_an_agent_and_knows_it_as_an_instance(make: Any) -> None:
    fed = make(agent=Agent("Be brief.", llm=ScriptedLLM(["Hello."])))
    instance = fed.session.agent
    assert isinstance(instance, AgentInstance)
    assert instance.state is IDLE
    async with fed.session:
        assert instance.state is LISTENING
        assert await fed.session.process_transcript("hi") == "Hello."
    assert instance.state is IDLE


async def test_a_reply_is_heard_while_the_agent_still_makes_it(make: Any) -> None:
    agent = ScriptedAgent([["First sentence. ", 2.0, "Second sentence."]])
    fed, spoken = make(agent=agent), []
    fed.session.on_event(lambda e: spoken.append(e.at) if isinstance(e, ev.PlayoutStarted) else None)
    async with fed.session:
        asked = asyncio.get_running_loop().time()
        assert await fed.session.process_transcript("hello") == "First sentence. Second sentence."
    assert spoken[0] - asked < 0.1, "before the second sentence was there"


async def test_an_interruption_stops_the_agent_at_once_and_is_remembered(make: Any) -> None:
    llm = ScriptedLLM([["One two three four five six. ", 30.0, "Seven."], "Fine."])
    fed = make(agent=Agent("Count.", llm=llm))
    states: list[AgentState] = []
    async with fed.session:
        instance = fed.session.agent
        instance.states.on_changed.append(states.append)
        fed.session.send_text("count")
        await asyncio.sleep(1.0)
        assert instance.context.streaming_active
        assert instance.context.last_interruption is None
        began = asyncio.get_running_loop().time()
        fed.session.interrupt()
        await asyncio.sleep(0)
        assert not instance.context.streaming_active
        assert asyncio.get_running_loop().time() - began < 0.01
        assert fed.session.state is SessionState.LISTENING
        assert llm.cut == 1
    assert all(can_change(old, new) for old, new in pairwise([LISTENING, *states]))


async def test_the_conversation_is_kept_user_then_assistant_and_given_to_the_agent(make: Any) -> None:
    agent = ScriptedAgent(["One.", "Two."])
    fed = make(agent=agent)
    async with fed.session:
        await fed.session.process_transcript("first")
        await fed.session.process_transcript("second")
    told = [("caller", "first"), ("agent", "One."), ("caller", "second"), ("agent", "Two.")]
    assert [(m.role, m.text) for m in fed.session.history] == told
    assert [(m.role, m.text) for m in agent.turns[1].history] == told[:3]


def plain(turn: Turn) -> str:
    return f"You said {turn.text}."


async def later(turn: Turn) -> str:
    await asyncio.sleep(0.1)
    return f"You said {turn.text}."


async def streamed(turn: Turn) -> AsyncIterator[str]:
    yield "You said "
    yield f"{turn.text}."


@pytest.mark.parametrize("callback", [plain, later, streamed])
async def test_a_callback_serves_as_agent(make: Any, callback: Any) -> None:
    fed = make(hears=["hello"], agent=callback)
    async with fed.session:
        assert await fed.session.process_transcript("hi") == "You said hi."
        await fed.speaks(0.6)
        await asyncio.sleep(3)
        assert fed.session.history[-1].text == "You said hello."


async def test_an_agent_that_fails_fails_its_reply_and_the_turn_stays_in_the_history(make: Any) -> None:
    def fails(turn: Turn) -> str:
        raise LookupError("no answer")

    fed = make(agent=fails)
    async with fed.session:
        with pytest.raises(SessionError, match="no answer") as caught:
            await fed.session.process_transcript("hello")
        assert caught.value.code is ErrorCode.AGENT_ERROR
        assert isinstance(caught.value.cause, LookupError)
        assert [m.text for m in fed.session.history] == ["hello"]
        assert fed.session.state is SessionState.LISTENING


async def test_many_sessions_of_one_agent_share_nothing(make: Any) -> None:
    agent = Agent("Echo.", llm=ScriptedLLM(lambda request: request.caller))

    async def call(number: int) -> list[str]:
        fed = make(agent=agent)
        async with fed.session:
            for turn in range(3):
                await fed.session.process_transcript(f"{number} {turn}")
        return [m.text for m in fed.session.history]

    calls = await asyncio.gather(*(call(number) for number in range(30)))
    assert calls == [[f"{n} {turn}" for turn in range(3) for _ in range(2)] for n in range(30)]


@pytest.mark.real_time
async def test_the_framework_s_own_part_of_an_answer_is_short(make: Any) -> None:
    fed, loop = make(agent=lambda turn: "One."), asyncio.get_running_loop()
    times: list[float] = []
    fed.session.on_event(lambda e: times.append(loop.time()) if isinstance(e, ev.PlayoutStarted) else None)
    waits = []
    async with fed.session:
        for _ in range(3):
            asked = loop.time()
            fed.session.send_text("hello")
            await asyncio.sleep(0.4)
            waits.append(times[-1] - asked)
    assert min(waits) < 0.05, "from the transcript to the first audio"


async def test_a_tool_goes_through_its_state_and_its_result_is_kept(make: Any) -> None:
    agent = Agent("Help.", llm=ScriptedLLM([tool_call("look", what="order"), "It is there."]))

    @agent.tool
    async def look(what: str) -> str:
        """Look something up."""
        return f"{what} found"

    fed = make(agent=agent)
    states: list[AgentState] = []
    async with fed.session:
        fed.session.agent.states.on_changed.append(states.append)
        assert await fed.session.process_transcript("where is it") == "It is there."
        (result,) = fed.session.agent.context.tool_results
        assert (result.call.name, result.content) == ("look", "order found")
    assert TOOL in states
    assert all(can_change(old, new) for old, new in pairwise([LISTENING, *states]))


def test_the_table_of_the_agent_s_states_is_the_contract_s_and_is_enforced() -> None:
    table = {
        IDLE: {LISTENING},
        LISTENING: {PROCESSING, IDLE},
        PROCESSING: {STREAMING, TOOL, IDLE},
        STREAMING: {SPEAKING, INTERRUPTED, PROCESSING, IDLE},
        TOOL: {PROCESSING, INTERRUPTED, IDLE},
        SPEAKING: {INTERRUPTED, IDLE, LISTENING},
        INTERRUPTED: {PROCESSING, IDLE},
    }
    assert {old: set(new) for old, new in TRANSITIONS.items()} == table
    for old in AgentState:
        for new in AgentState:
            states = AgentStates()
            states.now = old
            if new in table[old]:
                states.change(new)
                assert states.now is new
            else:
                with pytest.raises(AgentStateError, match=f"invalid state transition: {old} -> {new}"):
                    states.change(new)
                assert states.now is old
