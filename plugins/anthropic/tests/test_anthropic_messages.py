"""What is sent: turns, tools and options, without a socket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    SystemMessage,
    ToolCall,
    ToolChoice,
    ToolMessage,
    ToolSpec,
)
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice_anthropic.messages import BEGIN, GO_ON, SILENCE, body_of, tool_id, turns
from beluga_voice_anthropic.settings import AnthropicSettings
from beluga_voice_simulators.anthropic.request import read

SETTINGS = AnthropicSettings(api_key=SecretStr("k"), base_url="http://h")
TOOL = ToolSpec("look_up", "Look it up.", {"type": "object", "properties": {}})


def body(messages: list[LLMMessage], tools: tuple[ToolSpec, ...] = (), **options: Any) -> dict[str, Any]:
    choice = options.pop("tool_choice", ToolChoice.AUTO)
    return body_of(SETTINGS.model_copy(update=options), messages, tools, choice)


def test_words_of_both_sides_alternate_and_nothing_is_blank() -> None:
    said = [
        AssistantMessage("Acme, hello. "),
        CallerMessage(""),
        CallerMessage("Hi"),
        AssistantMessage(" "),
        AssistantMessage("Yes?"),
    ]
    assert [(t["role"], [b["text"] for b in t["content"]]) for t in turns(said)] == [
        ("user", [BEGIN]),
        ("assistant", ["Acme, hello."]),
        ("user", [SILENCE, "Hi"]),
        ("assistant", ["Yes?"]),
        ("user", [GO_ON]),
    ]


def test_results_come_before_the_callers_next_words_and_ids_of_others_are_made_fit() -> None:
    call = ToolCall("call|7", "look_up", "{oops")
    said = [CallerMessage("Hi"), AssistantMessage("", (call,)), ToolMessage("call|7", "look_up", "", True)]
    _, asked, answered = turns([*said, CallerMessage("Well?")])
    assert asked["content"] == [{"type": "tool_use", "id": "call_7c7", "name": "look_up", "input": {}}]
    assert answered["content"] == [
        {"type": "tool_result", "tool_use_id": "call_7c7", "content": "(empty)", "is_error": True},
        {"type": "text", "text": "Well?"},
    ]


@given(st.text())
def test_any_id_is_made_fit(name: str) -> None:
    made = tool_id(name)
    assert made
    assert all(c.isascii() and (c.isalnum() or c in "_-") for c in made)


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (ToolChoice.AUTO, True, {"type": "auto"}),
        (ToolChoice.REQUIRED, True, {"type": "any"}),
        (ToolChoice.NONE, False, {"type": "none"}),
        (ToolChoice.AUTO, False, {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_tools_are_chosen_as_the_vendor_says_it(choice: ToolChoice, parallel: bool, sent: object) -> None:
    made = body([CallerMessage("Hi")], (TOOL,), tool_choice=choice, parallel_tool_calls=parallel)
    assert made["tool_choice"] == sent
    assert made["tools"][0]["input_schema"] == TOOL.parameters


def test_calls_of_tools_that_are_gone_are_still_taken() -> None:
    call = ToolCall("a", "gone", "{}")
    made = body([CallerMessage("Hi"), AssistantMessage("", (call,)), ToolMessage("a", "gone", "7")])
    assert [tool["name"] for tool in made["tools"]] == ["gone"]
    assert made["tool_choice"] == {"type": "none"}


def test_options_are_sent_where_they_are_set() -> None:
    plain = body([SystemMessage("Be brief."), CallerMessage("Hi")], caching="off")
    assert plain.keys() == {"model", "max_tokens", "stream", "messages", "system"}
    full = body([CallerMessage("Hi")], thinking="disabled", effort="low", caching="1h")
    assert full["thinking"] == {"type": "disabled"}
    assert full["output_config"] == {"effort": "low"}
    assert full["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


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
            names = [f"{number}{draw(words)}", f"x{number}"]
            calls = tuple(ToolCall(name, "look_up", draw(words)) for name in names)
            said.append(AssistantMessage(draw(words), calls))
            said += [ToolMessage(name, "look_up", draw(words), draw(st.booleans())) for name in names]
    return said


@given(conversations())
def test_the_vendor_takes_any_conversation(said: list[LLMMessage]) -> None:
    made = body(said, (TOOL,))
    assert read(made, "2026-10-21").messages[-1].role == "user"


def test_settings_are_read_from_the_vendors_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    settings = AnthropicSettings()
    assert settings.api_key.get_secret_value() == "from-the-environment"
    assert settings.base_url == "http://127.0.0.1:1"
    assert "from-the-environment" not in repr(settings)
    with pytest.raises(ValidationError):
        AnthropicSettings(base_url="api.anthropic.com")
