"""ElevenLabs' addresses, keys, models, voices and refusals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import aclosing

from aiohttp import web

from beluga_voice_simulators.delays import Delay, Delays
from beluga_voice_simulators.elevenlabs.scribe import Listening
from beluga_voice_simulators.elevenlabs.speak import Speaking
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.line import Gone, Line
from beluga_voice_simulators.server import Refusal, Simulator, asked_of

MODELS = ("eleven_flash_v2_5", "eleven_flash_v2", "eleven_turbo_v2_5", "eleven_multilingual_v2", "eleven_v3")
VOICES = {
    "21m00Tcm4TlvDq8ikWAM": "Rachel",
    "JBFqnCBsd6RMkjVDRZzb": "George",
    "EXAVITQu4vr4xnSDxMaL": "Sarah",
}
SCRIBES = ("scribe_v2_realtime",)
"""Some of the vendor's models and voices."""

RATES = (8000, 16000, 22050, 24000, 44100, 48000)

STATUSES = {
    400: "bad_request",
    401: "invalid_api_key",
    402: "payment_required",
    403: "missing_permissions",
    404: "not_found",
    422: "invalid_parameters",
    429: "too_many_concurrent_requests",
    503: "system_busy",
}
"""The vendor's word for each status; ``internal_server_error`` else."""


class ElevenLabsSimulator(Simulator):
    """ElevenLabs on this machine: voices over WebSockets and HTTP, and Scribe."""

    vendor = "elevenlabs"
    vendor_delays = Delays(final=Delay(0.281, 0.348))

    def routes(self) -> Iterable[web.RouteDef]:
        speech = "/v1/text-to-speech/{voice}"
        return [
            web.get(f"{speech}/multi-stream-input", self.talker(self._speak_many, check=self._check_voice)),
            web.get(f"{speech}/stream-input", self.talker(self._speak_one, check=self._check_voice)),
            web.get("/v1/speech-to-text/realtime", self.talker(self._listen, check=self._check_scribe)),
            web.post(f"{speech}/stream", self.handler(self._speak)),
            web.post(speech, self.handler(self._speak)),
            web.get("/v1/models", self.handler(self._list_models)),
            web.get("/v1/voices", self.handler(self._list_voices)),
            web.get("/v1/voices/{voice}", self.handler(self._show_voice)),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "simulated")
        return {"ELEVENLABS_BASE_URL": self.url, "ELEVENLABS_API_KEY": key}

    def refusal(self, status: int, message: str = "") -> web.Response:
        detail = {
            "status": STATUSES.get(status, "internal_server_error"),
            "message": message or f"The simulator was told to answer {status}.",
        }
        return web.json_response({"detail": detail}, status=status)

    def check_key(self, request: web.Request) -> None:
        if not self.is_known(request.headers.get("xi-api-key", "")):
            raise Refusal(self.refusal(401, "Invalid API key"))

    # -- WebSockets --

    def _check_voice(self, request: web.Request) -> None:
        self._known_voice(request)
        self._known_model(request.query.get("model_id", MODELS[0]), MODELS)
        self._rate(request)

    def _check_scribe(self, request: web.Request) -> None:
        self._known_model(request.query.get("model_id", ""), SCRIBES)
        if request.query.get("audio_format", "pcm_16000") not in {f"pcm_{rate}" for rate in RATES}:
            raise Refusal(self.refusal(400, "The simulator hears pcm only."))
        if request.query.get("commit_strategy", "manual") not in ("manual", "vad"):
            raise Refusal(self.refusal(400, "commit_strategy must be manual or vad"))

    async def _speak_many(self, line: Line) -> None:
        await Speaking(self, line, self._rate(line.request), several=True).run()

    async def _speak_one(self, line: Line) -> None:
        await Speaking(self, line, self._rate(line.request), several=False).run()

    async def _listen(self, line: Line) -> None:
        await Listening(self, line).run()

    # -- HTTP --

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        self._known_voice(request)
        rate = self._rate(request)
        try:
            body = asked_of(request).body = await request.json()
            text, speed = body["text"], (body.get("voice_settings") or {}).get("speed") or 1.0
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refusal(self.refusal(422, "text: Field required")) from None
        if not 0.7 <= speed <= 1.2:
            raise Refusal(self.refusal(400, "speed must be between 0.7 and 1.2"))
        self._known_model(body.get("model_id", MODELS[0]), MODELS)
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        await self.wait(self.delays.first_audio)
        speech = self.backends.voice.speak(text, rate, voice=request.match_info["voice"], speed=speed)
        async with aclosing(speech) as said:
            async for piece in said:
                await response.write(piece.samples.astype("<i2").tobytes())
                if self.faults.take(Fault.HALF_ANSWER) and request.transport is not None:
                    request.transport.abort()
                    raise Gone
        await response.write_eof()
        return response

    async def _list_models(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response([{"model_id": m, "name": m, "can_do_text_to_speech": True} for m in MODELS])

    async def _list_voices(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response({"voices": [_voice(each) for each in VOICES]})

    async def _show_voice(self, request: web.Request) -> web.Response:
        self._known_voice(request)
        return web.json_response(_voice(request.match_info["voice"]))

    # -- checks --

    def _known_voice(self, request: web.Request) -> None:
        voice = request.match_info["voice"]
        if voice not in VOICES:
            raise Refusal(self.refusal(404, f"A voice with the voice_id {voice} was not found."))

    def _known_model(self, model: object, models: Collection[str]) -> None:
        if model not in models:
            raise Refusal(self.refusal(400, f"A model with model ID {model} does not exist"))

    def _rate(self, request: web.Request) -> int:
        kind, _, rate = request.query.get("output_format", "mp3_44100_128").partition("_")
        if kind != "pcm" or not rate.isdigit() or int(rate) not in RATES:
            raise Refusal(self.refusal(400, "The simulator speaks pcm_8000 to pcm_48000 only."))
        return int(rate)


def _voice(voice: str) -> dict[str, object]:
    return {"voice_id": voice, "name": VOICES[voice], "category": "premade", "labels": {}, "samples": []}
