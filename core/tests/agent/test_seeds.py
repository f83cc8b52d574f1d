"""Calls with tools in many orders of ready tasks and at random moments: what holds whatever happens."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from beluga_voice import Agent, Call
from beluga_voice import events as ev
from beluga_voice.agent import AgentState
from beluga_voice.agent.states import can_change
from beluga_voice.clock import run_virtual
from beluga_voice.contracts import AssistantMessage, ToolMessage
from beluga_voice.testing import ScriptedLLM, tool_call
from beluga_voice.testing.fakes.llm import LLMRequest

SEEDS = int(os.environ.get("AGENT_SEEDS", "20"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


def _agent(draw: random.Random) -> Agent[None]:
    agent = Agent("", max_tool_steps=4, max_history=8, filler_after=0.5)
    other = Agent(
        "", name="other", handoffs=[agent], max_history=6, summarize=lambda _, old, __: f"{len(old)}"
    )
    agent.handoffs.append(other)
    for each in (agent, other):

        @each.tool(filler="One moment.", timeout=1.5)
        async def work() -> str:
            await asyncio.sleep(draw.choice((0.0, 0.3, 1.0, 5.0)))
            if draw.random() < 0.2:
                raise ValueError("broken")
            return "worked"

        @each.tool(effects=False)
        async def speak(call: Call) -> str:
            protected = draw.random() < 0.5
            ended = await call.say("I am looking it up.", allow_interruptions=not protected)
            return str(ended.outcome)

        @each.tool
        async def ask(call: Call) -> str:
            return str((await call.reply("Ask.")).outcome)

        @each.tool
        def hush(call: Call) -> None:
            call.interrupt()

    return agent


def _answer(draw: random.Random, request: LLMRequest) -> list[Any]:
    answered = {m.call_id for m in request.messages if isinstance(m, ToolMessage)}
    asked = [c.id for m in request.messages if isinstance(m, AssistantMessage) for c in m.calls]
    assert set(asked) == answered
    assert len(asked) == len(set(asked)), "two calls of one name"
    names = ["work", "speak", "hush", "ask", "nothing", *(tool.name for tool in request.tools[-1:])]
    steps: list[Any] = [draw.choice(("", "Well. ", "Let me see that for you. ")), draw.choice((0.0, 0.2))]
    if request.tool_choice == "auto" and draw.random() < 0.6:
        steps += [tool_call(draw.choice(names)) for _ in range(draw.randrange(1, 4))]
    return steps + ([RuntimeError("lost")] if draw.random() < 0.05 else [])


async def _converse(calls: Any, seed: int) -> Any:
    draw = random.Random(seed)
    llm = ScriptedLLM(lambda request: _answer(draw, request))
    async with calls(_agent(draw), llm=llm, hears=["stop", "mhm", "and then what"] * 9) as phone:
        handles: list[Any] = []
        for _ in range(8):
            match draw.randrange(4):
                case 0:
                    await phone.line.speak(draw.choice((0.3, 0.8)))
                    await phone.line.silence(draw.choice((0.3, 1.0)))
                case 1:
                    handles.append(phone.session.say("By the way."))
                case _:
                    phone.session.send_text("and now")
            await asyncio.sleep(draw.choice((0.0, 0.1, 0.7, 3.0)))
        await asyncio.sleep(300)
        assert phone.session.state in (ev.SessionState.LISTENING, ev.SessionState.AWAY)
        assert phone.agent.state is AgentState.LISTENING
        assert all(handle.done for handle in handles)
        assert phone.agent._replies == {}
        results = [r for step in phone.agent._steps for r in step.results]
        assert not [r for r in results if r.outcome == "running"], "a tool is forgotten"
    return phone


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_call_with_tools_comes_to_rest_and_leaves_nothing(calls: Any, seed: int) -> None:
    phone = run_virtual(_converse(calls, seed), seed=seed)
    states = [AgentState.IDLE, *phone.states]
    for old, new in pairwise(states):
        assert can_change(old, new)
    assert states[-1] is AgentState.IDLE
    started = {event.tool for event in phone.of(ev.ToolStarted)}
    assert started == {event.tool for event in phone.of(ev.ToolFinished)}
    reasons = [event.reason for event in phone.of(ev.UtteranceEnded)]
    assert not [reason for reason in reasons if "AssertionError" in reason]
    asked = len(phone.of(ev.ReplyStarted))
    assert asked == len([e for e in phone.of(ev.UtteranceEnded) if e.source is ev.Source.REPLY])
