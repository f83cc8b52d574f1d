"""The voice: what is sent to the vendor, and what its answers mean."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from beluga_voice.codecs import Audio, Done, Message, Ready, Request, TTSAnswer, WebSocketTTS
from beluga_voice.contracts import Word
from beluga_voice.errors import ProviderError
from beluga_voice_parrot.settings import ParrotSettings


class ParrotTTS(WebSocketTTS[ParrotSettings]):
    """Parrot's voice. The vendor names each text, so that what was hushed is known as such."""

    vendor = "Parrot"
    sample_rate = 16000
    awaits_ready = True
    contexts = True
    word_timestamps = True

    def __init__(self, settings: ParrotSettings | None = None) -> None:
        super().__init__(settings or ParrotSettings())

    def request(self) -> Request:
        """Ask for the vendor's beak."""
        key = self.settings.api_key.get_secret_value()
        return Request(
            f"{self.settings.url.rstrip('/')}/speak",
            params={"rate": self.sample_rate},
            headers={"Authorization": f"Bearer {key}"},
        )

    def encode(self, text: str, context: str) -> Iterable[Message]:
        """Have a text spoken."""
        yield json.dumps({"type": "say", "id": context, "text": text})

    def encode_cancel(self, context: str) -> Message:
        """Have it spoken no further."""
        return json.dumps({"type": "hush", "id": context})

    def encode_keep_alive(self) -> Message:
        """Say that the line is wanted."""
        return json.dumps({"type": "still here"})

    def decode(self, message: Message) -> Iterable[TTSAnswer]:
        """Read an answer; one of an unknown type does not matter."""
        answer = json.loads(message)
        kind = answer["type"]
        if kind == "perched":
            yield Ready()
        elif kind == "audio":
            words = tuple(Word(*each) for each in answer["words"])
            yield Audio(base64.b64decode(answer["pcm"]), words, answer["id"])
        elif kind == "said":
            yield Done(answer["id"])
        elif kind == "squawk":
            raise ProviderError(f"Parrot: {answer['why']}", retryable=answer["retry"])
