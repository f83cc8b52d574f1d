"""The check of language models: the fake passes, and each broken one is told by its promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from beluga_voice.contracts import Finished, FinishReason, TextDelta, ToolCallDelta, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.testing import ScriptedLLM, check_llm, tool_call


class Broken(ScriptedLLM):
    """Breaks one promise."""

    fault = ""

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        given: list[Any] = {
            "no end": [TextDelta("a")],
            "two ends": [Finished(FinishReason.STOP)] * 2,
            "end first": [Finished(FinishReason.STOP), TextDelta("a")],
            "text": ["a", Finished(FinishReason.STOP)],
            "two names": [
                ToolCallDelta(0, "a", "b"),
                ToolCallDelta(0, name="c"),
                Finished(FinishReason.OTHER),
            ],
            "no name": [ToolCallDelta(0, "a"), Finished(FinishReason.OTHER)],
            "two ids": [ToolCallDelta(0, "a", "b"), ToolCallDelta(0, "c"), Finished(FinishReason.OTHER)],
        }.get(self.fault, [Finished(FinishReason.STOP)])
        for chunk in given:
            yield chunk
        if self.fault == "leaves":
            self.left = asyncio.create_task(asyncio.sleep(1000))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("no end", "the last of which is Finished"),
        ("two ends", "2 chunks were Finished"),
        ("end first", "the last chunk was"),
        ("text", "'a'"),
        ("two names", "is named ['b', 'c']"),
        ("no name", "is named []"),
        ("two ids", "has the ids ['a', 'c']"),
        ("leaves", "leaves nothing running"),
        ("answers after aclose", "did not raise ClosedError"),
    ],
)
async def test_a_broken_model_is_told(fault: str, told: str) -> None:
    def make() -> Broken:
        model = Broken()
        model.fault = fault
        return model

    with pytest.raises(AssertionError) as caught:
        await check_llm(make)
    assert told in str(caught.value)
    assert "beluga_voice.contracts.llm." in str(caught.value)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)


async def test_the_scripted_model_keeps_the_contract() -> None:
    await check_llm(ScriptedLLM)
    await check_llm(lambda: ScriptedLLM(lambda r: [0.5, "Hm. ", tool_call("look_up")] if r.tools else "No."))
