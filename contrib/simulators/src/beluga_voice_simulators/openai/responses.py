"""Responses: ``/v1/responses``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice_simulators.openai.chat import CREATED, choice_of, counted, tool_of
from beluga_voice_simulators.openai.fields import Body, Names, WrongField, check_names, choose, take, text_of
from beluga_voice_simulators.thinking import Prompt, Thought, as_calls, tokens

FIELDS = frozenset(
    [
        "background",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)


class Answer:
    """One answer in the making: its events, each with a number, and itself as it stands.

    Args:
        body: of the request.
        before: the messages of the answer that `previous_response_id` names.
        names: gives ids.

    Raises:
        WrongField: the vendor would refuse the request.
    """

    def __init__(self, body: Body, before: Sequence[LLMMessage], names: Names) -> None:
        check_names(body, FIELDS, ("model",))
        self._names = names
        self.tools = [_as_given(each) for each in take(body, "tools", "an array", [])]
        tools = tuple(tool_of(_named(each), f"tools[{n}].", ("type",)) for n, each in enumerate(self.tools))
        said = _items(body.get("input", ""), before)
        instructions = take(body, "instructions", "a string")
        system: tuple[LLMMessage, ...] = (SystemMessage(instructions),) if instructions else ()
        self.history = (*before, *said)
        model = take(body, "model", "a string")
        self.prompt = Prompt((*system, *self.history), tools, choice_of(body, tools), model)
        if not self.history and "prompt" not in body:
            raise WrongField(
                "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided.",
                param="input",
                code="missing_required_parameter",
            )
        self.id = names.new("resp")
        self.output: list[dict[str, object]] = []
        self._body = body
        self._number = -1

    def shown(self, status: str, thought: Thought | None = None) -> dict[str, object]:
        """Return the answer as it stands."""
        body = self._body
        return {
            "id": self.id,
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "model": self.prompt.model,
            "output": list(self.output),
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": body.get("store", True),
            "temperature": body.get("temperature", 1.0),
            "text": {"format": {"type": "text"}},
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": self.tools,
            "top_p": body.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None if thought is None else _usage(*counted(thought, self.prompt)),
            "metadata": body.get("metadata") or {},
        }

    def remembered(self, thought: Thought, calls: Sequence[ToolCall]) -> tuple[LLMMessage, ...]:
        """Return the conversation with this answer, for the one that follows."""
        return (*self.history, AssistantMessage(thought.text, tuple(calls)))

    def events(self, thought: Thought, calls: Sequence[ToolCall]) -> Iterator[dict[str, object]]:
        """Yield the events of a streamed answer; `output` grows as they are taken."""
        yield self._event("response.created", response=self.shown("in_progress"))
        yield self._event("response.in_progress", response=self.shown("in_progress"))
        if thought.text or not calls:
            yield from self._message(thought.text)
        for call in calls:
            yield from self._call(call)
        yield self._event("response.completed", response=self.shown("completed", thought))

    def failed(self) -> dict[str, object]:
        """Return the event that ends an answer early."""
        error = {"code": "server_error", "message": "The simulator was told to break off."}
        return self._event("response.failed", response={**self.shown("failed"), "error": error})

    def _message(self, text: str) -> Iterator[dict[str, object]]:
        index, item = len(self.output), self._names.new("msg")
        where = {"item_id": item, "output_index": index, "content_index": 0}
        message: dict[str, object] = {
            "id": item,
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        yield self._event("response.output_item.added", output_index=index, item=message)
        yield self._event("response.content_part.added", **where, part=_part(""))
        for token in tokens(text):
            yield self._event("response.output_text.delta", **where, delta=token, logprobs=[])
        yield self._event("response.output_text.done", **where, text=text, logprobs=[])
        yield self._event("response.content_part.done", **where, part=_part(text))
        done = {**message, "status": "completed", "content": [_part(text)]}
        self.output.append(done)
        yield self._event("response.output_item.done", output_index=index, item=done)

    def _call(self, call: ToolCall) -> Iterator[dict[str, object]]:
        index, item = len(self.output), self._names.new("fc")
        where = {"item_id": item, "output_index": index}
        made: dict[str, object] = {
            "id": item,
            "type": "function_call",
            "status": "in_progress",
            "arguments": "",
            "call_id": call.id,
            "name": call.name,
        }
        yield self._event("response.output_item.added", output_index=index, item=made)
        for token in tokens(call.arguments):
            yield self._event("response.function_call_arguments.delta", **where, delta=token)
        yield self._event(
            "response.function_call_arguments.done", **where, name=call.name, arguments=call.arguments
        )
        done = {**made, "status": "completed", "arguments": call.arguments}
        self.output.append(done)
        yield self._event("response.output_item.done", output_index=index, item=done)

    def _event(self, kind: str, **fields: object) -> dict[str, object]:
        self._number += 1
        return {"type": kind, "sequence_number": self._number, **fields}


def calls_of(thought: Thought, names: Names) -> list[ToolCall]:
    """Return the calls of a thought, named."""
    return as_calls(thought, lambda: names.new("call"))


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(read: int, written: int) -> dict[str, object]:
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }


def _as_given(tool: Any) -> dict[str, object]:
    if not isinstance(tool, dict):
        raise WrongField("Invalid type for 'tools'.", param="tools", code="invalid_type")
    choose(tool, "type", ("function",), where="tools.")
    check_names(tool, ("type", "name", "description", "parameters", "strict"), ("type", "name"), "tools.")
    return {"strict": True, "parameters": {}, "description": None, **tool}


def _named(tool: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in tool.items() if name != "type"}


def _items(given: object, before: Sequence[LLMMessage]) -> tuple[LLMMessage, ...]:
    if isinstance(given, str):
        given = [{"role": "user", "content": given}] if given else []
    if not isinstance(given, list):
        raise WrongField("Invalid type for 'input'.", param="input", code="invalid_type")
    names = {call.id: call.name for m in before for call in getattr(m, "calls", ())}
    answered = {m.call_id for m in before if isinstance(m, ToolMessage)}
    messages: list[LLMMessage] = []
    for number, item in enumerate(given):
        where = f"input[{number}]"
        if not isinstance(item, dict):
            raise WrongField(f"Invalid type for '{where}'.", param=where, code="invalid_type")
        message = _item(item, where, names)
        if isinstance(message, ToolMessage):
            answered.add(message.call_id)
        messages.append(message)
    missing = [call for call in names if call not in answered]
    if missing:
        raise WrongField(f"No tool output found for function call {missing[0]}.", param="input")
    return tuple(messages)


def _item(item: Body, where: str, names: dict[str, str]) -> LLMMessage:
    kind = choose(item, "type", ("message", "function_call", "function_call_output"), "message", f"{where}.")
    if kind == "function_call":
        check_names(
            item,
            ("type", "id", "call_id", "name", "arguments", "status"),
            ("call_id", "name", "arguments"),
            f"{where}.",
        )
        names[item["call_id"]] = item["name"]
        return AssistantMessage("", (ToolCall(item["call_id"], item["name"], item["arguments"]),))
    if kind == "function_call_output":
        check_names(item, ("type", "id", "call_id", "output", "status"), ("call_id", "output"), f"{where}.")
        if item["call_id"] not in names:
            raise WrongField(
                f"No tool call found for function call output with call_id {item['call_id']}.", param="input"
            )
        output = text_of(item["output"], ("input_text",), f"{where}.output")
        return ToolMessage(item["call_id"], names[item["call_id"]], output)
    check_names(item, ("type", "id", "role", "content", "status", "phase"), ("role",), f"{where}.")
    role = choose(item, "role", ("system", "developer", "user", "assistant"), where=f"{where}.")
    kinds = ("output_text", "refusal") if role == "assistant" else ("input_text",)
    if item.get("content") is None:
        raise WrongField(
            f"Missing required parameter: '{where}.content'.", param=where, code="missing_required_parameter"
        )
    text = text_of(item["content"], kinds, f"{where}.content")
    if role == "assistant":
        return AssistantMessage(text)
    return CallerMessage(text) if role == "user" else SystemMessage(text)
