"""Ink: words as they are said, final when they are asked for, at ``/stt/websocket``."""

from __future__ import annotations

import json
from collections.abc import Iterator

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Message, Request, STTAnswer, WebSocketSTT
from beluga_voice.connection.request import Params
from beluga_voice.contracts import Transcript, Word
from beluga_voice.errors import ProviderError
from beluga_voice_cartesia.account import CartesiaCodec
from beluga_voice_cartesia.settings import InkSettings


class CartesiaSTT(CartesiaCodec[InkSettings], WebSocketSTT[InkSettings]):
    """Cartesia's Ink; the session says when speech has ended.

    The vendor's finals are pieces, which may end in mid-word: they are joined up to the answer to a finalize.

    Args:
        settings: None for the defaults.
    """

    sample_rate = 16000
    finalizes = True
    interim_results = True

    def __init__(self, settings: InkSettings | None = None) -> None:
        super().__init__(InkSettings() if settings is None else settings)
        self._text = ""
        self._words: tuple[Word, ...] = ()

    async def check_health(self) -> None:
        """Open a stream and close it; a refusal names the model, which may be what is wrong."""
        try:
            await super().check_health()
        except ProviderError as error:
            raise self.blame_model(error) from error

    def begin(self) -> None:
        self._text, self._words = "", ()

    def request(self) -> Request:
        settings = self.settings
        params: Params = {
            "model": settings.model,
            "language": settings.language,
            "encoding": "pcm_s16le",
            "sample_rate": self.sample_rate,
        }
        return self.ask("/stt/websocket", params, [("keyterm", term) for term in settings.keyterms])

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_finalize(self) -> Message:
        return "finalize"

    def encode_close(self) -> Message:
        return "close"

    def decode(self, message: Message) -> Iterator[STTAnswer]:
        answer = json.loads(message)
        kind = answer.get("type")
        if kind == "error":
            raise self.failure(answer)
        if kind == "transcript":
            text = self._text + answer["text"]
            if answer["is_final"]:
                self._text = text
                self._words += tuple(Word(w["word"], w["start"], w["end"]) for w in answer.get("words") or ())
            if text.strip():
                yield Transcript(text.strip(), False)
        elif kind == "flush_done":
            text, words = self._text.strip(), self._words
            self._text, self._words = "", ()
            start, end = (words[0].start, words[-1].end) if words else (None, None)
            yield Transcript(text, True, start, end, words, answers_finalize=True)
