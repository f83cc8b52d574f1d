"""The events of a streamed answer, as chunks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from beluga_voice.connection import ServerEvent, Service, status_error
from beluga_voice.contracts import Finished, FinishReason, TextDelta, ToolCallDelta, Usage
from beluga_voice.contracts.llm import LLMChunk
from beluga_voice.errors import ProviderError

REASONS = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"),
        FinishReason.CONTENT_FILTER,
    ),
}
"""Any other is `FinishReason.OTHER`."""


class AnswerReader:
    """Reads one answer, event by event.

    Args:
        service: named in errors.
        sign: is told the signature of each call by the call's id.
        name: makes the id of a call that the vendor gives none.
    """

    def __init__(self, service: Service, sign: Callable[[str, str], None], name: Callable[[], str]) -> None:
        self._service = service
        self._sign = sign
        self._name = name
        self._calls = 0
        self._usage: Mapping[str, Any] = {}
        self._reason: FinishReason | None = None

    def read(self, event: ServerEvent) -> Iterator[LLMChunk]:
        """Yield what an event says.

        Raises:
            ProviderError: it tells of an error, or cannot be read.
        """
        try:
            yield from self._chunks(json.loads(event.data))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ProviderError(
                f"{self._service.name} sent an event that cannot be read: {type(error).__name__}",
                retryable=True,
                kind=self._service.kind,
                code="malformed_response",
            ) from error

    def end(self) -> Iterator[LLMChunk]:
        """Yield what the end of the body says.

        Raises:
            ProviderError: the answer was not over.
        """
        if self._reason is None:
            raise ProviderError(
                f"{self._service.name}'s answer broke off before its end",
                retryable=True,
                kind=self._service.kind,
                code="network_error",
            )
        yield usage_of(self._usage, "candidatesTokenCount")
        yield Finished(self._reason)

    def _chunks(self, data: dict[str, Any]) -> Iterator[LLMChunk]:
        if "error" in data:
            error = data["error"]
            raise error_of(int(error["code"]), self._service, str(error.get("message", "")))
        self._usage = data.get("usageMetadata") or self._usage
        if data.get("promptFeedback", {}).get("blockReason"):
            self._reason = FinishReason.CONTENT_FILTER
        for candidate in data.get("candidates", ())[:1]:
            for part in candidate.get("content", {}).get("parts", ()):
                yield from self._part(part)
            if "finishReason" in candidate:
                reason = REASONS.get(candidate["finishReason"], FinishReason.OTHER)
                called = reason is FinishReason.STOP and self._calls
                self._reason = FinishReason.TOOL_CALLS if called else reason

    def _part(self, part: Mapping[str, Any]) -> Iterator[LLMChunk]:
        if "functionCall" in part:
            call = part["functionCall"]
            name = str(call.get("id") or self._name())
            self._sign(name, str(part.get("thoughtSignature", "")))
            arguments = json.dumps(call.get("args") or {})
            yield ToolCallDelta(self._calls, name, str(call["name"]), arguments)
            self._calls += 1
        elif part.get("text") and not part.get("thought"):
            yield TextDelta(str(part["text"]))


def usage_of(usage: Mapping[str, Any], written: str) -> Usage:
    """Return the tokens that the vendor has counted; `written` is the name of those that were answered."""

    def count(name: str) -> int:
        return int(usage.get(name) or 0)

    return Usage(
        count("promptTokenCount") + count("toolUsePromptTokenCount"),
        count(written) + count("thoughtsTokenCount"),
        count("cachedContentTokenCount"),
    )


def error_of(status: int, service: Service, text: str) -> ProviderError:
    """Return the error for a status; the vendor refuses a wrong key by 400."""
    return status_error(401 if "API key not valid" in text else status, service, text=text)
