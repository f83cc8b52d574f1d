"""Gemini's server: addresses, keys, models, faults."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from beluga_voice_simulators.events import EventStream, cut
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.gemini.answer import Writer, joined, prompt_of, size
from beluga_voice_simulators.gemini.live import Conversation, setup_of
from beluga_voice_simulators.gemini.request import GenerateRequest, WrongRequest, check, read
from beluga_voice_simulators.line import BROKEN, Line
from beluga_voice_simulators.server import Refusal, Simulator, asked_of

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The vendor's name of a status."""

MODELS = ("gemini-3.8-flash", "gemini-3.5-flash", "gemini-3.1-flash-lite", "gemini-2.5-flash")
LIVE_MODELS = ("gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025")
"""Some of the vendor's models."""


class GeminiSimulator(Simulator):
    """Gemini on this machine."""

    vendor = "gemini"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._writer = Writer()

    def routes(self) -> Iterable[web.RouteDef]:
        at = "/{version:v1beta|v1alpha|v1}/models"
        live = "/ws/google.ai.generativelanguage.{version:v1beta|v1alpha|v1}.GenerativeService.BidiGenerateContent"
        return [
            web.get(at, self.handler(self._list_models)),
            web.get(at + "/{model}", self.handler(self._show_model)),
            web.post(at + "/{model}:{method}", self.handler(self._call)),
            web.get(live, self.talker(self._live)),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "simulated")
        return {"GOOGLE_GEMINI_BASE_URL": self.url, "GEMINI_API_KEY": key}

    # -- refusals --

    def refusal(self, status: int, message: str = "") -> web.Response:
        return web.json_response(_error(status, message), status=status)

    def check_key(self, request: web.Request) -> None:
        key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
        if not key:
            words = "Method doesn't allow unregistered callers (callers without established identity)."
            raise Refusal(self.refusal(403, words))
        if not self.is_known(key):
            raise Refusal(self.refusal(400, "API key not valid. Please pass a valid API key."))

    # -- models --

    async def _list_models(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response({"models": [_shown(name) for name in (*MODELS, *LIVE_MODELS)]})

    async def _show_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if name not in (*MODELS, *LIVE_MODELS):
            raise Refusal(self.refusal(404, f"Model is not found: models/{name} for api version v1beta"))
        return web.json_response(_shown(name))

    # -- content --

    async def _call(self, request: web.Request) -> web.StreamResponse:
        model, method = request.match_info["model"], request.match_info["method"]
        if model not in MODELS or method not in ("generateContent", "streamGenerateContent", "countTokens"):
            raise Refusal(self.refusal(404, _unknown(model, method)))
        asked = await self._body(request, model, method)
        prompt = prompt_of(asked, model)
        if method == "countTokens":
            return web.json_response({"totalTokens": size(prompt.messages)})
        await self.wait(self.delays.first_token)
        thought = await self.backends.mind.think(prompt)
        chunks = list(self._writer.chunks(thought, prompt, asked.generation_config.max_output_tokens))
        if method == "streamGenerateContent":
            return await self._stream(request, chunks)
        if self.faults.take(Fault.HALF_ANSWER):
            cut(request)
        return web.json_response(joined(chunks))

    async def _body(self, request: web.Request, model: str, method: str) -> GenerateRequest:
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise Refusal(self.refusal(400, "Invalid JSON payload received.")) from None
        asked_of(request).body = body
        try:
            asked = read(GenerateRequest, body)
            signs = method != "countTokens" and model.startswith("gemini-3")
            check(asked, signed=self._writer.signatures if signs else None)
        except WrongRequest as wrong:
            raise Refusal(self.refusal(400, str(wrong))) from None
        return asked

    async def _stream(self, request: web.Request, chunks: Sequence[dict[str, object]]) -> web.StreamResponse:
        if request.query.get("alt") != "sse":
            return web.json_response(chunks)
        stream = await EventStream.open(request)
        broken = len(chunks) // 2 if self.faults.take(Fault.HALF_ANSWER) else len(chunks)
        for number, chunk in enumerate(chunks):
            if number == broken:
                await stream.send(_error(503, "The model is overloaded. Please try again later."))
                break
            await stream.send(BROKEN if number == 1 and self.faults.take(Fault.MALFORMED) else chunk)
            await self.wait(self.delays.token)
        return stream.response

    # -- the Live API --

    async def _live(self, line: Line) -> None:
        setup = await setup_of(line)
        name = setup.model.removeprefix("models/")
        if name not in LIVE_MODELS:
            await line.close(1008, _unknown(name, "bidiGenerateContent")[:120])
        await Conversation(line, setup, self.backends, self.faults, self._writer, self.delays).hold()


def _error(status: int, message: str) -> dict[str, object]:
    words = message or f"The simulator answers {status}."
    name = STATUSES.get(status, "UNKNOWN")
    return {"error": {"code": status, "message": words, "status": name}}


def _unknown(model: str, method: str) -> str:
    return (
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. Call ListModels to "
        "see the list of available models and their supported methods."
    )


def _shown(name: str) -> dict[str, object]:
    methods = ["bidiGenerateContent"] if name in LIVE_MODELS else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": methods,
    }
