"""Gemini as a speech-to-speech model: the Live API (``BidiGenerateContent``) as a pure codec.

The session finds the caller's turns, and brackets what the caller says by ``activityStart`` and ``activityEnd``.
The second asks for the answer; at the first the vendor cancels its answer. What is written, too, is said between
the two: ``clientContent`` is for the history at the beginning only.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Message, Reply, Request, S2SAnswer, WebSocketS2S
from beluga_voice.connection import HttpClient, Service
from beluga_voice.contracts import s2s
from beluga_voice.contracts.llm import AssistantMessage, CallerMessage, LLMMessage, ToolMessage
from beluga_voice.conversation import ToolCall
from beluga_voice.errors import ProviderError
from beluga_voice_gemini.answers import error_of, usage_of
from beluga_voice_gemini.contents import GO_ON, contents, declarations, response_of
from beluga_voice_gemini.settings import GeminiLiveSettings

PACKAGE = "google.ai.generativelanguage"
"""Of the address of the WebSocket."""


class GeminiS2S(WebSocketS2S[GeminiLiveSettings]):
    """Gemini's Live API."""

    vendor = "Gemini"
    key_variable = "GEMINI_API_KEY"
    provider_name = "gcp.gemini"

    input_sample_rate = 16000
    output_sample_rate = 24000
    commits = False
    truncates = False
    says = False
    updates = False
    max_session = 600.0
    """The vendor ends connections after about ten minutes, and says so some time before."""

    def __init__(self, settings: GeminiLiveSettings | None = None) -> None:
        super().__init__(GeminiLiveSettings() if settings is None else settings)
        self.model_name = self.settings.model
        self.begin()

    async def open(self) -> None:
        """Look for a key; nothing is asked of the vendor yet.

        Raises:
            ConfigurationError: there is none.
        """
        self.settings.require_key()

    async def check_health(self) -> None:
        """Ask the vendor for the model; costs no tokens.

        Raises:
            ProviderError: the key is refused, there is no such model, or the vendor cannot be reached.
        """
        settings = self.settings
        name = settings.model.removeprefix("models/")
        url = f"{settings.base_url.rstrip('/')}/{settings.api_version}/models/{name}"
        async with HttpClient(self.service) as client:
            try:
                await client.read(Request(url, headers=self._headers()))
            except ProviderError as error:
                raise _told(error, self.service) from None

    def begin(self) -> None:
        self._speaking = False
        self._spoken = False
        self._said: list[str] = []
        self._results: list[dict[str, object]] = []
        self._asked: deque[int] = deque()
        self._names = count(1)
        self._live = ""
        self._cut = False
        self._position = 0
        self._heard = ""
        self._items = count(1)
        self._item = ""
        self._usage: Mapping[str, Any] | None = None
        self._history: Message | None = None

    def request(self) -> Request:
        settings = self.settings
        base = settings.base_url.rstrip("/").replace("http", "ws", 1)
        service = f"{PACKAGE}.{settings.api_version}.GenerativeService.BidiGenerateContent"
        return Request(f"{base}/ws/{service}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self.settings.api_key.get_secret_value()}

    # -- what is sent --

    def encode_setup(self, setup: s2s.S2SSetup) -> Iterable[Message]:
        settings = self.settings
        generation: dict[str, object] = {"responseModalities": ["AUDIO"]}
        if settings.voice:
            voice = {"prebuiltVoiceConfig": {"voiceName": settings.voice}}
            generation["speechConfig"] = {"voiceConfig": voice}
        if settings.thinking_level != "default":
            generation["thinkingConfig"] = {"thinkingLevel": settings.thinking_level.upper()}
        told: dict[str, object] = {
            "model": f"models/{settings.model.removeprefix('models/')}",
            "generationConfig": generation,
            "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}},
            "inputAudioTranscription": {},
            "outputAudioTranscription": {},
        }
        if setup.instructions.strip():
            told["systemInstruction"] = {"parts": [{"text": setup.instructions}]}
        if setup.tools:
            told["tools"] = [{"functionDeclarations": declarations(setup.tools)}]
        if settings.compression:
            told["contextWindowCompression"] = {"slidingWindow": {}}
        turns = _history(setup.history)
        if turns:
            told["historyConfig"] = {"initialHistoryInClientContent": True}
            self._history = _message("clientContent", {"turns": turns, "turnComplete": True})
        yield _message("setup", told)

    def encode(self, frame: AudioFrame) -> Message | tuple[Message, ...]:
        data = base64.b64encode(frame.tobytes()).decode()
        audio = {"data": data, "mimeType": f"audio/pcm;rate={self.input_sample_rate}"}
        begun = tuple(self._begin_speaking())
        self._spoken = True
        return (*begun, _message("realtimeInput", {"audio": audio}))

    def encode_respond(self, request: int, instructions: str) -> Iterable[Message]:
        if instructions.strip():
            self._said.append(f"({instructions})")
        self._asked.append(request)
        if self._results:
            results, self._results = self._results, []
            yield _message("toolResponse", {"functionResponses": results})
            if not self._speaking and not self._said:
                return
        spoken = self._speaking and self._spoken
        texts, self._said = self._said, []
        yield from self._begin_speaking()
        for text in texts or ([] if spoken else [GO_ON]):
            yield _message("realtimeInput", {"text": text})
        self._speaking = False
        yield _message("realtimeInput", {"activityEnd": {}})

    def encode_cancel(self, response: str) -> Iterable[Message]:
        """The vendor cancels its answer when the caller begins to speak; there is no other way to tell it."""
        if response and response == self._live:
            yield from self._begin_speaking()

    def encode_message(self, message: CallerMessage | AssistantMessage) -> Iterable[Message]:
        """Keep the words until an answer is asked for: what is written cuts an answer as speech does."""
        if message.text.strip():
            mine = isinstance(message, AssistantMessage)
            self._said.append(f"(You have said: {message.text})" if mine else message.text)
        yield from ()

    def encode_result(self, result: ToolMessage) -> Iterable[Message]:
        """Keep it until an answer is asked for: the vendor goes on once it has the results."""
        self._results.append(response_of(result))
        yield from ()

    def _begin_speaking(self) -> Iterator[Message]:
        if not self._speaking:
            self._speaking, self._spoken = True, False
            yield _message("realtimeInput", {"activityStart": {}})

    # -- what comes --

    def decode(self, message: Message) -> Iterable[S2SAnswer]:
        said = json.loads(message)
        if "setupComplete" in said:
            if self._history is not None:
                yield Reply(self._history)
            yield s2s.Ready()
        if "usageMetadata" in said:
            self._usage = said["usageMetadata"]
        if "serverContent" in said:
            yield from self._content(said["serverContent"])
        if "toolCall" in said:
            yield from self._calls(said["toolCall"].get("functionCalls", ()))
        if "toolCallCancellation" in said:
            gone = said["toolCallCancellation"].get("ids", ())
            self._results = [each for each in self._results if each["id"] not in gone]
        if "goAway" in said:
            yield s2s.GoingAway(float(str(said["goAway"].get("timeLeft", "0s")).removesuffix("s")))
        if "error" in said:
            error = said["error"]
            raise error_of(int(error.get("code", 500)), self.service, str(error.get("message", "")))

    def _content(self, content: Mapping[str, Any]) -> Iterator[S2SAnswer]:
        if "inputTranscription" in content:
            yield from self._transcribed(content["inputTranscription"])
        for part in content.get("modelTurn", {}).get("parts", ()):
            yield from self._part(part)
        words = content.get("outputTranscription", {}).get("text")
        if words:
            yield from self._start()
            yield s2s.ResponseText(self._live, words)
        if content.get("interrupted"):
            self._cut = True
            if self._asked:
                yield from self._start()
            if self._live:
                yield from self._finish(s2s.ResponseOutcome.CANCELLED)
        if content.get("turnComplete"):
            yield from self._complete(str(content.get("turnCompleteReason", "")))

    def _complete(self, reason: str) -> Iterator[S2SAnswer]:
        cut, self._cut = self._cut, False
        if not self._live and (cut or not self._asked):
            return  # the end of an answer that was cut, or that asked for tools
        yield from self._start()
        fine = reason in ("", "TURN_COMPLETE_REASON_UNSPECIFIED", "NEED_MORE_INPUT")
        outcome = s2s.ResponseOutcome.COMPLETED if fine else s2s.ResponseOutcome.FAILED
        yield from self._finish(outcome, "" if fine else reason)

    def _part(self, part: Mapping[str, Any]) -> Iterator[S2SAnswer]:
        blob = part.get("inlineData")
        if blob is None or part.get("thought") or not str(blob.get("mimeType", "")).startswith("audio/"):
            return
        data = base64.b64decode(blob["data"], validate=True)
        if data:
            yield from self._start()
            yield s2s.ResponseAudio(
                self._live, AudioFrame.from_bytes(data, self.output_sample_rate, self._position)
            )
            self._position += len(data) // 2

    def _calls(self, calls: Sequence[Mapping[str, Any]]) -> Iterator[S2SAnswer]:
        """A response that asks for tools is over: what follows their results is the next one."""
        if not calls:
            return
        yield from self._start()
        for call in calls:
            arguments = json.dumps(call.get("args") or {})
            yield s2s.FunctionCalled(self._live, ToolCall(str(call["id"]), str(call["name"]), arguments))
        yield from self._finish(s2s.ResponseOutcome.COMPLETED)

    def _transcribed(self, transcription: Mapping[str, Any]) -> Iterator[S2SAnswer]:
        if not self._item:
            self._item = f"speech-{next(self._items)}"
        self._heard += str(transcription.get("text") or "")
        if transcription.get("finished"):
            yield from self._finish_hearing()
        elif self._heard.strip():
            yield s2s.InputTranscript(self._heard.strip(), final=False, item=self._item)

    def _finish_hearing(self) -> Iterator[S2SAnswer]:
        if self._item:
            yield s2s.InputTranscript(self._heard.strip(), final=True, item=self._item)
            self._heard = self._item = ""

    def _start(self) -> Iterator[S2SAnswer]:
        if not self._live:
            self._live = f"response-{next(self._names)}"
            self._position = 0
            request = self._asked.popleft() if self._asked else 0
            yield s2s.ResponseStarted(self._live, request)

    def _finish(self, outcome: s2s.ResponseOutcome, error: str = "") -> Iterator[S2SAnswer]:
        yield from self._finish_hearing()
        if self._usage is not None:
            yield s2s.UsageReported(usage_of(self._usage, "responseTokenCount"))
            self._usage = None
        done, self._live = self._live, ""
        yield s2s.ResponseDone(done, outcome, error)


def _message(kind: str, content: Mapping[str, object]) -> Message:
    return json.dumps({kind: content})


def _history(history: Iterable[LLMMessage]) -> list[dict[str, object]]:
    """What was said, without calls and their results; it may end with either side's words."""
    said: list[LLMMessage] = []
    for message in history:
        if isinstance(message, (CallerMessage, AssistantMessage)) and message.text.strip():
            mine = isinstance(message, AssistantMessage)
            said.append(AssistantMessage(message.text) if mine else CallerMessage(message.text))
    if not said:
        return []
    turns = contents(said, lambda _: None)
    return turns[:-1] if isinstance(said[-1], AssistantMessage) else turns


def _told(error: ProviderError, service: Service) -> ProviderError:
    return error_of(401, service, "") if "API key not valid" in str(error) else error
