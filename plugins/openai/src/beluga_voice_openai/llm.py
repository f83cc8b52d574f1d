"""The language model: Chat Completions or Responses, streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from beluga_voice.connection import ServerEvent, Service
from beluga_voice.contracts import LLM, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ProviderError
from beluga_voice_openai import chat, responses
from beluga_voice_openai.account import OPENAI, Account, Vendor
from beluga_voice_openai.settings import OpenAILLMSettings


class OpenAILLM(LLM):
    """A model of OpenAI's, or of a server with the same interface."""

    interface: ClassVar[Vendor] = OPENAI

    def __init__(self, settings: OpenAILLMSettings | None = None) -> None:
        self._settings = settings or OpenAILLMSettings()
        self._account = Account(self.interface, self._settings, self.kind)
        self._client = self._account.client()
        self.provider_name = self.interface.provider_name
        self.model_name = self._settings.model

    async def open(self) -> None:
        """Hold that there is a key; nothing is asked.

        Raises:
            ConfigurationError: there is none.
        """
        self._account.check_key()

    async def check_health(self) -> None:
        """See whether the vendor is there, takes the key, and has the model; costs nothing."""
        await self._account.check_model(self._client, self._settings.model)

    async def aclose(self) -> None:
        """Close all connections. Idempotent."""
        await self._client.aclose()

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        """Answer `messages`; see `LLM.stream`."""
        service, settings = self._account.service, self._settings
        answer: chat.ChatAnswer | responses.ResponsesAnswer
        if settings.api == "responses":
            request = self._account.post("/responses", responses.body(settings, messages, tools, tool_choice))
            answer = responses.ResponsesAnswer(service)
        else:
            body = chat.body(settings, messages, tools, tool_choice)
            request = self._account.post("/chat/completions", body)
            answer = chat.ChatAnswer(service)
        async with self._client.send(request) as response, aclosing(response.events()) as events:
            async for event in events:
                if event.data == "[DONE]":
                    break
                for chunk in _read(answer, event, service):
                    yield chunk
        finished = answer.end()
        if finished is None:
            raise ProviderError(
                f"{service.name} ended its answer before it was complete",
                kind=service.kind,
                code="stream_error",
            )
        yield finished


def _read(
    answer: chat.ChatAnswer | responses.ResponsesAnswer, event: ServerEvent, service: Service
) -> list[LLMChunk]:
    try:
        return list(answer.feed(_object(event.data)))
    except ProviderError:
        raise
    except Exception as error:  # the boundary to a vendor's messages
        raise malformed(service, error) from error


def _object(data: str) -> Mapping[str, Any]:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError(f"an event is no object, but {type(found).__name__}")
    return found


def malformed(service: Service, error: Exception) -> ProviderError:
    """Return the error for an event that cannot be read; without the event, which may be private."""
    return ProviderError(
        f"{service.name} sent an event that cannot be read: {type(error).__name__}",
        retryable=True,
        kind=service.kind,
        code="malformed_response",
    )
