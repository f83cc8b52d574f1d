"""The model against the simulated vendor, which the vendor's own SDK takes for the vendor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    Finished,
    FinishReason,
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
from beluga_voice.errors import ConfigurationError, ProviderError, ProviderTimeoutError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_llm
from beluga_voice_anthropic.llm import AnthropicLLM
from beluga_voice_anthropic.settings import AnthropicSettings
from beluga_voice_simulators.anthropic import AnthropicSimulator
from beluga_voice_simulators.backends import Backends, scripts
from beluga_voice_simulators.faults import REFUSALS, Fault, Faults
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running

STRING = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
TOOLS = (ToolSpec("order_status", "Status.", STRING), ToolSpec("opening_hours", "Hours.", {"type": "object"}))
HELLO: tuple[LLMMessage, ...] = (SystemMessage("Be brief."), CallerMessage("hello"))

real_time = pytest.mark.real_time


def model(vendor: AnthropicSimulator, **options: Any) -> AnthropicLLM:
    settings = {"api_key": SecretStr("good"), "base_url": vendor.url, **options}
    return AnthropicLLM(AnthropicSettings(**settings))


@asynccontextmanager
async def talking(
    *answers: str | Thought, **options: Any
) -> AsyncIterator[tuple[AnthropicSimulator, AnthropicLLM]]:
    faults = Faults(slow=30.0, retry_after=0.05)
    backends = Backends(mind=ScriptedMind(answers))
    async with (
        AnthropicSimulator(backends, keys={"good"}, faults=faults) as vendor,
        model(vendor, **options) as llm,
    ):
        yield vendor, llm


async def ask(
    llm: AnthropicLLM, messages: tuple[LLMMessage, ...] = HELLO, *given: Any, **named: Any
) -> list[LLMChunk]:
    async with aclosing(llm.stream(messages, *given, **named)) as chunks:
        return [chunk async for chunk in chunks]


async def collect(llm: AnthropicLLM, chunks: list[LLMChunk]) -> None:
    async for chunk in llm.stream(HELLO):
        chunks.append(chunk)  # noqa: PERF401 - what came before an error is kept


def text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


@real_time
async def test_keeps_the_contract() -> None:
    with running(AnthropicSimulator()) as vendor:
        await check_llm(lambda: model(vendor))


@real_time
async def test_answers_word_by_word_with_usage() -> None:
    async with talking("Hello, this is Acme.") as (vendor, llm):
        chunks = await ask(llm)
        assert [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)][:2] == ["Hello,", " this"]
        usage, end = chunks[-2:]
        assert isinstance(usage, Usage)
        assert usage.input_tokens > 0
        assert usage.output_tokens == 4
        assert end == Finished(FinishReason.STOP)
        assert vendor.asked[0].headers["anthropic-version"] == "2026-10-21"
        assert (llm.provider_name, llm.model_name) == ("anthropic", "claude-haiku-5-5")


@real_time
async def test_calls_two_tools_at_once_and_tells_their_results() -> None:
    both = Thought("One moment.", (("order_status", {"order": "7"}), ("opening_hours", {})))
    async with talking(both) as (_, llm):
        chunks = await ask(llm, HELLO, TOOLS)
        deltas = [chunk for chunk in chunks if isinstance(chunk, ToolCallDelta)]
        arguments = ["".join(d.arguments for d in deltas if d.index == n) for n in (0, 1)]
        names = {delta.name: delta.id for delta in deltas if delta.name}
        assert arguments == ['{"order": "7"}', "{}"]
        assert list(names) == ["order_status", "opening_hours"]
        assert chunks[-1] == Finished(FinishReason.TOOL_CALLS)
        calls = tuple(ToolCall(i, n, a) for (n, i), a in zip(names.items(), arguments, strict=True))
        results = tuple(ToolMessage(call.id, call.name, "found") for call in calls)
        told = await ask(llm, (*HELLO, AssistantMessage("One moment.", calls), *results), TOOLS)
        assert text(told) == "order_status says: found. opening_hours says: found."


@real_time
async def test_must_or_must_not_call() -> None:
    async with talking() as (_, llm):
        must = await ask(llm, HELLO, TOOLS, tool_choice=ToolChoice.REQUIRED)
        assert any(isinstance(chunk, ToolCallDelta) for chunk in must)
        named = (CallerMessage("order status"),)
        must_not = await ask(llm, named, TOOLS, tool_choice=ToolChoice.NONE)
        assert not any(isinstance(chunk, ToolCallDelta) for chunk in must_not)


@real_time
async def test_a_long_conversation_is_read_from_the_vendors_cache() -> None:
    long = (SystemMessage("word " * 2000), CallerMessage("hello"))
    async with talking("Yes?", "Seven it is.") as (_, llm):
        (first,) = [chunk for chunk in await ask(llm, long) if isinstance(chunk, Usage)]
        more = (*long, AssistantMessage("Yes?"), CallerMessage("order seven"))
        (second,) = [chunk for chunk in await ask(llm, more) if isinstance(chunk, Usage)]
    assert first.cached_tokens == 0
    assert second.cached_tokens == first.input_tokens
    assert second.input_tokens > first.input_tokens > 2000


@real_time
async def test_an_answer_is_cut_at_its_tokens() -> None:
    async with talking("one two three four", max_tokens=2) as (_, llm):
        chunks = await ask(llm)
        assert text(chunks) == "one two"
        assert chunks[-1] == Finished(FinishReason.LENGTH)


@real_time
@pytest.mark.parametrize("fault", REFUSALS)
async def test_every_status_is_an_error_that_says_whether_to_try_again(fault: Fault) -> None:
    async with talking(tries=1) as (vendor, llm):
        vendor.faults.play(fault)
        with pytest.raises(ProviderError) as caught:
            await ask(llm)
        retryable = fault in (Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.OVERLOADED)
        assert caught.value.retryable == retryable
        assert caught.value.kind == "llm"
        if fault is Fault.OVERLOADED:
            assert vendor.asked[0].status == 529
        if fault is Fault.UNAUTHORIZED:
            assert "ANTHROPIC_API_KEY" in str(caught.value)
        assert text(await ask(llm)) == "You said: hello"


@real_time
async def test_a_call_that_was_refused_is_made_again_after_what_the_vendor_asks() -> None:
    async with talking("Here.") as (vendor, llm):
        vendor.faults.play(Fault.RATE_LIMITED)
        assert text(await ask(llm)) == "Here."
        assert [asked.status for asked in vendor.asked] == [429, 200]


@real_time
async def test_an_answer_that_breaks_off_fails_with_what_came_before() -> None:
    async with talking("one two three four five six") as (vendor, llm):
        vendor.faults.play(Fault.HALF_ANSWER)
        chunks: list[LLMChunk] = []
        with pytest.raises(ProviderError, match="overloaded") as caught:
            await collect(llm, chunks)
        assert text(chunks).startswith("one two")
        assert caught.value.retryable


@real_time
async def test_what_is_no_json_fails() -> None:
    async with talking() as (vendor, llm):
        vendor.faults.play(Fault.MALFORMED)
        with pytest.raises(ProviderError, match="cannot be read"):
            await ask(llm)


@real_time
async def test_a_vendor_that_does_not_begin_is_given_up() -> None:
    async with talking(first_byte_timeout=0.1, tries=1) as (vendor, llm):
        vendor.faults.play(Fault.SLOW_FIRST_BYTE)
        with pytest.raises(ProviderTimeoutError):
            await ask(llm)


@real_time
async def test_health_tells_a_wrong_key_a_wrong_model_and_no_host_apart() -> None:
    async with talking() as (vendor, llm):
        await llm.check_health()
        async with model(vendor, api_key=SecretStr("bad")) as wrong_key:
            with pytest.raises(ProviderError, match="refused the key"):
                await wrong_key.check_health()
        async with model(vendor, model="claude-9") as wrong_model:
            with pytest.raises(ProviderError, match="knows no such model"):
                await wrong_model.check_health()
        async with model(vendor, base_url="http://127.0.0.1:9", tries=1) as no_host:
            with pytest.raises(ProviderError, match="cannot be reached"):
                await no_host.check_health()


async def test_a_missing_key_is_told_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
        await AnthropicLLM().open()


@real_time
async def test_is_chosen_by_name_with_the_simulators_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AnthropicSimulator(scripts((), ["Found."]), keys={"sk-ant-7"}) as vendor:
        for name, value in vendor.environment().items():
            monkeypatch.setenv(name, value)
        async with Plugins.discover().llm.create("anthropic") as llm, aclosing(llm.stream(HELLO)) as chunks:
            assert text([chunk async for chunk in chunks]) == "Found."


def test_loads_neither_sdk_nor_client_before_the_first_call() -> None:
    code = (
        "import sys; from beluga_voice_anthropic.llm import AnthropicLLM; AnthropicLLM(); "
        "sys.exit(bool({'anthropic', 'aiohttp', 'httpx2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
