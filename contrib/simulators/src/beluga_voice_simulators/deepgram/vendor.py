"""Deepgram's addresses, keys, models and refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing

from aiohttp import web
from multidict import MultiMapping

from beluga_voice_simulators.deepgram.checks import (
    FLUX,
    NOVA,
    VOICES,
    Wrong,
    check_flux,
    check_listen,
    check_speak,
)
from beluga_voice_simulators.deepgram.flux import Turns
from beluga_voice_simulators.deepgram.nova import Listening
from beluga_voice_simulators.deepgram.speak import Speaking
from beluga_voice_simulators.delays import Delay, Delays
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.line import Gone, Line
from beluga_voice_simulators.server import Check, Refusal, Simulator, asked_of

CODES = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    402: "ASR_PAYMENT_REQUIRED",
    403: "INSUFFICIENT_PERMISSIONS",
    404: "PROJECT_NOT_FOUND",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
"""The vendor's code of each status."""


class DeepgramSimulator(Simulator):
    """Deepgram on this machine: Nova, Flux and Aura."""

    vendor = "deepgram"
    vendor_delays = Delays(final=Delay(0.247, 0.298))

    def routes(self) -> Iterable[web.RouteDef]:
        tokens = ("token", "bearer")
        return [
            web.get("/v1/listen", self.talker(self._listen, tokens, self._check(check_listen))),
            web.get("/v2/listen", self.talker(self._take_turns, tokens, self._check(check_flux))),
            web.get("/v1/speak", self.talker(self._speak, tokens, self._check(check_speak))),
            web.post("/v1/speak", self.handler(self._speak_once)),
            web.get("/v1/models", self.handler(self._list_models)),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "simulated")
        return {"DEEPGRAM_BASE_URL": self.url, "DEEPGRAM_API_KEY": key}

    def refusal(self, status: int, message: str = "") -> web.Response:
        request = str(uuid.uuid4())
        error = {
            "err_code": CODES.get(status, "UNKNOWN"),
            "err_msg": message or f"The simulator was told to answer {status}.",
            "request_id": request,
        }
        headers = {"dg-request-id": request, "dg-error": error["err_msg"]}
        return web.json_response(error, status=status, headers=headers)

    def check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        protocols = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if not key and protocols[0] in ("token", "bearer") and len(protocols) == 2:
            scheme, key = protocols
        if scheme.lower() not in ("token", "bearer") or not self.is_known(key.strip()):
            raise Refusal(self.refusal(401, "Invalid credentials."))

    def _check(self, rules: Callable[[MultiMapping[str]], None]) -> Check:
        """Return what refuses a query that breaks the rules."""

        def check(request: web.Request) -> None:
            try:
                rules(request.query)
            except Wrong as wrong:
                raise Refusal(self.refusal(400, str(wrong))) from None

        return check

    async def _listen(self, line: Line) -> None:
        await Listening(self, line).run()

    async def _take_turns(self, line: Line) -> None:
        await Turns(self, line).run()

    async def _speak(self, line: Line) -> None:
        await Speaking(self, line).run()

    async def _speak_once(self, request: web.Request) -> web.StreamResponse:
        self._check(check_speak)(request)
        body = asked_of(request).body = await read_json(request)
        text = body.get("text") if isinstance(body, Mapping) else None
        if not isinstance(text, str) or not text.strip():
            raise Refusal(self.refusal(400, "Text is missing or empty."))
        rate = int(request.query.get("sample_rate", 24000))
        response = web.StreamResponse(headers={"Content-Type": f"audio/l16;rate={rate};channels=1"})
        await response.prepare(request)
        await self.wait(self.delays.first_audio)
        pieces = self.backends.voice.speak(text, rate, voice=request.query.get("model", ""), speed=1.0)
        async with aclosing(pieces) as said:
            async for piece in said:
                await response.write(piece.samples.astype("<i2").tobytes())
                if self.faults.take(Fault.HALF_ANSWER) and request.transport is not None:
                    request.transport.abort()
                    raise Gone
        await response.write_eof()
        return response

    async def _list_models(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response(
            {
                "stt": [_model(name, streaming=True) for name in (*NOVA, *FLUX)],
                "tts": [_model(name) for name in VOICES],
            }
        )


async def read_json(request: web.Request) -> object:
    """Return the body; None if it is no JSON."""
    try:
        body: object = await request.json()
    except ValueError:
        return None
    return body


def _model(name: str, **more: object) -> dict[str, object]:
    return {
        "name": name,
        "canonical_name": name,
        "architecture": name.split("-")[0],
        "version": VERSION,
        **more,
    }


VERSION = "2026-01-01.0"
"""What all models say of their version."""
