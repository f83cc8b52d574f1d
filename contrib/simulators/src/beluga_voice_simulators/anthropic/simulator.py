"""Anthropic's server: addresses, keys, models, faults."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from beluga_voice_simulators.anthropic.answer import Cache, Writer, parts_of, prompt_of, size
from beluga_voice_simulators.anthropic.request import (
    VERSIONS,
    Counted,
    MessagesRequest,
    WrongRequest,
    read,
    read_counted,
)
from beluga_voice_simulators.events import EventStream, cut
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.line import BROKEN
from beluga_voice_simulators.server import Refusal, Simulator, asked_of

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Type of an error by its status; ``api_error`` for any other."""

OVERLOADED = 529
"""The vendor's status where others have 503."""


@dataclass(frozen=True, slots=True)
class Model:
    """What a model takes.

    Attributes:
        name: as shown to people.
        max_tokens: the most.
        refuses: ways to think.
        prefill: whether a conversation may end with the assistant's words.
    """

    name: str
    max_tokens: int = 128_000
    refuses: tuple[str, ...] = ("enabled",)
    prefill: bool = False


MODELS = {
    "claude-haiku-5-5": Model("Claude Haiku 5.5"),
    "claude-sonnet-5-5": Model("Claude Sonnet 5.5"),
    "claude-opus-5-5": Model("Claude Opus 5.5", refuses=("enabled", "disabled")),
    "claude-fable-5-1": Model("Claude Fable 5.1", refuses=("enabled", "disabled")),
    "claude-sonnet-4-6": Model("Claude Sonnet 4.6", 64_000, ()),
    "claude-haiku-4-5": Model("Claude Haiku 4.5", 64_000, ("adaptive",), prefill=True),
    "claude-haiku-4-5-20251001": Model("Claude Haiku 4.5", 64_000, ("adaptive",), prefill=True),
}
"""Some of the vendor's models."""


class AnthropicSimulator(Simulator):
    """Anthropic on this machine."""

    vendor = "anthropic"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._writer = Writer()
        self._cache = Cache()

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/v1/models", self.handler(self._list_models)),
            web.get("/v1/models/{model}", self.handler(self._show_model)),
            web.post("/v1/messages", self.handler(self._messages)),
            web.post("/v1/messages/count_tokens", self.handler(self._count_tokens)),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "sk-ant-simulated")
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": key}

    # -- refusals --

    def refusal(self, status: int, message: str = "") -> web.Response:
        status = OVERLOADED if status == 503 else status
        words = message or ("Overloaded" if status == OVERLOADED else f"The simulator answers {status}.")
        return web.json_response(self._error(status, words), status=status)

    def _error(self, status: int, words: str) -> dict[str, object]:
        error = {"type": KINDS.get(status, "api_error"), "message": words}
        return {"type": "error", "error": error, "request_id": self._writer.name("req")}

    def check_key(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        key = request.headers.get("x-api-key") or (token.strip() if scheme == "Bearer" else "")
        if not key:
            raise Refusal(self.refusal(401, "x-api-key header is required"))
        if not self.is_known(key):
            raise Refusal(self.refusal(401, "invalid x-api-key"))

    def _version(self, request: web.Request) -> str:
        version = request.headers.get("anthropic-version", "")
        if not version:
            raise Refusal(self.refusal(400, "anthropic-version: header is required"))
        if version not in VERSIONS:
            raise Refusal(self.refusal(400, f'anthropic-version: "{version}" is not a valid version'))
        return version

    # -- models --

    async def _list_models(self, request: web.Request) -> web.Response:
        self._version(request)
        data = [_shown(name) for name in MODELS]
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
        return web.json_response({"data": data, "has_more": False, **ends})

    async def _show_model(self, request: web.Request) -> web.Response:
        self._version(request)
        name = request.match_info["model"]
        self._model(name)
        return web.json_response(_shown(name))

    def _model(self, name: str) -> Model:
        if name not in MODELS:
            raise Refusal(self.refusal(404, f"model: {name}"))
        return MODELS[name]

    # -- messages --

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        try:
            asked = read(body, self._version(request))
            self._check(asked, self._model(asked.model))
        except WrongRequest as wrong:
            raise Refusal(self.refusal(400, str(wrong))) from None
        await self.wait(self.delays.first_token)
        usage = self._cache.usage(asked)
        answer = self._writer.answer(await self.backends.mind.think(prompt_of(asked)), asked)
        if asked.stream:
            return await self._stream(request, list(self._writer.events(answer, asked.model, usage)))
        if self.faults.take(Fault.HALF_ANSWER):
            cut(request)
        return web.json_response(self._writer.whole(answer, asked.model, usage))

    def _check(self, asked: MessagesRequest, model: Model) -> None:
        if asked.max_tokens > model.max_tokens:
            raise WrongRequest(
                f"max_tokens: {asked.max_tokens} > {model.max_tokens}, which is the maximum allowed number of "
                f"output tokens for {asked.model}"
            )
        if asked.thinking is not None and asked.thinking.type in model.refuses:
            raise WrongRequest(f'"thinking.type.{asked.thinking.type}" is not supported for this model.')
        if asked.messages[-1].role == "assistant" and not model.prefill:
            raise WrongRequest(
                "This model does not support assistant message prefill. The conversation must end with "
                "a user message."
            )

    async def _stream(self, request: web.Request, events: list[dict[str, object]]) -> web.StreamResponse:
        stream = await EventStream.open(request)
        broken = len(events) // 2 if self.faults.take(Fault.HALF_ANSWER) else len(events)
        for number, event in enumerate(events):
            if number == broken:
                await stream.send(self._error(OVERLOADED, "Overloaded"), "error")
                return stream.response
            data = BROKEN if number == 1 and self.faults.take(Fault.MALFORMED) else event
            await stream.send(data, str(event["type"]))
            if event["type"] == "content_block_delta":
                await self.wait(self.delays.token)
        return stream.response

    async def _count_tokens(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        try:
            asked: Counted = read_counted(body, self._version(request))
        except WrongRequest as wrong:
            raise Refusal(self.refusal(400, str(wrong))) from None
        self._model(asked.model)
        return web.json_response({"input_tokens": sum(map(size, parts_of(asked)))})

    async def _body(self, request: web.Request) -> object:
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise Refusal(self.refusal(400, "The request body is not valid JSON.")) from None
        asked_of(request).body = body
        return body


def _shown(name: str) -> dict[str, object]:
    model = MODELS[name]
    return {
        "type": "model",
        "id": name,
        "display_name": model.name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_tokens": model.max_tokens,
    }
