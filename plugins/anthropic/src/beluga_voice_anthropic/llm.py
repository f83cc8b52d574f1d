"""Claude, by the Messages API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from urllib.parse import quote

from beluga_voice.connection import HttpClient, HttpPolicy, Request, ServerEvent, Service
from beluga_voice.contracts import LLM, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_anthropic.events import AnswerReader
from beluga_voice_anthropic.messages import body_of
from beluga_voice_anthropic.settings import AnthropicSettings

SERVICE = Service("Anthropic", "ANTHROPIC_API_KEY", "llm")

END_WITHIN = 0.1
"""Seconds that an answer's body may take to end after its last event; then its connection is not kept."""


class AnthropicLLM(LLM):
    """Claude; each answer is one call of ``/v1/messages``, streamed."""

    provider_name = "anthropic"

    def __init__(self, settings: AnthropicSettings | None = None) -> None:
        self._settings = AnthropicSettings() if settings is None else settings
        self.model_name = self._settings.model
        wait = self._settings.first_byte_timeout
        policy = HttpPolicy(first_byte_deadline=wait, idle_deadline=wait, tries=self._settings.tries)
        self._client = HttpClient(SERVICE, policy)

    async def open(self) -> None:
        """Look for a key; nothing is asked of the vendor yet.

        Raises:
            ConfigurationError: there is none.
        """
        if not self._settings.api_key.get_secret_value():
            raise ConfigurationError(
                "Anthropic is to be used and there is no key for it. Try: set ANTHROPIC_API_KEY"
            )

    async def check_health(self) -> None:
        """Ask the vendor for the model; costs no tokens.

        Raises:
            ProviderError: the key is refused, there is no such model, or the vendor cannot be reached.
        """
        await self._client.read(self._request(f"models/{quote(self.model_name, safe='')}"))

    async def aclose(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.aclose()

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        """Answer `messages`; see `LLM.stream`."""
        body = body_of(self._settings, messages, tools, tool_choice)
        reader = AnswerReader(SERVICE)
        async with (
            self._client.send(self._request("messages", body)) as answer,
            aclosing(answer.events()) as events,
        ):
            async for event in events:
                for chunk in reader.read(event):
                    yield chunk
                if reader.done:
                    await _drain(events)
                    return
        raise ProviderError(
            "Anthropic's answer broke off before its end", retryable=True, kind="llm", code="network_error"
        )

    def _request(self, path: str, body: dict[str, object] | None = None) -> Request:
        headers = {
            "x-api-key": self._settings.api_key.get_secret_value(),
            "anthropic-version": self._settings.api_version,
        }
        url = f"{self._settings.base_url.rstrip('/')}/v1/{path}"
        if body is None:
            return Request(url, headers=headers)
        data = json.dumps(body).encode()
        return Request(url, headers=headers, method="POST", body=data, content_type="application/json")


async def _drain(events: AsyncGenerator[ServerEvent, None]) -> None:
    """Read to the end of the body, so that the next call finds the connection open."""
    with suppress(TimeoutError, ProviderError):
        async with asyncio.timeout(END_WITHIN):
            async for _ in events:
                pass
