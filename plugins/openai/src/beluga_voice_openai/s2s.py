"""The Realtime model, as a pure codec over its WebSocket."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import ConnectionPolicy, Message, Request, S2SAnswer, WebSocketS2S
from beluga_voice.connection import Service
from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    S2SSetup,
    ToolCall,
    ToolMessage,
    ToolSpec,
    Usage,
    s2s,
)
from beluga_voice_openai.account import OPENAI, Account, Vendor
from beluga_voice_openai.items import (
    SHORTEST,
    append,
    call_items,
    error_of,
    event,
    message_item,
    result_item,
    transcription,
)
from beluga_voice_openai.settings import OpenAIS2SSettings
from beluga_voice_openai.spoken import SpokenResponses

RATE = 24000
"""Hz of all audio."""

SAY = (
    "Say the following text aloud, word for word, in its own language. Add nothing, leave nothing out, and do not "
    "answer it or comment on it. The text: "
)

OUTCOMES = {
    "completed": s2s.ResponseOutcome.COMPLETED,
    "cancelled": s2s.ResponseOutcome.CANCELLED,
}

NOT_ACTIVE = "response_cancel_not_active"
"""The code of a refusal to cancel what is over: nothing is wrong then."""


class OpenAIS2S(WebSocketS2S[OpenAIS2SSettings]):
    """A Realtime model of OpenAI's, or of a server with the same interface."""

    interface: ClassVar[Vendor] = OPENAI
    input_sample_rate = RATE
    output_sample_rate = RATE
    max_session = 3600.0  # OpenAI ends a session after an hour

    def __init__(self, settings: OpenAIS2SSettings | None = None) -> None:
        super().__init__(settings or OpenAIS2SSettings())
        self._account = Account(self.interface, self.settings, self.kind)
        self.policy = ConnectionPolicy(open_deadline=self.settings.open_timeout, tries=self.settings.tries)
        self.detects_turns = self.settings.turn_detection != "session"
        self.responds_by_itself = self.detects_turns and self.settings.create_response
        self.commits = not self.detects_turns
        self.transcribes = self.settings.transcription_model is not None
        self.begin()

    @property
    def service(self) -> Service:
        """The vendor as error texts name it."""
        return self._account.service

    async def open(self) -> None:
        """Hold that there is a key; nothing is asked.

        Raises:
            ConfigurationError: there is none.
        """
        self._account.check_key()

    async def check_health(self) -> None:
        """See whether the vendor is there, takes the key, and has the model; costs nothing."""
        async with self._account.client() as client:
            await self._account.check_model(client, self.settings.model)

    # -- what is sent --

    def begin(self) -> None:
        """Begin a connection."""
        self._responses = SpokenResponses(RATE)
        self._requests: deque[int] = deque()
        self._commits: deque[int] = deque()
        self._committed: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._uncommitted = 0

    def request(self) -> Request:
        """Return the handshake."""
        url = f"{self._account.url.replace('http', 'ws', 1)}/realtime"
        return Request(url, {"model": self.settings.model}, self._account.headers())

    def encode_setup(self, setup: S2SSetup) -> Iterator[Message]:
        """Yield settings and history."""
        settings = self.settings
        output: dict[str, object] = {"format": {"type": "audio/pcm", "rate": RATE}, "voice": settings.voice}
        if settings.speed != 1.0:
            output["speed"] = settings.speed
        listens: dict[str, object] = {
            "format": {"type": "audio/pcm", "rate": RATE},
            "turn_detection": self._turn_detection(),
        }
        if settings.transcription_model is not None:
            language = settings.language or setup.language.partition("-")[0]
            listens["transcription"] = transcription(settings.transcription_model, language)
        if settings.noise_reduction is not None:
            listens["noise_reduction"] = {"type": settings.noise_reduction}
        yield event(
            "session.update",
            session={
                "type": "realtime",
                "output_modalities": ["audio"],
                "audio": {"input": listens, "output": output},
                **self._manner(setup.instructions, setup.tools),
            },
        )
        for message in setup.history:
            yield from self._history(message)

    def encode(self, frame: AudioFrame) -> Message:
        """Return a frame's message."""
        self._uncommitted += len(frame)
        return append(frame.samples)

    def encode_commit(self, number: int) -> Iterator[Message]:
        """Yield the end of speech; silence before it where the vendor would find it too short."""
        missing = round(SHORTEST * RATE) - self._uncommitted
        if missing > 0:
            yield append(np.zeros(missing, np.int16))
        self._uncommitted = 0
        self._commits.append(number)
        yield event("input_audio_buffer.commit", f"commit-{number}")

    def encode_respond(self, request: int, instructions: str) -> Iterator[Message]:
        """Yield what asks for a response; what was not committed is, before it."""
        if self._uncommitted and not self.detects_turns:
            yield from self.encode_commit(0)
        asked: dict[str, object] = {"instructions": instructions} if instructions else {}
        yield self._ask(request, asked)

    def encode_say(self, request: int, text: str) -> Iterator[Message]:
        """Yield what has a text spoken beside the conversation."""
        yield self._ask(
            request, {"conversation": "none", "input": [], "tools": [], "instructions": f"{SAY}{text}"}
        )

    def encode_cancel(self, response: str) -> Iterator[Message]:
        """Yield what ends a response that goes on."""
        if self._responses.is_live(response):
            yield event("response.cancel", f"cancel-{response}", response_id=response)

    def encode_truncate(self, response: str, samples: int) -> Iterator[Message]:
        """Yield what ends each item of a response where it was heard to."""
        for item, index, end_ms in self._responses.cuts(response, samples):
            yield event(
                "conversation.item.truncate",
                f"truncate-{item}",
                item_id=item,
                content_index=index,
                audio_end_ms=end_ms,
            )

    def encode_message(self, message: CallerMessage | AssistantMessage) -> Iterator[Message]:
        """Yield what was written or said by other means."""
        yield event("conversation.item.create", item=message_item(message))

    def encode_result(self, result: ToolMessage) -> Iterator[Message]:
        """Yield a tool's result."""
        yield event("conversation.item.create", item=result_item(result))

    def encode_update(self, instructions: str, tools: Sequence[ToolSpec]) -> Iterator[Message]:
        """Yield other instructions and tools."""
        yield event("session.update", session={"type": "realtime", **self._manner(instructions, tools)})

    def _manner(self, instructions: str, tools: Sequence[ToolSpec]) -> dict[str, object]:
        given = [
            {
                "type": "function",
                "name": t.name,
                "description": t.description,
                "parameters": dict(t.parameters),
            }
            for t in tools
        ]
        return {"instructions": instructions, "tools": given, "tool_choice": "auto"}

    def _turn_detection(self) -> dict[str, object] | None:
        settings = self.settings
        if not self.detects_turns:
            return None
        given: dict[str, object] = {
            "type": settings.turn_detection,
            "create_response": settings.create_response,
            "interrupt_response": settings.interrupt_response,
        }
        if settings.turn_detection == "server_vad" and settings.silence is not None:
            given["silence_duration_ms"] = round(settings.silence * 1000)
        if settings.turn_detection == "semantic_vad" and settings.eagerness is not None:
            given["eagerness"] = settings.eagerness
        return given

    def _history(self, message: object) -> Iterator[Message]:
        if isinstance(message, ToolMessage):
            yield event("conversation.item.create", item=result_item(message))
        elif isinstance(message, (CallerMessage, AssistantMessage)):
            if message.text or isinstance(message, CallerMessage):
                yield event("conversation.item.create", item=message_item(message))
            if isinstance(message, AssistantMessage):
                for item in call_items(message):
                    yield event("conversation.item.create", item=item)

    def _ask(self, request: int, response: Mapping[str, object]) -> Message:
        self._requests.append(request)
        return event(
            "response.create",
            f"respond-{request}",
            response={**response, "metadata": {"request": str(request)}},
        )

    # -- what is heard --

    def decode(self, message: Message) -> Iterator[S2SAnswer]:
        """Yield what an event says."""
        told: dict[str, Any] = json.loads(message)
        kind = str(told.get("type")).removeprefix("response.output_")
        read = self._READS.get(kind)
        if read is not None:
            yield from read(self, told)

    def _ready(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:  # noqa: ARG002
        yield s2s.Ready()

    def _speech_started(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        yield s2s.SpeechStarted(told["audio_start_ms"] / 1000)

    def _speech_stopped(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        yield s2s.SpeechStopped(told["audio_end_ms"] / 1000)

    def _was_committed(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        if self.detects_turns:
            self._uncommitted = 0
            yield s2s.TurnEnded()
        elif self._commits:
            self._committed[told["item_id"]] = self._commits.popleft()

    def _transcript_delta(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        item = told["item_id"]
        if item in self._committed or self.detects_turns:
            self._texts[item] = text = self._texts.get(item, "") + (told.get("delta") or "")
            yield s2s.InputTranscript(text.strip(), False, self._committed.get(item, 0), item=item)

    def _transcript_done(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        item, text = told["item_id"], (told.get("transcript") or "").strip()
        self._texts.pop(item, None)
        yield s2s.InputTranscript(text, True, self._committed.pop(item, 0), item=item)

    def _transcript_failed(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        yield from self._transcript_done(told)
        yield s2s.ErrorReported(f"speech was not transcribed: {(told.get('error') or {}).get('message')}")

    def _response_created(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        response = told["response"]
        asked = (response.get("metadata") or {}).get("request")
        if asked is not None and int(asked) in self._requests:
            request = int(asked)
            self._requests.remove(request)
        else:  # servers that give no metadata back answer in order; what the vendor begins itself has none
            request = self._requests.popleft() if self._requests and not self.responds_by_itself else 0
        self._responses.begin(response["id"])
        yield s2s.ResponseStarted(response["id"], request)

    def _audio(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        data, response = base64.b64decode(told["delta"]), told["response_id"]
        if not data or not self._responses.is_live(response):
            return
        position = self._responses.add(
            response, told["item_id"], told.get("content_index") or 0, len(data) // 2
        )
        yield s2s.ResponseAudio(response, AudioFrame.from_bytes(data, RATE, position))

    def _words(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        if told.get("delta") and self._responses.is_live(told["response_id"]):
            yield s2s.ResponseText(told["response_id"], told["delta"])

    def _item_done(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        item = told["item"]
        if item.get("type") == "function_call" and self._responses.is_live(told["response_id"]):
            call = ToolCall(item["call_id"], item["name"], item.get("arguments") or "")
            yield s2s.FunctionCalled(told["response_id"], call)

    def _response_done(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        response = told["response"]
        if not self._responses.is_live(response["id"]):
            return
        self._responses.end(response["id"])
        if used := response.get("usage"):
            cached = (used.get("input_token_details") or {}).get("cached_tokens") or 0
            yield s2s.UsageReported(
                Usage(used.get("input_tokens") or 0, used.get("output_tokens") or 0, cached)
            )
        outcome = OUTCOMES.get(response.get("status"), s2s.ResponseOutcome.FAILED)
        yield s2s.ResponseDone(response["id"], outcome, _why(response) if outcome == "failed" else "")

    def _error(self, told: dict[str, Any]) -> Iterator[S2SAnswer]:
        error = told["error"]
        cause, _, number = (error.get("event_id") or "").partition("-")
        if error.get("code") == NOT_ACTIVE:
            return
        if cause == "respond" and int(number) in self._requests:
            self._requests.remove(int(number))
            yield s2s.ErrorReported(error["message"], int(number))
        elif cause == "commit" and int(number) in self._commits:
            self._commits.remove(int(number))
            yield s2s.InputTranscript("", True, int(number))
        elif cause:
            yield s2s.ErrorReported(error["message"])
        else:  # of the vendor's own accord: what it says of the model, the session's end, itself
            fatal = error_of(self.service, error)
            if fatal is not None:
                raise fatal
            yield s2s.ErrorReported(error["message"])

    _READS: ClassVar[Mapping[str, Any]] = {
        "session.updated": _ready,
        "input_audio_buffer.speech_started": _speech_started,
        "input_audio_buffer.speech_stopped": _speech_stopped,
        "input_audio_buffer.committed": _was_committed,
        "conversation.item.input_audio_transcription.delta": _transcript_delta,
        "conversation.item.input_audio_transcription.completed": _transcript_done,
        "conversation.item.input_audio_transcription.failed": _transcript_failed,
        "response.created": _response_created,
        "audio.delta": _audio,
        "audio_transcript.delta": _words,
        "text.delta": _words,
        "item.done": _item_done,
        "response.done": _response_done,
        "error": _error,
    }


def _why(response: Mapping[str, Any]) -> str:
    details = response.get("status_details") or {}
    error = details.get("error") or {}
    return str(error.get("message") or details.get("reason") or response.get("status"))
