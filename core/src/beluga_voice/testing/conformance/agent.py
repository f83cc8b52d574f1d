"""Does an agent keep the promises of `beluga_voice.contracts.agent`?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from beluga_voice.contracts import Agent, Turn
from beluga_voice.conversation import Message, Role
from beluga_voice.testing.conformance.promises import Promises, Running, expect, soon, together
from beluga_voice.testing.conformance.report import Level

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


@promises.made_by("Agent.reply", "may be closed at any part, and answers the next turn", Level.SILVER)
async def _may_be_closed(case: Case) -> None:
    for parts_before in (0, 1, 2):
        reply = case.agent.reply(_turn("hello"))
        for _ in range(parts_before):
            await anext(reply, None)
        await soon(reply.aclose(), f"closing after {parts_before} part(s)")
        await _reply(case, "hello again")


@promises.made_by("Agent.reply", "may be cancelled while it thinks, and answers the next turn", Level.SILVER)
async def _may_be_cancelled(case: Case) -> None:
    for steps in (1, 2, 5):
        answering = asyncio.create_task(_reply(case, "hello"))
        for _ in range(steps):
            await asyncio.sleep(0)
        answering.cancel()
        await soon(_join(answering), "ending the cancelled reply")
        await _reply(case, "hello again")


@promises.made_by("Agent", "serves many sessions at a time", Level.SILVER)
async def _serves_several_at_once(case: Case) -> None:
    await together(*(_reply(case, "hello", session) for session in ("one", "two", "three")))


@promises.made_by("Agent.reply", "waits for a slow listener, who loses nothing", Level.SILVER)
async def _waits_for_a_slow_listener(case: Case) -> None:
    for pause in (0.0, 0.05):
        async with aclosing(case.agent.reply(_turn("hello"))) as reply:
            async for part in reply:
                expect(isinstance(part, str), f"{part!r} came, which is {type(part).__name__}")
                await asyncio.sleep(pause)


@promises.made_by("Agent.reply", "answers a caller who said a megabyte", Level.SILVER)
async def _takes_a_megabyte(case: Case) -> None:
    await soon(_reply(case, "word " * 200_000), "the reply to a megabyte", 30)


@promises.made_by("Agent", "greeting and speech_text are text")
async def _speaks_text(case: Case) -> None:
    text = case.agent.speech_text("Your table is booked.")
    expect(isinstance(text, str), f"speech_text gave {text!r}")
    expect(isinstance(case.agent.greeting, str), f"greeting is {case.agent.greeting!r}")


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
