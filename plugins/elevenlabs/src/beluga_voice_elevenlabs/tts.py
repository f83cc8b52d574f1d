"""Texts as speech over a WebSocket that serves many of them: ``multi-stream-input``."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from beluga_voice.codecs import Audio, Done, Message, Request, TTSAnswer, WebSocketTTS
from beluga_voice_elevenlabs.account import (
    VENDOR,
    check_account,
    failure,
    key_header,
    need_key,
    websocket,
)
from beluga_voice_elevenlabs.alignment import Alignment
from beluga_voice_elevenlabs.settings import KEY, ElevenLabsTTSSettings

IDLE = 180
"""Seconds that a context may be idle, the most that the vendor takes."""


@dataclass(slots=True)
class _Spoken:
    """What has come of a text."""

    bytes: int = 0
    alignment: Alignment = field(default_factory=Alignment)


class ElevenLabsTTS(WebSocketTTS[ElevenLabsTTSSettings]):
    """ElevenLabs' voices over a WebSocket; tells when each word is said.

    The voice belongs to a connection: it cannot be chosen for one text.

    Args:
        settings: None for the defaults.
    """

    vendor = VENDOR
    key_variable = KEY
    word_timestamps = True
    contexts = True

    def __init__(self, settings: ElevenLabsTTSSettings | None = None) -> None:
        super().__init__(ElevenLabsTTSSettings() if settings is None else settings)
        self.sample_rate = self.settings.sample_rate
        self._spoken: dict[str, _Spoken] = {}

    async def open(self) -> None:
        """See that there is a key.

        Raises:
            ConfigurationError: there is none.
        """
        need_key(self.settings)

    async def check_health(self) -> None:
        """Ask whether the vendor takes the key and knows model and voice, and open a stream."""
        await check_account(self.settings, self.settings.model, self.settings.voice, self.kind)
        await super().check_health()

    def begin(self) -> None:
        self._spoken = {}

    def request(self) -> Request:
        settings = self.settings
        params = {
            "model_id": settings.model,
            "output_format": f"pcm_{settings.sample_rate}",
            "language_code": settings.language,
            "apply_text_normalization": settings.text_normalization,
            "inactivity_timeout": IDLE,
            "sync_alignment": True,
            "auto_mode": True,  # whole sentences come: no text is held back for more
            "enable_logging": None if settings.enable_logging else False,
        }
        url = f"{websocket(settings)}/v1/text-to-speech/{settings.voice}/multi-stream-input"
        return Request(url, params, key_header(settings))

    def encode(self, text: str, context: str) -> Iterable[Message]:
        self._spoken[context] = _Spoken()
        settings = self.settings.voice_settings
        first: dict[str, object] = {"text": " ", "context_id": context}
        yield json.dumps({**first, "voice_settings": settings} if settings else first)
        yield json.dumps({"text": f"{text} ", "context_id": context, "flush": True})
        yield _close(context)  # speaks what was flushed, and then tells that it was all

    def encode_cancel(self, context: str) -> Message:
        self._spoken.pop(context, None)
        return _close(context)

    def encode_close(self) -> Message:
        return '{"close_socket": true}'

    def decode(self, message: Message) -> Iterator[TTSAnswer]:
        answer = json.loads(message)
        if answer.get("error"):
            raise failure(str(answer["error"]), answer.get("message", ""), self.kind)
        context = answer.get("contextId") or answer.get("context_id")
        if not context:
            return
        if answer.get("audio"):
            yield self._audio(answer, context)
        if answer.get("isFinal") or answer.get("is_final"):
            spoken = self._spoken.pop(context, None)
            last = tuple(spoken.alignment.rest()) if spoken is not None else ()
            if last:
                yield Audio(b"", last, context)
            yield Done(context)

    def _audio(self, answer: dict[str, Any], context: str) -> Audio:
        spoken = self._spoken.setdefault(context, _Spoken())
        data = base64.b64decode(answer["audio"])
        offset = spoken.bytes / 2 / self.sample_rate
        spoken.bytes += len(data)
        return Audio(data, tuple(spoken.alignment.words(answer.get("alignment"), offset)), context)


def _close(context: str) -> str:
    return json.dumps({"context_id": context, "close_context": True})
