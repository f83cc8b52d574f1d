"""Responses as data: the body of a request, and what the events of its answer say. Pure."""

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
    ToolMessage,
    ToolSpec,
    Usage,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice_openai.account import error_in_stream
from beluga_voice_openai.chat import clean, function
from beluga_voice_openai.settings import OpenAILLMSettings

INCOMPLETE = {"max_output_tokens": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}


def body(
    settings: OpenAILLMSettings,
    messages: Sequence[LLMMessage],
    tools: Sequence[ToolSpec],
    choice: ToolChoice,
) -> Mapping[str, object]:
    """Return the body of ``/responses``. The vendor keeps nothing: the conversation is the session's."""
    given: dict[str, object | None] = {
        "model": settings.model,
        "input": [item for each in messages for item in _items(each)],
        "stream": True,
        "store": False,
        "temperature": settings.temperature,
        "max_output_tokens": settings.max_output_tokens,
        "reasoning": {"effort": settings.reasoning_effort} if settings.reasoning_effort else None,
        "service_tier": settings.service_tier,
    }
    if tools:
        given["tools"] = [{"type": "function", "strict": False, **function(each)} for each in tools]
        given["tool_choice"] = choice.value
        given["parallel_tool_calls"] = settings.parallel_tool_calls
    return {name: value for name, value in given.items() if value is not None} | settings.extra


def _items(message: LLMMessage) -> Iterator[dict[str, object]]:
    text = clean(message.text)
    if isinstance(message, ToolMessage):
        yield {"type": "function_call_output", "call_id": message.call_id, "output": text}
    elif isinstance(message, AssistantMessage):
        if text or not message.calls:
            yield {"role": "assistant", "content": text}
        for call in message.calls:
            arguments = clean(call.arguments)
            yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}
    else:
        assert isinstance(message, (SystemMessage, CallerMessage))
        yield {"role": "user" if isinstance(message, CallerMessage) else "developer", "content": text}


class ResponsesAnswer:
    """Reads one answer: its events in, chunks out."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._calls: dict[int, int] = {}
        self._reason: FinishReason | None = None

    def feed(self, event: Mapping[str, Any]) -> Iterator[LLMChunk]:
        """Yield what an event says.

        Raises:
            ProviderError: it tells of an error.
        """
        kind = event.get("type")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            if event["delta"]:
                yield TextDelta(event["delta"])
        elif kind in ("response.output_item.added", "response.function_call_arguments.delta"):
            yield from self._call(event)
        elif kind in ("response.completed", "response.incomplete"):
            yield from self._end(event["response"])
        elif kind == "response.failed":
            raise error_in_stream(self._service, event["response"].get("error"))
        elif kind == "error" or event.get("error"):
            raise error_in_stream(self._service, event.get("error") or event)

    def end(self) -> Finished | None:
        """Return the last chunk; None if the answer had not come to its end."""
        return None if self._reason is None else Finished(self._reason)

    def _call(self, event: Mapping[str, Any]) -> Iterator[LLMChunk]:
        place, item = event["output_index"], event.get("item")
        if item is None:
            yield ToolCallDelta(self._calls[place], arguments=event["delta"])
        elif item.get("type") == "function_call":
            index = self._calls.setdefault(place, len(self._calls))
            yield ToolCallDelta(index, item["call_id"], item["name"], item.get("arguments") or "")

    def _end(self, response: Mapping[str, Any]) -> Iterator[LLMChunk]:
        why = (response.get("incomplete_details") or {}).get("reason")
        self._reason = FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP
        if why is not None:
            self._reason = INCOMPLETE.get(why, FinishReason.OTHER)
        if counted := response.get("usage"):
            cached = (counted.get("input_tokens_details") or {}).get("cached_tokens") or 0
            yield Usage(counted["input_tokens"], counted["output_tokens"], cached)
