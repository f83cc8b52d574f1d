"""The recognizer over the Realtime interface: speech is sent as it is spoken, and committed at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import ConnectionPolicy, Message, Ready, Request, WebSocketSTT
from beluga_voice.connection import Service
from beluga_voice.contracts import Transcript
from beluga_voice_openai.account import OPENAI, Account, Vendor
from beluga_voice_openai.items import append, error_of, event, transcription
from beluga_voice_openai.settings import OpenAIRealtimeSTTSettings

RATE = 24000
"""Hz of all audio."""

TOO_SHORT = "input_audio_buffer_commit_empty"
"""The code of a refusal to commit less than 0.1 s: nobody says a word in that."""


class OpenAIRealtimeSTT(WebSocketSTT[OpenAIRealtimeSTTSettings]):
    """A recognizer of OpenAI's that hears speech while it is spoken."""

    interface: ClassVar[Vendor] = OPENAI
    sample_rate = RATE
    finalizes = True
    interim_results = True
    awaits_ready = True
    p99_delay = 1.15  # log-normal through the measured median of 0.637 s and 95th percentile of 0.965 s

    def __init__(self, settings: OpenAIRealtimeSTTSettings | None = None) -> None:
        super().__init__(settings or OpenAIRealtimeSTTSettings())
        self._account = Account(self.interface, self.settings, self.kind)
        self.policy = ConnectionPolicy(
            open_deadline=self.settings.open_timeout,
            answer_deadline=self.settings.answer_timeout,
            tries=self.settings.tries,
        )
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
        self._sent = 0
        self._from = 0
        self._spans: list[tuple[float, float]] = []
        self._items: list[str] = []
        self._finals: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def request(self) -> Request:
        """Return the handshake."""
        url = f"{self._account.url.replace('http', 'ws', 1)}/realtime"
        return Request(url, {"intent": "transcription"}, self._account.headers())

    def encode_start(self) -> Iterator[Message]:
        """Yield the session's settings: ends of speech are ours to find."""
        settings = self.settings
        listens: dict[str, object] = {
            "format": {"type": "audio/pcm", "rate": RATE},
            "transcription": transcription(settings.model, settings.language, settings.prompt),
            "turn_detection": None,
        }
        if settings.noise_reduction is not None:
            listens["noise_reduction"] = {"type": settings.noise_reduction}
        yield event("session.update", session={"type": "transcription", "audio": {"input": listens}})

    def encode(self, frame: AudioFrame) -> Message:
        """Return a frame's message."""
        self._sent += len(frame)
        return append(frame.samples)

    def encode_finalize(self) -> Message:
        """Return what ends the speech so far."""
        self._spans.append((self._from / RATE, self._sent / RATE))
        self._from = self._sent
        return event("input_audio_buffer.commit", "finalize")

    # -- what is heard --

    def decode(self, message: Message) -> Iterator[Transcript | Ready]:
        """Yield what an event says; finals in the order of the speech, whatever order they come in."""
        told: dict[str, Any] = json.loads(message)
        kind = str(told.get("type")).removeprefix("conversation.item.input_audio_transcription.")
        if kind == "session.updated":
            yield Ready()
        elif kind == "input_audio_buffer.committed":
            self._items.append(told["item_id"])
        elif kind == "delta":
            yield from self._interim(told)
        elif kind in ("completed", "failed") and told["item_id"] in self._items:
            self._finals.setdefault(told["item_id"], (told.get("transcript") or "").strip())
            yield from self._in_order()
        elif kind == "error":
            yield from self._error(told["error"])

    def _interim(self, told: dict[str, Any]) -> Iterator[Transcript]:
        item = told["item_id"]
        self._texts[item] = text = self._texts.get(item, "") + (told.get("delta") or "")
        if self._items[:1] == [item] and item not in self._finals and text.strip():
            start, end = self._spans[0]
            yield Transcript(text.strip(), False, start, end, language=self.settings.language)

    def _in_order(self) -> Iterator[Transcript]:
        while self._items and self._items[0] in self._finals:
            item = self._items.pop(0)
            self._texts.pop(item, None)
            yield self._final(self._finals.pop(item))

    def _final(self, text: str) -> Transcript:
        start, end = self._spans.pop(0)
        return Transcript(text, True, start, end, answers_finalize=True, language=self.settings.language)

    def _error(self, error: dict[str, Any]) -> Iterator[Transcript]:
        if error.get("code") == TOO_SHORT and len(self._spans) == len(self._items) + 1:
            # Silence, and what came before it was answered: the latest is refused, the others are still to come.
            self._items.append("")
            self._finals[""] = ""
            yield from self._in_order()
            return
        fatal = error_of(self.service, {"type": "server_error", **error})
        assert fatal is not None
        raise fatal
