"""OpenAI, simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web

from beluga_voice_simulators.delays import Delay, Delays
from beluga_voice_simulators.server import Refusal, Simulator

KINDS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "billing_hard_limit_reached"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
}
"""Type and code of an error by its status; ``server_error`` from 500 on."""

MODELS = {
    "chat": ("gpt-5.2", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini"),
    "transcription": ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1"),
    "speech": ("gpt-4o-mini-tts", "tts-1", "tts-1-hd"),
    "realtime": ("gpt-realtime", "gpt-realtime-mini"),
}
"""Some of the vendor's models, by what they are good for."""


class OpenAISimulator(Simulator):
    """OpenAI on this machine."""

    vendor = "openai"
    vendor_delays = Delays(final=Delay(0.637, 0.965))

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/v1/models", self.handler(self._list_models)),
            web.get("/v1/models/{model}", self.handler(self._show_model)),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "sk-simulated")
        return {"OPENAI_BASE_URL": f"{self.url}/v1", "OPENAI_API_KEY": key}

    def refusal(self, status: int, message: str = "", *, param: str | None = None) -> web.Response:
        kind, code = KINDS.get(status, ("server_error", None))
        words = message or f"The simulator was told to answer {status}."
        error = {"message": words, "type": kind, "param": param, "code": code}
        return web.json_response({"error": error}, status=status)

    def check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key.strip():
            raise Refusal(self.refusal(401, "You didn't provide an API key."))
        if not self.is_known(key.strip()):
            shown = f"{key[:4]}***{key[-4:]}" if len(key) > 12 else "***"
            raise Refusal(self.refusal(401, f"Incorrect API key provided: {shown}."))

    async def _list_models(self, request: web.Request) -> web.Response:  # noqa: ARG002
        names = [name for names in MODELS.values() for name in names]
        return web.json_response({"object": "list", "data": [_model(name) for name in names]})

    async def _show_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if not any(name in names for names in MODELS.values()):
            raise Refusal(self.refusal(404, f"The model '{name}' does not exist", param="model"))
        return web.json_response(_model(name))


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 1700000000, "owned_by": "openai"}
