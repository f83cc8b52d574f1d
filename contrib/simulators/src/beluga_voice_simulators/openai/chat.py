"""Chat Completions: ``/v1/chat/completions``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
from beluga_voice_simulators.openai.fields import Body, Names, WrongField, check_names, choose, take, text_of
from beluga_voice_simulators.thinking import Prompt, Thought, as_calls, tokens

FIELDS = frozenset(
    [
        "messages",
        "model",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]
)

CREATED = 1_790_000_000
"""When every answer says that it was made."""


def prompt_of(body: Body) -> Prompt:
    """Read a request.

    Raises:
        WrongField: the vendor would refuse it.
    """
    check_names(body, FIELDS, ("model", "messages"))
    stream = take(body, "stream", "a boolean", False)
    options = take(body, "stream_options", "an object")
    if options is not None and not stream:
        raise WrongField(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    tools = tuple(_tool(each, f"tools[{n}].") for n, each in enumerate(take(body, "tools", "an array", [])))
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not tools:
            raise WrongField(f"'{name}' is only allowed when 'tools' are specified.", param=name)
    messages = _messages(take(body, "messages", "an array"))
    return Prompt(messages, tools, choice_of(body, tools), take(body, "model", "a string"))


def choice_of(body: Body, tools: Sequence[ToolSpec]) -> ToolChoice:
    """Return whether tools may be called; a tool that is named counts as required.

    Raises:
        WrongField: it is no choice, or there is no such tool.
    """
    choice = body.get("tool_choice")
    if not isinstance(choice, Mapping):
        return ToolChoice(choose(body, "tool_choice", ("auto", "none", "required"), "auto"))
    function = choice.get("function", choice)
    if not any(tool.name == function.get("name") for tool in tools):
        raise WrongField("Tool choice names no tool of 'tools'.", param="tool_choice")
    return ToolChoice.REQUIRED


def _tool(tool: Any, where: str) -> ToolSpec:
    check_names(tool, ("type", "function"), ("type", "function"), where)
    function = take(tool, "function", "an object", where=where)
    return tool_of(function, f"{where}function.")


def tool_of(function: Body, where: str, extra: Sequence[str] = ()) -> ToolSpec:
    """Read a function that the model may call.

    Raises:
        WrongField: the vendor would refuse it.
    """
    check_names(function, ("name", "description", "parameters", "strict", *extra), ("name",), where)
    name = take(function, "name", "a string", where=where)
    if not 1 <= len(name) <= 64 or not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
        raise WrongField(
            f"Invalid '{where}name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            param=f"{where}name",
            code="invalid_value",
        )
    description = take(function, "description", "a string", "", where)
    return ToolSpec(name, description, take(function, "parameters", "an object", {}, where))


def _messages(given: Sequence[Any]) -> tuple[LLMMessage, ...]:
    if not given:
        raise WrongField("Invalid 'messages': empty array.", param="messages", code="empty_array")
    messages: list[LLMMessage] = []
    owed: dict[str, str] = {}
    for number, each in enumerate(given):
        where = f"messages[{number}]"
        message = _message(each, where, owed)
        if owed and not isinstance(message, (ToolMessage, AssistantMessage)):
            break
        if isinstance(message, ToolMessage):
            del owed[message.call_id]
        elif owed:
            break
        else:
            owed = {call.id: call.name for call in getattr(message, "calls", ())}
        messages.append(message)
    if owed:
        raise WrongField(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(owed)}",
            param="messages",
        )
    return tuple(messages)


def _message(each: Any, where: str, owed: Mapping[str, str]) -> LLMMessage:
    if not isinstance(each, dict):
        raise WrongField(f"Invalid type for '{where}'.", param=where, code="invalid_type")
    role = choose(each, "role", ("system", "developer", "user", "assistant", "tool"), where=f"{where}.")
    text = text_of(each.get("content"), ("text", "refusal"), f"{where}.content")
    if role == "tool":
        call = take(each, "tool_call_id", "a string", "", f"{where}.")
        if call not in owed:
            raise WrongField(
                "Invalid parameter: messages with role 'tool' must be a response to a preceding message with "
                "'tool_calls'.",
                param=f"{where}.role",
            )
        return ToolMessage(call, owed[call], text)
    if role == "assistant":
        calls = take(each, "tool_calls", "an array", [], f"{where}.")
        if each.get("content") is None and not calls:
            raise WrongField(
                f"Invalid value for '{where}.content': expected a string, got null.", param=where
            )
        return AssistantMessage(text, tuple(_call(call, f"{where}.tool_calls.") for call in calls))
    if each.get("content") is None:
        raise WrongField(f"Invalid value for '{where}.content': expected a string, got null.", param=where)
    return CallerMessage(text) if role == "user" else SystemMessage(text)


def _call(call: Any, where: str) -> ToolCall:
    check_names(call, ("id", "type", "function", "index"), ("id", "type", "function"), where)
    function = call["function"]
    check_names(function, ("name", "arguments"), ("name", "arguments"), f"{where}function.")
    return ToolCall(call["id"], function["name"], take(function, "arguments", "a string", where=where))


# -- what is answered --


def whole(thought: Thought, prompt: Prompt, names: Names) -> dict[str, object]:
    """Return the answer to a request that is not streamed."""
    calls = as_calls(thought, lambda: names.new("call"))
    message: dict[str, object] = {
        "role": "assistant",
        "content": thought.text or (None if calls else ""),
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in calls
        ]
    reason = "tool_calls" if calls else "stop"
    return {
        "id": names.new("chatcmpl"),
        "object": "chat.completion",
        "created": CREATED,
        "model": prompt.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": usage(thought, prompt),
        "service_tier": "default",
    }


def chunks(
    thought: Thought, prompt: Prompt, names: Names, *, with_usage: bool
) -> Iterator[dict[str, object]]:
    """Yield the chunks of a streamed answer; ``[DONE]`` is not among them."""
    common: dict[str, object] = {
        "id": names.new("chatcmpl"),
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": prompt.model,
        "service_tier": "default",
    }
    if with_usage:
        common["usage"] = None

    def chunk(delta: dict[str, object], reason: str | None = None) -> dict[str, object]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**common, "choices": [choice]}

    yield chunk({"role": "assistant", "content": "" if thought.text else None, "refusal": None})
    for token in tokens(thought.text):
        yield chunk({"content": token})
    calls = as_calls(thought, lambda: names.new("call"))
    for index, call in enumerate(calls):
        function: dict[str, object] = {"name": call.name, "arguments": ""}
        yield chunk(
            {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}
        )
        for token in tokens(call.arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": token}}]})
    yield chunk({}, "tool_calls" if calls else "stop")
    if with_usage:
        yield {**common, "choices": [], "usage": usage(thought, prompt)}


def usage(thought: Thought, prompt: Prompt) -> dict[str, object]:
    """Count tokens: one for each word."""
    read, written = counted(thought, prompt)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def counted(thought: Thought, prompt: Prompt) -> tuple[int, int]:
    """Return tokens read and written."""
    read = sum(4 + len(tokens(message.text)) for message in prompt.messages)
    written = len(tokens(thought.text)) + sum(3 + len(arguments) for _, arguments in thought.calls)
    return read, written
