"""Chat Completions as data: the body of a request, and what the events of its answer say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beluga_voice.connection import Service
from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    Finished,
    FinishReason,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    ToolChoice,
    ToolSpec,
    Usage,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice_openai.account import error_in_stream
from beluga_voice_openai.settings import OpenAILLMSettings

REASONS = {
    "stop": FinishReason.STOP,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def body(
    settings: OpenAILLMSettings,
    messages: Sequence[LLMMessage],
    tools: Sequence[ToolSpec],
    choice: ToolChoice,
) -> Mapping[str, object]:
    """Return the body of ``/chat/completions``."""
    given: dict[str, object | None] = {
        "model": settings.model,
        "messages": [_message(each) for each in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": settings.temperature,
        "max_completion_tokens": settings.max_output_tokens,
        "reasoning_effort": settings.reasoning_effort,
        "service_tier": settings.service_tier,
    }
    if tools:
        given["tools"] = [{"type": "function", "function": function(each)} for each in tools]
        given["tool_choice"] = choice.value
        given["parallel_tool_calls"] = settings.parallel_tool_calls
    return {name: value for name, value in given.items() if value is not None} | settings.extra


def function(tool: ToolSpec) -> dict[str, object]:
    """Return a tool as the vendor wants it."""
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


def clean(text: str) -> str:
    """Return the text without halves of surrogate pairs, which JSON's readers refuse."""
    return text.encode("utf-8", "replace").decode()


def _message(message: LLMMessage) -> dict[str, object]:
    text = clean(message.text)
    if isinstance(message, SystemMessage):
        return {"role": "system", "content": text}
    if isinstance(message, CallerMessage):
        return {"role": "user", "content": text}
    if not isinstance(message, AssistantMessage):
        return {"role": "tool", "tool_call_id": message.call_id, "content": text}
    if not message.calls:
        return {"role": "assistant", "content": text}
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": clean(c.arguments)}}
        for c in message.calls
    ]
    return {"role": "assistant", "content": text or None, "tool_calls": calls}


class ChatAnswer:
    """Reads one answer: its events in, chunks out."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reason: FinishReason | None = None
        self._calls: dict[int, str] = {}

    def feed(self, event: Mapping[str, Any]) -> Iterator[LLMChunk]:
        """Yield what an event says.

        Raises:
            ProviderError: it tells of an error.
        """
        if event.get("error"):
            raise error_in_stream(self._service, event["error"])
        for choice in (event.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            if text := delta.get("content") or delta.get("refusal"):
                yield TextDelta(text)
            for position, call in enumerate(delta.get("tool_calls") or ()):
                yield self._call(call, position)
            if reason := choice.get("finish_reason"):
                self._reason = REASONS.get(reason, FinishReason.OTHER)
        if counted := event.get("usage"):
            cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            yield Usage(counted.get("prompt_tokens") or 0, counted.get("completion_tokens") or 0, cached)

    def end(self) -> Finished | None:
        """Return the last chunk; None if the answer had not come to its end."""
        return None if self._reason is None else Finished(self._reason)

    def _call(self, call: Mapping[str, Any], position: int) -> ToolCallDelta:
        """Read a delta; servers that give whole calls may leave the index out, others repeat the name."""
        made = call.get("function") or {}
        index = call.get("index")
        if index is None:
            index = len(self._calls) if call.get("id") or made.get("name") else position
        known = index in self._calls
        name = "" if known else made.get("name") or ""
        id_ = "" if known else call.get("id") or ""
        self._calls.setdefault(index, name)
        return ToolCallDelta(index, id_, name, made.get("arguments") or "")
