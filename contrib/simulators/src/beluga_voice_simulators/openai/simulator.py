"""OpenAI's server: addresses, keys, models, and how each answer goes out."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

from aiohttp import web

from beluga_voice.contracts.llm import LLMMessage
from beluga_voice_simulators.delays import Delay, Delays
from beluga_voice_simulators.events import EventStream, cut
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.hearing import Heard
from beluga_voice_simulators.line import Line
from beluga_voice_simulators.openai import audio, chat, responses
from beluga_voice_simulators.openai.fields import Names, WrongField
from beluga_voice_simulators.openai.realtime import Conversation
from beluga_voice_simulators.openai.realtime_session import Settings
from beluga_voice_simulators.server import Refusal, Simulator, asked_of
from beluga_voice_simulators.thinking import tokens

KINDS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "billing_hard_limit_reached"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
}
"""Type and code of an error by its status; ``server_error`` from 500 on."""

MODELS: Mapping[str, tuple[str, ...]] = {
    "chat": (
        *(
            "gpt-6.2-sol",
            "gpt-6-luna",
            "gpt-5.5",
            "gpt-5.4",
            "gpt-5.4-mini",
            "gpt-5.4-nano",
            "gpt-5.2",
            "gpt-5-mini",
        ),
        *("gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini"),
    ),
    "transcription": ("gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1"),
    "speech": ("gpt-4o-mini-tts", "tts-1", "tts-1-hd"),
    "realtime": (
        "gpt-realtime",
        "gpt-realtime-1.5",
        "gpt-realtime-2",
        "gpt-realtime-2.1",
        "gpt-realtime-2.1-mini",
    ),
}
"""Some of the vendor's models, by what they are good for."""

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OpenAISimulator(Simulator):
    """OpenAI on this machine.

    Args:
        args: as of any simulator.
        pace: times as fast as it is spoken that a realtime response is made; 0 for at once.
        options: as of any simulator.
    """

    vendor = "openai"
    vendor_delays = Delays(final=Delay(0.637, 0.965))
    prefix: ClassVar[str] = "/v1"
    models: ClassVar[Mapping[str, tuple[str, ...]]] = MODELS
    voices: ClassVar[frozenset[str]] = audio.VOICES

    def __init__(self, *args: Any, pace: float = 0.0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pace = pace
        self.names = Names()
        self._conversations: dict[str, tuple[LLMMessage, ...]] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        at = self.prefix
        return [
            web.get(f"{at}/models", self.handler(self._list_models)),
            web.get(f"{at}/models/{{model:.+}}", self.handler(self._show_model)),
            web.post(f"{at}/chat/completions", self.handler(self._held(self._chat))),
            web.post(f"{at}/responses", self.handler(self._held(self._responses))),
            web.post(f"{at}/audio/speech", self.handler(self._held(self._speech))),
            web.get(f"{at}/realtime", self.talker(self._realtime, ("realtime",))),
            web.post(f"{at}/audio/transcriptions", self.handler(self._held(self._transcriptions))),
        ]

    def environment(self) -> Mapping[str, str]:
        key = next(iter(sorted(self.keys or ())), "sk-simulated")
        return {"OPENAI_BASE_URL": f"{self.url}{self.prefix}", "OPENAI_API_KEY": key}

    # -- refusals --

    def refusal(
        self, status: int, message: str = "", *, param: str | None = None, code: str | None = None
    ) -> web.Response:
        kind, usual = KINDS.get(status, ("server_error", None))
        words = message or f"The simulator was told to answer {status}."
        error = {"message": words, "type": kind, "param": param, "code": code or usual}
        return web.json_response({"error": error}, status=status)

    def check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key.strip():
            raise Refusal(self.refusal(401, "You didn't provide an API key."))
        if not self.is_known(key.strip()):
            shown = f"{key[:4]}***{key[-4:]}" if len(key) > 12 else "***"
            raise Refusal(self.refusal(401, f"Incorrect API key provided: {shown}."))

    def check_model(self, model: str, kind: str) -> None:
        """Hold a model to those of a kind.

        Raises:
            Refusal: there is no such model, or it is of another kind.
        """
        if model in self.models[kind]:
            return
        if any(model in names for names in self.models.values()):
            raise Refusal(self.refusal(400, f"The model '{model}' is not one for {kind}.", param="model"))
        words = f"The model `{model}` does not exist or you do not have access to it."
        raise Refusal(self.refusal(404, words, code="model_not_found"))

    def _held(self, serve: Serve) -> Serve:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await serve(request)
            except WrongField as wrong:
                raise Refusal(
                    self.refusal(wrong.status, str(wrong), param=wrong.param, code=wrong.code)
                ) from None

        return handle

    async def _json(self, request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise WrongField("We could not parse the JSON body of your request.") from None
        if not isinstance(body, dict):
            raise WrongField("Invalid type for the body: expected an object.")
        asked_of(request).body = body
        return body

    # -- models --

    async def _list_models(self, request: web.Request) -> web.Response:  # noqa: ARG002
        names = [name for names in self.models.values() for name in names]
        return web.json_response({"object": "list", "data": [self._model(name) for name in names]})

    async def _show_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if not any(name in names for names in self.models.values()):
            words = f"The model '{name}' does not exist"
            raise Refusal(self.refusal(404, words, param="model", code="model_not_found"))
        return web.json_response(self._model(name))

    def _model(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": 1700000000, "owned_by": self.vendor}

    # -- text --

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._json(request)
        prompt = chat.prompt_of(body)
        self.check_model(prompt.model, "chat")
        thought = await self.backends.mind.think(prompt)
        await self.wait(self.delays.first_token)
        if not body.get("stream"):
            return web.json_response(chat.whole(thought, prompt, self.names))
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        stream = await EventStream.open(request)
        chunks = list(chat.chunks(thought, prompt, self.names, with_usage=with_usage))
        breaks = self.faults.take(Fault.HALF_ANSWER)
        for chunk in chunks[: len(chunks) // 2] if breaks else chunks:
            await stream.send(chunk)
            await self.wait(self.delays.token)
        if breaks:
            words = "The server had an error while processing your request. Sorry about that!"
            error = {"message": words, "type": "server_error", "param": None, "code": None}
            await stream.send({"error": error})
        else:
            await stream.send("[DONE]")
        return stream.response

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        body = await self._json(request)
        before = self._conversation(body.get("previous_response_id"))
        answer = responses.Answer(body, before, self.names)
        self.check_model(answer.prompt.model, "chat")
        thought = await self.backends.mind.think(answer.prompt)
        calls = responses.calls_of(thought, self.names)
        if body.get("store", True):
            self._conversations[answer.id] = answer.remembered(thought, calls)
        await self.wait(self.delays.first_token)
        events = list(answer.events(thought, calls))
        if not body.get("stream"):
            return web.json_response(answer.shown("completed", thought))
        if self.faults.take(Fault.HALF_ANSWER):
            events = [*events[: len(events) // 2], answer.failed()]
        stream = await EventStream.open(request)
        for event in events:
            await stream.send(event, str(event["type"]))
            await self.wait(self.delays.token)
        return stream.response

    def _conversation(self, previous: object) -> tuple[LLMMessage, ...]:
        if previous is None:
            return ()
        if previous not in self._conversations:
            words = f"Previous response with id '{previous}' not found."
            raise WrongField(words, param="previous_response_id", code="previous_response_not_found")
        return self._conversations[str(previous)]

    # -- audio --

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        asked = audio.read_speech(await self._json(request), self.voices)
        self.check_model(asked.model, "speech")
        await self.wait(self.delays.first_audio)
        if asked.sse:
            return await self._speech_events(request, asked)
        response = web.StreamResponse()
        response.content_type = "audio/wav" if asked.format == "wav" else "audio/pcm"
        await response.prepare(request)
        breaks = self.faults.take(Fault.HALF_ANSWER)
        await response.write(asked.header)
        async with aclosing(self._said(asked)) as speech:
            async for data in speech:
                await response.write(data)
                if breaks:
                    cut(request)
        return response

    async def _speech_events(self, request: web.Request, asked: audio.SpeechRequest) -> web.StreamResponse:
        stream = await EventStream.open(request)
        await stream.send({"type": "speech.audio.delta", "audio": _base64(asked.header)})
        async with aclosing(self._said(asked)) as speech:
            async for data in speech:
                await stream.send({"type": "speech.audio.delta", "audio": _base64(data)})
                if self.faults.take(Fault.HALF_ANSWER):
                    stream.cut()
        read = len(tokens(asked.text))
        usage = {"input_tokens": read, "output_tokens": read, "total_tokens": 2 * read}
        await stream.send({"type": "speech.audio.done", "usage": usage})
        return stream.response

    async def _said(self, asked: audio.SpeechRequest) -> AsyncGenerator[bytes, None]:
        voice = self.backends.voice
        async with aclosing(
            voice.speak(asked.text, audio.RATE, voice=asked.voice, speed=asked.speed)
        ) as speech:
            async for said in speech:
                if len(said.samples):
                    yield said.samples.astype("<i2").tobytes()

    async def _transcriptions(self, request: web.Request) -> web.StreamResponse:
        asked = await self._read_form(request)
        self.check_model(asked.model, "transcription")
        heard = await self.backends.ear.hear(asked.samples)
        if self.faults.take(Fault.EMPTY_FINAL):
            heard = Heard()
        await self.wait(self.delays.final)
        if asked.stream:
            return await self._transcription_events(request, heard, asked)
        if asked.format == "text":
            return web.Response(text=f"{heard.text}\n")
        return web.json_response(audio.transcription(heard, asked))

    async def _realtime(self, line: Line) -> None:
        query = line.request.query
        model = "" if query.get("intent") == "transcription" else query.get("model", "")
        if model not in self.models["realtime"] and query.get("intent") != "transcription":
            words = f"The model '{model}' does not exist or you do not have access to it."
            error = {
                "type": "invalid_request_error",
                "code": "model_not_found",
                "message": words,
                "param": None,
            }
            await line.send({"type": "error", "event_id": self.names.new("event"), "error": error})
            await line.close(4000, "invalid_request_error.model_not_found")
        settings = Settings(model, self.voices, self.models["transcription"])
        await Conversation(self, line, settings).run()

    async def _read_form(self, request: web.Request) -> audio.TranscriptionRequest:
        if not request.content_type.startswith("multipart/"):
            raise WrongField("Invalid content type: expected multipart/form-data.")
        form: dict[str, str] = {}
        lists: dict[str, list[str]] = {}
        file: bytes | None = None
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                file = value.file.read()
            elif name.endswith("[]"):
                lists.setdefault(name[:-2], []).append(str(value))
            else:
                form[name] = str(value)
        asked_of(request).body = {**form, **lists}
        return audio.read_transcription(form, lists, file)

    async def _transcription_events(
        self, request: web.Request, heard: Heard, asked: audio.TranscriptionRequest
    ) -> web.StreamResponse:
        stream = await EventStream.open(request)
        breaks = self.faults.take(Fault.HALF_ANSWER)
        words = tokens(heard.text)
        for word in words[: len(words) // 2] if breaks else words:
            await stream.send({"type": "transcript.text.delta", "delta": word})
        if breaks:
            error = {"message": "The simulator was told to break off.", "type": "server_error"}
            await stream.send({"error": {**error, "param": None, "code": None}})
            return stream.response
        done = {"type": "transcript.text.done", "text": heard.text}
        for _ in range(2 if self.faults.take(Fault.DUPLICATE_FINAL) else 1):
            await stream.send({**done, "usage": audio.transcription_usage(heard, asked)})
        await stream.send("[DONE]")
        return stream.response


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
