"""Cartesia's addresses, keys, versions, models, voices and refusals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from aiohttp import web

from beluga_voice_simulators.cartesia.ink import Listening
from beluga_voice_simulators.cartesia.speak import Speaking
from beluga_voice_simulators.cartesia.turns import Turns
from beluga_voice_simulators.delays import Delay, Delays
from beluga_voice_simulators.line import Line
from beluga_voice_simulators.server import Refusal, Simulator

INKS = ("ink-2", "ink-whisper")
"""Models that listen."""

TURNS = ("ink-2",)
"""Models that find the ends of turns."""


class CartesiaSimulator(Simulator):
    """Cartesia on this machine: Sonic, and Ink with and without turns, over WebSockets."""

    vendor = "cartesia"
    vendor_delays = Delays(final=Delay(0.266, 0.364))

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/tts/websocket", self.talker(self._speak, check=self._check_version)),
            web.get("/stt/websocket", self.talker(self._listen, check=self._check_ink)),
            web.get("/stt/turns/websocket", self.talker(self._take_turns, check=self._check_turns)),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "simulated")
        return {"CARTESIA_BASE_URL": self.url, "CARTESIA_API_KEY": key}

    def refusal(self, status: int, message: str = "") -> web.Response:
        words = message or f"The simulator was told to answer {status}."
        error = {"error_code": f"http_{status}", "title": "Refused", "message": words, "status_code": status}
        return web.json_response(error, status=status)

    def check_key(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token if scheme == "Bearer" else ""
        given = request.headers.get("X-API-Key") or bearer or request.query.get("api_key", "")
        if not self.is_known(given):
            raise Refusal(self.refusal(401, "Invalid API key"))

    def _check_version(self, request: web.Request) -> None:
        if not (request.headers.get("Cartesia-Version") or request.query.get("cartesia_version")):
            raise Refusal(self.refusal(400, "Cartesia-Version is required."))

    def _check_ink(self, request: web.Request) -> None:
        self._check_audio(request, INKS)

    def _check_turns(self, request: web.Request) -> None:
        self._check_audio(request, TURNS)

    def _check_audio(self, request: web.Request, models: Collection[str]) -> None:
        self._check_version(request)
        query = request.query
        if query.get("model") not in models:
            raise Refusal(self.refusal(400, f"Unknown model {query.get('model')}"))
        if query.get("encoding") != "pcm_s16le":
            raise Refusal(self.refusal(400, "The simulator hears pcm_s16le only."))
        if not query.get("sample_rate", "").isdigit():
            raise Refusal(self.refusal(400, "sample_rate is required."))

    async def _speak(self, line: Line) -> None:
        await Speaking(self, line).run()

    async def _listen(self, line: Line) -> None:
        await Listening(self, line).run()

    async def _take_turns(self, line: Line) -> None:
        await Turns(self, line).run()
