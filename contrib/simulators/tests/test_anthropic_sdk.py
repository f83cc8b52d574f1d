"""Anthropic's own SDK, told nothing but the address, takes the simulator for Anthropic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from beluga_voice_simulators.anthropic import AnthropicSimulator
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running

MODEL = "claude-haiku-5-5"
USER = {"role": "user", "content": "where is my order"}
TOOLS: list[Any] = [
    {
        "name": "look_up",
        "description": "Look up an order.",
        "input_schema": {"type": "object", "properties": {}},
    }
]
TWO_CALLS = Thought("One moment.", (("look_up", {"order": "seven"}), ("look_up", {})))

ERRORS = {
    Fault.UNAUTHORIZED: anthropic.AuthenticationError,
    Fault.NO_CREDIT: anthropic.PaymentRequiredError,
    Fault.FORBIDDEN: anthropic.PermissionDeniedError,
    Fault.NOT_FOUND: anthropic.NotFoundError,
    Fault.RATE_LIMITED: anthropic.RateLimitError,
    Fault.SERVER_ERROR: anthropic.InternalServerError,
    Fault.OVERLOADED: anthropic.OverloadedError,
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[AnthropicSimulator]:
    with running(AnthropicSimulator(keys={"sk-good"})) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _afresh(simulator: AnthropicSimulator) -> None:
    simulator.faults.clear()
    simulator.backends = Backends()


@pytest.fixture(scope="module")
def client(simulator: AnthropicSimulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=simulator.url, api_key="sk-good", max_retries=0) as client:
        yield client


def answers(simulator: AnthropicSimulator, *given: str | Thought) -> ScriptedMind:
    mind = ScriptedMind(given)
    simulator.backends = Backends(mind=mind)
    return mind


def create(client: Anthropic, **options: Any) -> anthropic.types.Message:
    return client.messages.create(**{"model": MODEL, "max_tokens": 100, "messages": [USER], **options})


def test_an_answer_in_one_piece(simulator: AnthropicSimulator, client: Anthropic) -> None:
    mind = answers(simulator, "On its way.")
    message = create(client, system="Be brief.")
    assert message.content[0].to_dict() == {"type": "text", "text": "On its way."}
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 3
    assert [m.text for m in mind.prompts[0].messages] == ["Be brief.", "where is my order"]


def test_a_streamed_answer(simulator: AnthropicSimulator, client: Anthropic) -> None:
    answers(simulator, "On its way to you.")
    with client.messages.stream(model=MODEL, max_tokens=100, messages=[USER]) as stream:
        assert list(stream.text_stream) == ["On", " its", " way", " to", " you."]
        message = stream.get_final_message()
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 5


def test_two_tools_called_at_once_and_their_results(simulator: AnthropicSimulator, client: Anthropic) -> None:
    mind = answers(simulator, TWO_CALLS, "Both are on their way.")
    with client.messages.stream(model=MODEL, max_tokens=100, messages=[USER], tools=TOOLS) as stream:
        asked = stream.get_final_message()
    calls = [block for block in asked.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"order": "seven"}, {}]
    assert asked.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sent"} for call in calls]
    history = [USER, asked.to_param(), {"role": "user", "content": results}]
    told = create(client, messages=history, tools=TOOLS)
    assert told.content[0].to_dict()["text"] == "Both are on their way."
    assert [(result.name, result.text) for result in mind.prompts[1].results] == [("look_up", "sent")] * 2


def test_a_conversation_that_is_kept_is_read_from_the_cache(
    simulator: AnthropicSimulator, client: Anthropic
) -> None:
    answers(simulator, "Yes.", "No.")
    kept = [{"type": "text", "text": "word " * 1500, "cache_control": {"type": "ephemeral"}}]
    first = create(client, system=kept).usage
    second = create(client, system=kept).usage
    assert (first.cache_read_input_tokens, first.input_tokens) == (0, 0)
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert first.cache_creation_input_tokens is not None
    assert first.cache_creation_input_tokens > 1500


def test_stop_sequences_and_forced_tools(simulator: AnthropicSimulator, client: Anthropic) -> None:
    answers(simulator, "one two three")
    stopped = create(client, stop_sequences=["two"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "two")
    forced = create(client, tools=TOOLS, tool_choice={"type": "tool", "name": "look_up"})
    assert forced.stop_reason == "tool_use"


def test_models_and_tokens_are_told(client: Anthropic) -> None:
    assert client.models.retrieve(MODEL).display_name == "Claude Haiku 5.5"
    assert MODEL in [model.id for model in client.models.list()]
    assert client.messages.count_tokens(model=MODEL, messages=[USER]).input_tokens > 4


@pytest.mark.parametrize("fault", ERRORS)
def test_refusals_are_the_sdks_errors(simulator: AnthropicSimulator, client: Anthropic, fault: Fault) -> None:
    simulator.faults.play(fault)
    with pytest.raises(ERRORS[fault]):
        create(client)
    if fault is Fault.RATE_LIMITED:
        simulator.faults.retry_after = 0.01
        simulator.faults.play(fault)
        assert create(client.with_options(max_retries=1)).stop_reason == "end_turn"


def test_an_error_in_mid_answer(simulator: AnthropicSimulator, client: Anthropic) -> None:
    answers(simulator, "one two three four five six")
    simulator.faults.play(Fault.HALF_ANSWER)
    with (
        client.messages.stream(model=MODEL, max_tokens=100, messages=[USER]) as stream,
        pytest.raises(anthropic.APIStatusError, match="Overloaded"),
    ):
        stream.get_final_message()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_tokens": 1 << 30, "stream": True}, "maximum allowed number of output tokens"),
        ({"messages": []}, "at least one message is required"),
        ({"messages": [USER, {"role": "assistant", "content": "It"}]}, "must end with a user message"),
        ({"messages": [{"role": "user", "content": ""}]}, "text content blocks must be non-empty"),
        ({"messages": [{"role": "user", "content": "  "}]}, "must contain non-whitespace text"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"extra_body": {"temperature": 0.5}}, "temperature: Extra inputs are not permitted"),
        ({"extra_body": {"oops": 1}}, "oops: Extra inputs are not permitted"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking.type.enabled"),
        ({"tool_choice": {"type": "any"}}, "providing tools"),
        ({"tools": [*TOOLS, *TOOLS]}, "Tool names must be unique"),
        ({"tools": [{"name": "no spaces", "input_schema": {"type": "object"}}]}, "tools.0.name"),
        ({"cache_control": {"type": "ephemeral", "ttl": "9h"}}, "cache_control.ttl"),
    ],
)
def test_refuses_what_the_vendor_refuses(client: Anthropic, options: dict[str, Any], says: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        create(client, **options)
    assert says in str(caught.value)


def test_calls_and_results_belong_together(client: Anthropic) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_2", "content": "x"}
    asked = {"role": "assistant", "content": [call]}
    for messages, says in (
        ([USER, asked, USER], "without `tool_result` blocks immediately after: toolu_1"),
        ([{"role": "user", "content": [result]}], "unexpected `tool_use_id`"),
        (
            [USER, asked, {"role": "user", "content": [{**result, "tool_use_id": "toolu_1"}]}],
            "must define tools",
        ),
    ):
        with pytest.raises(anthropic.BadRequestError) as caught:
            create(client, messages=messages, tools=[] if "define" in says else TOOLS)
        assert says in str(caught.value)


def test_keys_versions_and_models_are_checked(simulator: AnthropicSimulator, client: Anthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        create(client.with_options(api_key="sk-bad"))
    with pytest.raises(anthropic.NotFoundError, match="model: claude-9"):
        create(client, model="claude-9")
    with pytest.raises(anthropic.BadRequestError, match="not a valid version"):
        create(client, extra_headers={"anthropic-version": "2020-01-01"})
    old = {"anthropic-version": "2023-06-01"}
    assert create(client, extra_headers=old, extra_body={"temperature": 0.5}).stop_reason == "end_turn"
