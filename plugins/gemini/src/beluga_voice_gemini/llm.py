"""Gemini as a language model."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count
from urllib.parse import quote

from beluga_voice.connection import HttpClient, HttpPolicy, Request, Service
from beluga_voice.contracts import LLM, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ProviderError
from beluga_voice_gemini.answers import AnswerReader, error_of
from beluga_voice_gemini.contents import body_of
from beluga_voice_gemini.settings import GeminiSettings

SERVICE = Service("Gemini", "GEMINI_API_KEY", "llm")

KEPT = 2000
"""Signatures of calls that are kept, of all sessions; the vendor only looks at those of the caller's last turn."""


class GeminiLLM(LLM):
    """Gemini; each answer is one call of ``streamGenerateContent``."""

    provider_name = "gcp.gemini"

    def __init__(self, settings: GeminiSettings | None = None) -> None:
        self._settings = GeminiSettings() if settings is None else settings
        self.model_name = self._settings.model
        wait = self._settings.first_byte_timeout
        policy = HttpPolicy(first_byte_deadline=wait, idle_deadline=wait, tries=self._settings.tries)
        self._client = HttpClient(SERVICE, policy)
        self._signatures: OrderedDict[str, str] = OrderedDict()
        self._numbers = count(1)

    async def open(self) -> None:
        """Look for a key; nothing is asked of the vendor yet.

        Raises:
            ConfigurationError: there is none.
        """
        self._settings.require_key()

    async def check_health(self) -> None:
        """Ask the vendor for the model; costs no tokens.

        Raises:
            ProviderError: the key is refused, there is no such model, or the vendor cannot be reached.
        """
        try:
            await self._client.read(self._request(""))
        except ProviderError as error:
            raise _told(error) from None

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
        body = body_of(self._settings, messages, tools, tool_choice, self._signatures.get)
        reader = AnswerReader(SERVICE, self._sign, lambda: f"call-{next(self._numbers)}")
        request = self._request(":streamGenerateContent", body)
        try:
            async with self._client.send(request) as answer, aclosing(answer.events()) as events:
                async for event in events:
                    for chunk in reader.read(event):
                        yield chunk
        except ProviderError as error:
            raise _told(error) from None
        for chunk in reader.end():
            yield chunk

    def _sign(self, call: str, signature: str) -> None:
        self._signatures[call] = signature
        while len(self._signatures) > KEPT:
            self._signatures.popitem(last=False)

    def _request(self, method: str, body: dict[str, object] | None = None) -> Request:
        settings = self._settings
        name = quote(settings.model.removeprefix("models/"), safe="")
        url = f"{settings.base_url.rstrip('/')}/{settings.api_version}/models/{name}{method}"
        headers = {"x-goog-api-key": settings.api_key.get_secret_value()}
        if body is None:
            return Request(url, headers=headers)
        data = json.dumps(body).encode()
        return Request(
            url,
            {"alt": "sse"},
            headers,
            method="POST",
            body=data,
            content_type="application/json",
        )


def _told(error: ProviderError) -> ProviderError:
    """The vendor refuses a wrong key by 400: tell it as what it is."""
    return error_of(401, SERVICE, "") if "API key not valid" in str(error) else error
