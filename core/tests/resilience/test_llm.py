from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from beluga_voice.contracts import LLM, CallerMessage, Finished, FinishReason, TextDelta, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ProviderError
from beluga_voice.resilience import FallbackLLM, FallbackPolicy
from beluga_voice.testing import ScriptedLLM, check_llm

ASKED = (CallerMessage("hello"),)


class OddLLM(LLM):
    """Fails, or is slow, as it is told."""

    def __init__(self, words: Sequence[str], *, fails_after: int | None = None, delay: float = 0.0) -> None:
        self.words = words
        self.fails_after = fails_after
        self.delay = delay
        self.asked = 0

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        self.asked += 1
        await asyncio.sleep(self.delay)
        for number, word in enumerate(self.words):
            if number == self.fails_after:
                raise ProviderError("it broke", retryable=True)
            yield TextDelta(word)
        yield Finished(FinishReason.STOP)


async def text_of(llm: LLM) -> str:
    return "".join([chunk.text async for chunk in llm.stream(ASKED) if isinstance(chunk, TextDelta)])


async def test_keeps_the_contract_of_a_model() -> None:
    await check_llm(lambda: FallbackLLM([ScriptedLLM(["well"] * 50), ScriptedLLM(["other"] * 50)]))


async def test_the_next_model_answers_when_one_fails_before_its_first_word() -> None:
    first, second = OddLLM(["a", "b"], fails_after=0), OddLLM(["c", "d"])
    async with FallbackLLM([first, second]) as both:
        assert await text_of(both) == "cd"
        assert await text_of(both) == "cd"
    assert first.asked == 1


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    first, second = OddLLM(["a", "b"], fails_after=1), OddLLM(["c"])
    async with FallbackLLM([first, second]) as both:
        answer = both.stream(ASKED)
        assert await anext(answer) == TextDelta("a")
        with pytest.raises(ProviderError, match="it broke"):
            await anext(answer)
    assert second.asked == 0


async def test_a_model_that_gives_nothing_in_time_is_left_for_the_next() -> None:
    first, second = OddLLM(["late"], delay=60), OddLLM(["soon"])
    loop = asyncio.get_running_loop()
    async with FallbackLLM([first, second], FallbackPolicy(first_chunk_deadline=2)) as both:
        assert await text_of(both) == "soon"
    assert loop.time() == 2


async def test_the_last_model_is_waited_for() -> None:
    async with FallbackLLM([OddLLM(["late"], delay=60)]) as alone:
        assert await text_of(alone) == "late"


async def test_a_model_is_asked_again_once_its_cooldown_is_over() -> None:
    first, second = OddLLM(["a"], fails_after=0), OddLLM(["b"])
    async with FallbackLLM([first, second]) as both:
        assert await text_of(both) == "b"
        first.fails_after = None
        await asyncio.sleep(both.policy.cooldown)
        assert await text_of(both) == "a"


async def test_models_that_all_fail_tell_the_first_error_and_the_breaker_leaves_them_alone() -> None:
    models = [OddLLM(["a"], fails_after=0), OddLLM(["b"], fails_after=0)]
    async with FallbackLLM(models) as both:
        for _ in range(both.policy.breaker_failures):
            with pytest.raises(ProviderError, match="it broke"):
                await text_of(both)
        with pytest.raises(ProviderError, match="the circuit breaker is open") as raised:
            await text_of(both)
    assert raised.value.retryable
    assert models[0].asked == both.policy.breaker_failures
