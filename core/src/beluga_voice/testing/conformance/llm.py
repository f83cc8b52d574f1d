"""Does a language model keep the promises of `beluga_voice.contracts.llm`?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from beluga_voice.contracts import (
    LLM,
    AssistantMessage,
    CallerMessage,
    Finished,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolMessage,
    ToolSpec,
    Usage,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing.conformance import provider
from beluga_voice.testing.conformance.faults import GIVES_UP_WITHIN, VendorFaults, expect_retryable
from beluga_voice.testing.conformance.gold import measure, soak
from beluga_voice.testing.conformance.promises import Promises, Running, expect, expect_error, soon, together
from beluga_voice.testing.conformance.report import Level

TEXTS = ("hello", "", "Zoë 李雷 «да» \U0001f642 e\u0301\u200b", "word " * 2000)

TOOL = ToolSpec(
    "look_up",
    "Look something up.",
    {
        "type": "object",
        "properties": {"what": {"type": "string"}},
        "required": ["what"],
        "additionalProperties": False,
    },
)
SYSTEM = SystemMessage("You answer calls. Be brief.")
HELLO: tuple[LLMMessage, ...] = (SYSTEM, CallerMessage("hello"))
CALLED: tuple[LLMMessage, ...] = (
    SYSTEM,
    CallerMessage("find Zoë and 李雷"),
    AssistantMessage("", (ToolCall("a", "look_up", '{"what": "Zoë"}'), ToolCall("b", "look_up", "{}"))),
    ToolMessage("a", "look_up", "found \U0001f642"),
    ToolMessage("b", "look_up", "argument 'what' is missing", failed=True),
)


@dataclass(frozen=True, slots=True)
class Case:
    """An open model under check."""

    llm: LLM
    running: Running
    faults: VendorFaults | None = None


promises: Promises[Case] = Promises("beluga_voice.contracts.llm")


async def check_llm(make: Callable[[], LLM], *, faults: VendorFaults | None = None) -> None:
    """Check that a language model keeps its contract. It is asked some thirty times: give it a recorded vendor.

    Args:
        make: makes a provider that is not open.
        faults: the vendor, whose connection is broken by it; None for a model on this machine.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(llm: LLM) -> None:
        await promises.check(Case(llm, Running(), faults), type(llm).__name__)

    await provider.check_provider(make, check)
    closed = make()
    await closed.open()
    await closed.aclose()
    await after_close.check(Case(closed, Running()), type(closed).__name__)


@promises.made_by("LLM.stream", "yields chunks, the last of which is Finished")
async def _ends_with_finished(case: Case) -> None:
    for text in TEXTS:
        chunks = await _ask(case.llm, (SYSTEM, CallerMessage(text)))
        kinds = (TextDelta, ToolCallDelta, Usage, Finished)
        given: list[object] = list(chunks)
        strangers = [chunk for chunk in given if not isinstance(chunk, kinds)]
        expect(not strangers, f"{strangers[:1]} came")
        expect(bool(chunks) and isinstance(chunks[-1], Finished), f"the last chunk was {chunks[-1:]}")
        ends = sum(isinstance(chunk, Finished) for chunk in chunks)
        expect(ends == 1, f"{ends} chunks were Finished")


@promises.made_by("LLM.stream", "takes messages that end with any kind of message")
async def _takes_any_end(case: Case) -> None:
    said = AssistantMessage("Hello, this is Acme.")
    for messages in ((SYSTEM,), (*HELLO, said), (SYSTEM, said, CallerMessage("hello"), said, said), CALLED):
        await _ask(case.llm, messages, (TOOL,))


@promises.made_by("ToolCallDelta", "the deltas of one index have one name")
async def _names_each_call_once(case: Case) -> None:
    for choice in (ToolChoice.REQUIRED, ToolChoice.AUTO):
        chunks = await _ask(case.llm, HELLO, (TOOL,), choice)
        deltas = [chunk for chunk in chunks if isinstance(chunk, ToolCallDelta)]
        for index in {delta.index for delta in deltas}:
            names = [delta.name for delta in deltas if delta.index == index and delta.name]
            expect(len(names) == 1, f"the call of index {index} is named {names}")
            ids = [delta.id for delta in deltas if delta.index == index and delta.id]
            expect(len(ids) <= 1, f"the call of index {index} has the ids {ids}")


@promises.made_by("LLM.stream", "may be closed at any chunk, and answers again", Level.SILVER)
async def _may_be_closed(case: Case) -> None:
    for before in (0, 1, 2):
        chunks = case.llm.stream(HELLO)
        for _ in range(before):
            await anext(chunks, None)
        await soon(chunks.aclose(), f"closing after {before} chunk(s)")
        await _ask(case.llm, HELLO)


@promises.made_by("LLM.stream", "may be cancelled while it thinks, and answers again", Level.SILVER)
async def _may_be_cancelled(case: Case) -> None:
    for steps in (1, 2, 5):
        asking = asyncio.create_task(_ask(case.llm, HELLO))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await soon(_join(asking), "ending the cancelled answer")
        await _ask(case.llm, HELLO)


@promises.made_by("LLM", "gives any number of answers at a time", Level.SILVER)
async def _answers_several_at_once(case: Case) -> None:
    await together(*(_ask(case.llm, HELLO) for _ in range(3)))


@promises.made_by("LLM.stream", "waits for a slow reader, who loses nothing", Level.SILVER)
async def _waits_for_a_slow_reader(case: Case) -> None:
    chunks: list[LLMChunk] = []
    async with aclosing(case.llm.stream(HELLO)) as answer:
        async for chunk in answer:
            chunks.append(chunk)
            await asyncio.sleep(0.05)
    expect(bool(chunks) and isinstance(chunks[-1], Finished), f"the last chunk was {chunks[-1:]}")


@promises.made_by("LLM.stream", "takes a megabyte, or raises ProviderError", Level.SILVER)
async def _takes_a_megabyte(case: Case) -> None:
    with suppress(ProviderError):  # a model's context ends somewhere
        await soon(_ask(case.llm, (SYSTEM, CallerMessage("word " * 200_000))), "a megabyte's answer", 60)
    await _ask(case.llm, HELLO)


@promises.made_by("LLM.stream", "leaves nothing running when an answer has ended")
async def _leaves_nothing_running(case: Case) -> None:
    await _ask(case.llm, HELLO)
    chunks = case.llm.stream(HELLO)
    await anext(chunks, None)
    await chunks.aclose()
    case.running.expect_nothing_new()


after_close: Promises[Case] = Promises("beluga_voice.contracts.llm")


@after_close.made_by("LLM.stream", "raises ClosedError after aclose, when iterated")
async def _refuses_after_close(case: Case) -> None:
    await expect_error(ClosedError, _ask(case.llm, HELLO), "stream after aclose")


async def _ask(
    llm: LLM,
    messages: Sequence[LLMMessage],
    tools: Sequence[ToolSpec] = (),
    tool_choice: ToolChoice = ToolChoice.AUTO,
) -> list[LLMChunk]:
    async with aclosing(llm.stream(messages, tools, tool_choice=tool_choice)) as chunks:
        return [chunk async for chunk in chunks]


async def _join(task: asyncio.Task[list[LLMChunk]]) -> None:
    await asyncio.wait([task])


# -- when the vendor fails --


@promises.made_by(
    "LLM.stream", "a vendor that drops the line ends no answer early without ProviderError", Level.SILVER
)
async def _survives_a_cut(case: Case) -> None:
    if case.faults is None:
        return
    answer = case.llm.stream(HELLO)
    chunks = [await anext(answer)]
    case.faults.cut()
    try:
        async with asyncio.timeout(GIVES_UP_WITHIN):
            chunks += [chunk async for chunk in answer]
        expect(isinstance(chunks[-1], Finished), "the answer ended without Finished, as if it were whole")
    except ProviderError as error:
        expect_retryable(error, "a dropped line")
    finally:
        await soon(answer.aclose(), "closing after a dropped line")
    await _ask(case.llm, HELLO)


@promises.made_by("LLM.stream", "a vendor that never answers is given up with ProviderError", Level.SILVER)
async def _gives_up_who_never_answers(case: Case) -> None:
    if case.faults is None:
        return
    case.faults.fall_silent()
    try:
        asking = soon(_ask(case.llm, HELLO), "a vendor that never answers", GIVES_UP_WITHIN)
        await expect_error(ProviderError, asking, "a vendor that never answers")
    finally:
        case.faults.recover()
    await _ask(case.llm, HELLO)


# -- gold --


FIRST = 2.0
"""Seconds within which the first chunk of an answer comes."""


@promises.made_by(
    "LLM.stream", "yields a chunk as soon as it is there: the first within 2 s, as measured", Level.GOLD
)
async def _begins_soon(case: Case) -> None:
    loop = asyncio.get_running_loop()

    async def once() -> float:
        asked = loop.time()
        async with aclosing(case.llm.stream(HELLO)) as chunks:
            await anext(chunks)
            return loop.time() - asked

    await measure("the first chunk", once, FIRST, "beluga_voice.testing.conformance.llm.FIRST")


@promises.made_by("LLM", "a soak of answers leaves no task, thread, file or memory behind", Level.GOLD)
async def _soaks(case: Case) -> None:
    await soak(lambda: _ask(case.llm, HELLO))
