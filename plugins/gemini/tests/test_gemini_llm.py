"""The language model: pure parts, and against the simulated vendor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from beluga_voice.connection import ServerEvent
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
from beluga_voice.testing import check_llm
from beluga_voice_gemini.answers import AnswerReader
from beluga_voice_gemini.contents import BEGIN, GO_ON, SILENCE, UNSIGNED, body_of, contents
from beluga_voice_gemini.llm import SERVICE, GeminiLLM
from beluga_voice_gemini.settings import GeminiSettings
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.faults import REFUSALS, Fault, Faults
from beluga_voice_simulators.gemini import GeminiSimulator
from beluga_voice_simulators.gemini.request import GenerateRequest, check, read
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running

STRING = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
TOOLS = (ToolSpec("order_status", "Status.", STRING), ToolSpec("opening_hours", "Hours.", {"type": "object"}))
HELLO: tuple[LLMMessage, ...] = (SystemMessage("Be brief."), CallerMessage("hello"))
SETTINGS = GeminiSettings(api_key=SecretStr("k"), base_url="http://h")

real_time = pytest.mark.real_time


# -- what is sent --


def test_words_of_both_sides_alternate_and_results_have_a_turn_of_their_own() -> None:
    said = [
        AssistantMessage("Acme, hello."),
        CallerMessage(""),
        AssistantMessage("", (ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "f", "{oops"))),
        ToolMessage("a", "f", "7"),
        ToolMessage("b", "f", "no", failed=True),
        CallerMessage("Well?"),
        AssistantMessage("Seven."),
    ]
    made = contents(said, {"a": "signed", "b": ""}.get)
    assert [turn["role"] for turn in made] == [
        "user",
        "model",
        "user",
        "model",
        "user",
        "user",
        "model",
        "user",
    ]
    parts: list[Any] = [turn["parts"] for turn in made]
    assert parts[0] == [{"text": BEGIN}]
    assert parts[2] == [{"text": SILENCE}]
    assert parts[3][0]["thoughtSignature"] == "signed"
    assert parts[3][1] == {"functionCall": {"id": "b", "name": "f", "args": {}}}
    assert [part["functionResponse"]["response"] for part in parts[4]] == [{"output": "7"}, {"error": "no"}]
    assert parts[-1] == [{"text": GO_ON}]


def test_a_call_of_another_vendors_model_is_marked_as_unsigned() -> None:
    calls = AssistantMessage("", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")))
    results = [ToolMessage(name, "f", "7") for name in "ab"]
    made: list[Any] = contents([CallerMessage("hi"), calls, *results], lambda _: None)
    assert [part.get("thoughtSignature") for part in made[1]["parts"]] == [UNSIGNED, None]


def test_options_are_sent_where_they_are_set() -> None:
    def body(**options: Any) -> Any:
        return body_of(SETTINGS.model_copy(update=options), HELLO, TOOLS, ToolChoice.REQUIRED, lambda _: None)

    plain = body()
    assert plain["generationConfig"] == {"maxOutputTokens": 2048}
    assert plain["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert plain["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    full = body(thinking_level="low", temperature=0.5)["generationConfig"]
    assert full["thinkingConfig"] == {"thinkingLevel": "LOW"}
    assert full["temperature"] == 0.5
    assert body(thinking_budget=0)["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}


words = st.text(max_size=8)


@st.composite
def conversations(draw: st.DrawFn) -> list[LLMMessage]:
    said: list[LLMMessage] = [SystemMessage(draw(words))]
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 2))
        if kind == 0:
            said.append(CallerMessage(draw(words)))
        elif kind == 1:
            said.append(AssistantMessage(draw(words)))
        else:
            calls = tuple(ToolCall(f"{number}{n}", "order_status", draw(words)) for n in range(2))
            said += [CallerMessage(draw(words)), AssistantMessage(draw(words), calls)]
            said += [ToolMessage(c.id, c.name, draw(words), draw(st.booleans())) for c in calls]
    return said


@given(conversations())
def test_the_vendor_takes_any_conversation(said: list[LLMMessage]) -> None:
    body = body_of(SETTINGS, said, TOOLS, ToolChoice.AUTO, lambda _: None)
    check(read(GenerateRequest, body), signed=set())


# -- what comes back --


def reader() -> AnswerReader:
    return AnswerReader(SERVICE, lambda call, signature: None, lambda: "made-up")


def events(*data: object) -> list[LLMChunk]:
    reading = reader()
    read_ = [chunk for each in data for chunk in reading.read(ServerEvent(json.dumps(each)))]
    return [*read_, *reading.end()]


def test_a_recorded_answer_with_thoughts_words_and_calls() -> None:
    def chunk(*parts: dict[str, object], **rest: object) -> dict[str, object]:
        return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **rest}]}

    usage = {
        "promptTokenCount": 90,
        "candidatesTokenCount": 12,
        "thoughtsTokenCount": 30,
        "toolUsePromptTokenCount": 4,
        "cachedContentTokenCount": 64,
        "totalTokenCount": 136,
    }
    last = chunk({"functionCall": {"name": "g"}}, finishReason="STOP") | {"usageMetadata": usage}
    assert events(
        chunk({"text": "Hm.", "thought": True}),
        chunk({"text": "One moment."}, {"functionCall": {"id": "x", "name": "f", "args": {"a": 1}}}),
        last,
    ) == [
        TextDelta("One moment."),
        ToolCallDelta(0, "x", "f", '{"a": 1}'),
        ToolCallDelta(1, "made-up", "g", "{}"),
        Usage(94, 42, 64),
        Finished(FinishReason.TOOL_CALLS),
    ]


@pytest.mark.parametrize(
    ("reason", "finished"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.OTHER),
    ],
)
def test_reasons_to_stop(reason: str, finished: FinishReason) -> None:
    assert events({"candidates": [{"finishReason": reason}]})[-1] == Finished(finished)
    assert events({"promptFeedback": {"blockReason": "SAFETY"}})[-1] == Finished(FinishReason.CONTENT_FILTER)


@pytest.mark.parametrize(
    "data", ['{"', "[]", '{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}']
)
def test_what_cannot_be_read_is_the_vendors_fault(data: str) -> None:
    with pytest.raises(ProviderError, match="cannot be read"):
        list(reader().read(ServerEvent(data)))


# -- against the simulated vendor --


def model(vendor: GeminiSimulator, **options: Any) -> GeminiLLM:
    return GeminiLLM(GeminiSettings(**{"api_key": SecretStr("good"), "base_url": vendor.url, **options}))


@asynccontextmanager
async def talking(
    *answers: str | Thought, **options: Any
) -> AsyncIterator[tuple[GeminiSimulator, GeminiLLM]]:
    faults = Faults(slow=30.0, retry_after=0.05)
    backends = Backends(mind=ScriptedMind(answers))
    async with (
        GeminiSimulator(backends, keys={"good"}, faults=faults) as vendor,
        model(vendor, **options) as llm,
    ):
        yield vendor, llm


async def ask(
    llm: GeminiLLM, messages: tuple[LLMMessage, ...] = HELLO, *given: Any, **named: Any
) -> list[LLMChunk]:
    async with aclosing(llm.stream(messages, *given, **named)) as chunks:
        return [chunk async for chunk in chunks]


def text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


@real_time
async def test_keeps_the_contract() -> None:
    with running(GeminiSimulator()) as vendor:
        await check_llm(lambda: model(vendor))


@real_time
async def test_answers_word_by_word_with_usage() -> None:
    async with talking("Hello, this is Acme.") as (_, llm):
        chunks = await ask(llm)
        assert text(chunks) == "Hello, this is Acme."
        assert chunks[-1] == Finished(FinishReason.STOP)
        assert isinstance(chunks[-2], Usage)
        assert chunks[-2].output_tokens == 4
        assert (llm.provider_name, llm.model_name) == ("gcp.gemini", "gemini-3.8-flash")


@real_time
async def test_calls_two_tools_at_once_and_gives_their_signature_back() -> None:
    both = Thought("One moment.", (("order_status", {"order": "7"}), ("opening_hours", {})))
    async with talking(both) as (vendor, llm):
        chunks = await ask(llm, HELLO, TOOLS)
        deltas = [chunk for chunk in chunks if isinstance(chunk, ToolCallDelta)]
        assert [(d.index, d.name, d.arguments) for d in deltas] == [
            (0, "order_status", '{"order": "7"}'),
            (1, "opening_hours", "{}"),
        ]
        calls = tuple(ToolCall(d.id, d.name, d.arguments) for d in deltas)
        results = tuple(ToolMessage(call.id, call.name, "found") for call in calls)
        told = await ask(llm, (*HELLO, AssistantMessage("One moment.", calls), *results), TOOLS)
        assert text(told) == "order_status says: found. opening_hours says: found."
        sent: Any = vendor.asked[1].body
        assert sent["contents"][1]["parts"][1]["thoughtSignature"] not in ("", UNSIGNED)


@real_time
async def test_must_or_must_not_call() -> None:
    async with talking() as (_, llm):
        must = await ask(llm, HELLO, TOOLS, tool_choice=ToolChoice.REQUIRED)
        assert any(isinstance(chunk, ToolCallDelta) for chunk in must)
        named = (CallerMessage("order status"),)
        must_not = await ask(llm, named, TOOLS, tool_choice=ToolChoice.NONE)
        assert not any(isinstance(chunk, ToolCallDelta) for chunk in must_not)


@real_time
async def test_an_answer_is_cut_at_its_tokens() -> None:
    async with talking("one two three four", max_output_tokens=2) as (_, llm):
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
        assert text(await ask(llm)) == "You said: hello"


@real_time
async def test_an_answer_that_breaks_off_or_is_no_json_or_does_not_begin_fails() -> None:
    async with talking(*["one two three four five six"] * 2, first_byte_timeout=0.3, tries=1) as (
        vendor,
        llm,
    ):
        for fault, kind, says in (
            (Fault.HALF_ANSWER, ProviderError, "overloaded"),
            (Fault.MALFORMED, ProviderError, "cannot be read"),
            (Fault.SLOW_FIRST_BYTE, ProviderTimeoutError, "did not answer"),
        ):
            vendor.faults.play(fault)
            with pytest.raises(kind, match=says) as caught:
                await ask(llm)
            assert caught.value.retryable


@real_time
async def test_health_tells_a_wrong_key_a_wrong_model_and_no_host_apart() -> None:
    async with talking() as (vendor, llm):
        await llm.check_health()
        async with model(vendor, api_key=SecretStr("bad")) as wrong_key:
            with pytest.raises(ProviderError, match=r"refused the key.*GEMINI_API_KEY"):
                await wrong_key.check_health()
            with pytest.raises(ProviderError, match="refused the key"):
                await ask(wrong_key)
        async with model(vendor, model="gemini-0") as wrong_model:
            with pytest.raises(ProviderError, match="knows no such model"):
                await wrong_model.check_health()
        async with model(vendor, base_url="http://127.0.0.1:9", tries=1) as no_host:
            with pytest.raises(ProviderError, match="cannot be reached"):
                await no_host.check_health()


async def test_keys_and_addresses_are_read_from_the_vendors_own_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="GEMINI_API_KEY"):
        await GeminiLLM().open()
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    assert GeminiSettings().api_key.get_secret_value() == "google"
    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
    settings = GeminiSettings()
    assert settings.api_key.get_secret_value() == "gemini"
    assert settings.base_url == "http://127.0.0.1:1"
