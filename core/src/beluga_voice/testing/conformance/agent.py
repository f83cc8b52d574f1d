"""Does an agent keep the promises of `beluga_voice.contracts.agent`?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from beluga_voice.contracts import Agent, Turn
from beluga_voice.conversation import Message, Role
from beluga_voice.testing.conformance.promises import Promises, Running, expect, soon

TEXTS = ("hello", "Zoë 李雷 «да» \U0001f642 e\u0301\u200b", "word " * 2000)


@dataclass(frozen=True, slots=True)
class Case:
    """An agent under check."""

    agent: Agent
    running: Running


promises: Promises[Case] = Promises("beluga_voice.contracts.agent")


async def check_agent(make: Callable[[], Agent]) -> None:
    """Check that an agent keeps its contract.

    Args:
        make: makes an agent.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """
    agent = make()
    await promises.check(Case(agent, Running()), type(agent).__name__)


@promises.made_by("Agent.reply", "yields text, for whatever the caller says")
async def _yields_text(case: Case) -> None:
    for text in TEXTS:
        for part in await _reply(case, text):
            expect(isinstance(part, str), f"{part!r} came, which is {type(part).__name__}")


@promises.made_by("Agent.reply", "may be closed at any part, and answers the next turn")
async def _may_be_closed(case: Case) -> None:
    for parts_before in (0, 1, 2):
        reply = case.agent.reply(_turn("hello"))
        for _ in range(parts_before):
            await anext(reply, None)
        await soon(reply.aclose(), f"closing after {parts_before} part(s)")
        await _reply(case, "hello again")


@promises.made_by("Agent.reply", "may be cancelled while it thinks, and answers the next turn")
async def _may_be_cancelled(case: Case) -> None:
    for steps in (1, 2, 5):
        answering = asyncio.create_task(_reply(case, "hello"))
        for _ in range(steps):
            await asyncio.sleep(0)
        answering.cancel()
        await soon(_join(answering), "ending the cancelled reply")
        await _reply(case, "hello again")


@promises.made_by("Agent", "serves many sessions at a time")
async def _serves_several_at_once(case: Case) -> None:
    await asyncio.gather(*(_reply(case, "hello", session) for session in ("one", "two", "three")))


@promises.made_by("Agent.reply", "leaves nothing running")
async def _leaves_nothing_running(case: Case) -> None:
    case.running.expect_nothing_new()


async def _reply(case: Case, text: str, session: str = "check") -> list[str]:
    async with aclosing(case.agent.reply(_turn(text, session))) as reply:
        return [part async for part in reply]


async def _join(task: asyncio.Task[list[str]]) -> None:
    await asyncio.wait([task])


def _turn(text: str, session: str = "check") -> Turn:
    return Turn(text, 1, (Message(Role.CALLER, text, 1),), session)
