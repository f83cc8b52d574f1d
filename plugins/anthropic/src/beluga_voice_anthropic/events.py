"""The events of a streamed answer, as chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from beluga_voice.connection import ServerEvent, Service, status_error
from beluga_voice.contracts import Finished, FinishReason, TextDelta, ToolCallDelta, Usage
from beluga_voice.contracts.llm import LLMChunk
from beluga_voice.errors import ProviderError

REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.CONTENT_FILTER,
}
"""Any other is `FinishReason.OTHER`."""

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that an error in mid-answer would have had before it; 500 for any other."""


class AnswerReader:
    """Reads one answer, event by event.

    Args:
        service: named in errors.

    Attributes:
        done: whether the answer has come to its end.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._calls: dict[int, int] = {}
        self._bare: set[int] = set()
        self._usage: dict[str, int] = {}
        self._reason = FinishReason.OTHER
        self.done = False

    def read(self, event: ServerEvent) -> Iterator[LLMChunk]:
        """Yield what an event says; nothing for one that does not matter or is not known.

        Raises:
            ProviderError: it tells of an error, or cannot be read.
        """
        try:
            data = json.loads(event.data)
            yield from self._chunks(data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderError(
                f"{self._service.name} sent an event that cannot be read: {type(error).__name__}",
                retryable=True,
                kind=self._service.kind,
                code="malformed_response",
            ) from error

    def _chunks(self, data: Mapping[str, object]) -> Iterator[LLMChunk]:
        kind = data["type"]
        if kind == "content_block_delta":
            yield from self._delta(_number(data["index"]), _mapping(data["delta"]))
        elif kind == "content_block_start":
            yield from self._start(_number(data["index"]), _mapping(data["content_block"]))
        elif kind == "content_block_stop":
            index = _number(data["index"])
            if index in self._bare:
                yield ToolCallDelta(self._calls[index], arguments="{}")
        elif kind == "message_start":
            self._count(_mapping(_mapping(data["message"]).get("usage") or {}))
        elif kind == "message_delta":
            self._reason = REASONS.get(str(_mapping(data["delta"]).get("stop_reason")), FinishReason.OTHER)
            self._count(_mapping(data.get("usage") or {}))
        elif kind == "message_stop":
            self.done = True
            yield self._total()
            yield Finished(self._reason)
        elif kind == "error":
            raise self._error(_mapping(data["error"]))

    def _start(self, index: int, block: Mapping[str, object]) -> Iterator[LLMChunk]:
        if block["type"] == "text" and block.get("text"):
            yield TextDelta(str(block["text"]))
        elif block["type"] == "tool_use":
            self._calls[index] = len(self._calls)
            given = json.dumps(block["input"]) if block.get("input") else ""
            if not given:
                self._bare.add(index)
            yield ToolCallDelta(self._calls[index], str(block["id"]), str(block["name"]), given)

    def _delta(self, index: int, delta: Mapping[str, object]) -> Iterator[LLMChunk]:
        if delta["type"] == "text_delta" and delta["text"]:
            yield TextDelta(str(delta["text"]))
        elif delta["type"] == "input_json_delta" and delta["partial_json"] and index in self._calls:
            self._bare.discard(index)
            yield ToolCallDelta(self._calls[index], arguments=str(delta["partial_json"]))

    def _count(self, usage: Mapping[str, object]) -> None:
        """Counts are of the whole answer so far: a later one replaces an earlier one."""
        self._usage |= {name: count for name, count in usage.items() if isinstance(count, int)}

    def _total(self) -> Usage:
        count = self._usage.get
        cached = count("cache_read_input_tokens", 0)
        read = count("input_tokens", 0) + count("cache_creation_input_tokens", 0) + cached
        return Usage(read, count("output_tokens", 0), cached)

    def _error(self, error: Mapping[str, object]) -> ProviderError:
        status = STATUSES.get(str(error.get("type")), 500)
        return status_error(status, self._service, text=str(error.get("message", "")))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} in place of an object")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{type(value).__name__} in place of a number")
    return value
