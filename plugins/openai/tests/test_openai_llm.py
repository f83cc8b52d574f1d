"""The language model, over Chat Completions and Responses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from beluga_voice.connection import Service
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
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.testing import check_llm
from beluga_voice_openai import chat, responses
from beluga_voice_openai.llm import OpenAILLM
from beluga_voice_openai.settings import OpenAILLMSettings
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.thinking import ScriptedMind, Thought

TOOL = ToolSpec(
    "look_up", "Look up an order.", {"type": "object", "properties": {"order": {"type": "string"}}}
)
HELLO = (SystemMessage("Be brief."), CallerMessage("hello"))
SERVICE = Service("OpenAI", "OPENAI_API_KEY", "llm")
CALLED: tuple[LLMMessage, ...] = (
    *HELLO,
    AssistantMessage(
        "One moment.", (ToolCall("a", "look_up", '{"order": "7"}'), ToolCall("b", "look_up", "{}"))
    ),
    ToolMessage("a", "look_up", "shipped"),
    ToolMessage("b", "look_up", "no such order", failed=True),
)

each_api = pytest.mark.parametrize("api", ["chat", "responses"])


async def ask(llm: OpenAILLM, messages: Any = HELLO, tools: Any = (), **options: Any) -> list[LLMChunk]:
    async with aclosing(llm.stream(messages, tools, **options)) as chunks:
        return [chunk async for chunk in chunks]


async def gather(chunks: AsyncIterator[LLMChunk], given: list[LLMChunk]) -> None:
    async for chunk in chunks:
        given.append(chunk)  # noqa: PERF401 - what came before an error counts


def text_of(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


@each_api
@pytest.mark.real_time
async def test_keeps_the_contract(vendor: OpenAISimulator, account: dict[str, Any], api: str) -> None:
    await check_llm(lambda: OpenAILLM(OpenAILLMSettings(api=api, **account)))


@each_api
@pytest.mark.real_time
async def test_streams_text_and_tells_its_usage(
    vendor: OpenAISimulator, account: dict[str, Any], api: str
) -> None:
    async with OpenAILLM(OpenAILLMSettings(api=api, **account)) as llm:
        chunks = await ask(llm)
    assert text_of(chunks) == "You said: hello"
    assert sum(isinstance(chunk, TextDelta) for chunk in chunks) == 3
    assert chunks[-2:] == [Usage(11, 3), Finished(FinishReason.STOP)]


@each_api
@pytest.mark.real_time
async def test_calls_several_tools_and_tells_of_their_results(
    vendor: OpenAISimulator, account: dict[str, Any], api: str
) -> None:
    two = Thought("Let me see.", (("look_up", {"order": "seven"}), ("look_up", {"order": "eight"})))
    object.__setattr__(vendor.backends, "mind", ScriptedMind([two]))
    async with OpenAILLM(OpenAILLMSettings(api=api, **account)) as llm:
        chunks = await ask(llm, HELLO, (TOOL,))
        calls = [chunk for chunk in chunks if isinstance(chunk, ToolCallDelta)]
        for index, order in enumerate(("seven", "eight")):
            arguments = "".join(call.arguments for call in calls if call.index == index)
            assert json.loads(arguments) == {"order": order}
        assert text_of(chunks) == "Let me see."
        assert chunks[-1] == Finished(FinishReason.TOOL_CALLS)
        assert (
            text_of(await ask(llm, CALLED, (TOOL,))) == "look_up says: shipped. look_up says: no such order."
        )
        chunks = await ask(llm, HELLO, (TOOL,), tool_choice=ToolChoice.REQUIRED)
        assert any(isinstance(chunk, ToolCallDelta) for chunk in chunks)
        assert text_of(await ask(llm, HELLO, (TOOL,), tool_choice=ToolChoice.NONE)) == "You said: hello"


@each_api
@pytest.mark.parametrize(("fault", "status"), REFUSALS.items())
@pytest.mark.real_time
async def test_each_refusal_is_an_error_of_ours(
    vendor: OpenAISimulator, account: dict[str, Any], api: str, fault: Fault, status: int
) -> None:
    vendor.faults.play(fault)
    async with OpenAILLM(OpenAILLMSettings(api=api, **account)) as llm:
        with pytest.raises(ProviderError, match=f"HTTP {status}") as caught:
            await ask(llm)
    assert caught.value.retryable == (status in (429, 500, 503))
    assert caught.value.kind == "llm"
    assert caught.value.retry_after == (vendor.faults.retry_after if status == 429 else None)


@each_api
@pytest.mark.real_time
async def test_an_answer_that_breaks_off_fails_after_what_was_given(
    vendor: OpenAISimulator, account: dict[str, Any], api: str
) -> None:
    vendor.faults.play(Fault.HALF_ANSWER)
    given: list[LLMChunk] = []
    async with OpenAILLM(OpenAILLMSettings(api=api, **account)) as llm:
        chunks = llm.stream((CallerMessage("one two three four five six"),))
        with pytest.raises(ProviderError, match="broke off") as caught:
            await gather(chunks, given)
    assert text_of(given).startswith("You said: one")
    assert caught.value.retryable


@pytest.mark.real_time
async def test_waits_as_asked_and_asks_again(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    vendor.faults.retry_after = 0.01
    vendor.faults.play(Fault.RATE_LIMITED)
    async with OpenAILLM(OpenAILLMSettings(**{**account, "tries": 2})) as llm:
        assert text_of(await ask(llm)) == "You said: hello"
    assert [asked.status for asked in vendor.asked] == [429, 200]


@pytest.mark.real_time
async def test_a_vendor_that_takes_too_long_is_given_up(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.slow = 5.0
    vendor.faults.play(Fault.SLOW_FIRST_BYTE)
    async with OpenAILLM(OpenAILLMSettings(**account, first_byte_timeout=0.1)) as llm:
        with pytest.raises(ProviderError, match=r"did not answer within 0\.1 s"):
            await ask(llm)


@pytest.mark.real_time
async def test_tells_a_wrong_key_an_unreachable_host_and_a_wrong_model_apart(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with OpenAILLM(OpenAILLMSettings(**account)) as llm:
        await llm.check_health()
    wrongs = {
        "refused the key": {"api_key": "sk-bad"},
        "cannot be reached": {"base_url": "http://127.0.0.1:9/v1"},
        "has no model 'gpt-9'; it has gpt-4.1|has no model 'gpt-9' for this key": {"model": "gpt-9"},
    }
    for words, wrong in wrongs.items():
        async with OpenAILLM(OpenAILLMSettings(**{**account, **wrong})) as llm:
            with pytest.raises(ProviderError, match=words):
                await llm.check_health()


async def test_a_missing_key_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match="Try: export OPENAI_API_KEY"):
        await OpenAILLM().open()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1")
    async with OpenAILLM():
        pass


@pytest.mark.real_time
async def test_key_address_organization_and_project_come_from_the_environment(
    vendor: OpenAISimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in vendor.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    async with OpenAILLM(OpenAILLMSettings(model="gpt-4o", extra={"seed": 7}, temperature=0.5)) as llm:
        await ask(llm)
    (asked,) = vendor.asked
    assert asked.headers["Authorization"] == "Bearer sk-good"
    assert asked.headers["OpenAI-Organization"] == "org-1"
    assert asked.headers["OpenAI-Project"] == "proj-1"
    assert {"model": "gpt-4o", "seed": 7, "temperature": 0.5}.items() <= dict(asked.body).items()


# -- messages of other servers, as recorded --


def read(*events: dict[str, Any]) -> list[LLMChunk | None]:
    answer = chat.ChatAnswer(SERVICE)
    return [*(chunk for event in events for chunk in answer.feed(event)), answer.end()]


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


def test_whole_calls_without_an_index_are_calls_of_their_own() -> None:
    calls = [{"id": i, "function": {"name": "look_up", "arguments": "{}"}} for i in ("a", "b")]
    chunks = read(delta(tool_calls=calls), END)
    assert chunks[:2] == [ToolCallDelta(0, "a", "look_up", "{}"), ToolCallDelta(1, "b", "look_up", "{}")]
    apart = read(delta(tool_calls=calls[:1]), delta(tool_calls=calls[1:]), END)
    assert apart == chunks


def test_a_name_that_is_repeated_is_given_once() -> None:
    repeated = {"index": 0, "id": "a", "function": {"name": "look_up", "arguments": "{"}}
    chunks = read(delta(tool_calls=[repeated]), delta(tool_calls=[repeated]), END)
    assert chunks[:2] == [ToolCallDelta(0, "a", "look_up", "{"), ToolCallDelta(0, "", "", "{")]


def test_events_without_choices_or_with_nulls_are_passed_over() -> None:
    assert read({"choices": []}, {"choices": None}, delta(role="assistant", content=None), {}) == [None]


def test_a_response_cut_by_its_length_or_by_a_filter_says_so() -> None:
    for reason, ours in (
        ("max_output_tokens", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
    ):
        answer = responses.ResponsesAnswer(SERVICE)
        list(
            answer.feed(
                {"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}}
            )
        )
        assert answer.end() == Finished(ours)


def test_halves_of_surrogate_pairs_do_not_reach_the_vendor() -> None:
    body = chat.body(OpenAILLMSettings(), (CallerMessage("a\ud800b"),), (), ToolChoice.AUTO)
    assert body["messages"] == [{"role": "user", "content": "a?b"}]
