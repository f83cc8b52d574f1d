"""Sonic: texts as speech, at ``/tts/websocket``."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import aclosing

from beluga_voice.codecs import Audio, Done, Message, Request, TTSAnswer, WebSocketTTS
from beluga_voice.errors import ProviderError
from beluga_voice.words import Word
from beluga_voice_cartesia.account import CartesiaCodec
from beluga_voice_cartesia.settings import SonicSettings

SPEED = (0.6, 1.5)
"""Bounds of the vendor's speed: what is asked beyond them is brought within."""


class CartesiaTTS(CartesiaCodec[SonicSettings], WebSocketTTS[SonicSettings]):
    """Cartesia's Sonic; tells when each word is said. Voice and speed may be chosen for one text.

    Args:
        settings: None for the defaults.
    """

    word_timestamps = True
    contexts = True
    honours = frozenset({"voice", "speed"})

    def __init__(self, settings: SonicSettings | None = None) -> None:
        super().__init__(SonicSettings() if settings is None else settings)
        self.sample_rate = self.settings.sample_rate

    async def check_health(self) -> None:
        """Have a word spoken: key, model and voice are told with it only.

        Raises:
            ProviderError: the vendor refuses one of them, or cannot be reached.
        """
        stream = await self.open_stream()
        try:
            async with aclosing(stream.synthesize("Yes.")) as speech:
                async for _ in speech:
                    break
        except ProviderError as error:
            raise self.blame_model(error) from error
        finally:
            await stream.aclose()

    def request(self) -> Request:
        return self.ask("/tts/websocket", {})

    def encode(self, text: str, context: str) -> Iterable[Message]:
        settings = self.settings
        generation = {"speed": self._speed(), "volume": settings.volume, "emotion": settings.emotion}
        given = {name: value for name, value in generation.items() if value is not None}
        order: dict[str, object] = {
            "model_id": settings.model,
            "transcript": text,
            "voice": {"mode": "id", "id": self.options.voice or settings.voice},
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": self.sample_rate},
            "language": settings.language,
            "context_id": context,
            "continue": False,
            "add_timestamps": True,
        }
        if given:
            order["generation_config"] = given
        if settings.pronunciation is not None:
            order["pronunciation_dict_id"] = settings.pronunciation
        yield json.dumps(order)

    def _speed(self) -> float | None:
        asked, own = self.options.speed, self.settings.speed
        if asked is None:
            return own
        return min(max(asked * (own or 1.0), SPEED[0]), SPEED[1])

    def encode_cancel(self, context: str) -> Message:
        return json.dumps({"context_id": context, "cancel": True})

    def decode(self, message: Message) -> Iterator[TTSAnswer]:
        answer = json.loads(message)
        kind, context = answer.get("type"), answer.get("context_id") or ""
        if kind == "error":
            raise self.failure(answer)
        if kind == "chunk":
            yield Audio(base64.b64decode(answer["data"]), (), context)
        elif kind == "timestamps":
            times = answer.get("word_timestamps") or {}
            told = zip(times.get("words", ()), times.get("start", ()), times.get("end", ()), strict=True)
            yield Audio(b"", tuple(Word(*each) for each in told), context)
        elif kind == "done":
            yield Done(context)
