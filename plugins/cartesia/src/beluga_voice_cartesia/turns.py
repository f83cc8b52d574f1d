"""Ink with turns: the model finds their ends, at ``/stt/turns/websocket``."""

from __future__ import annotations

import json
from collections.abc import Iterator

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Message, Request, STTAnswer, WebSocketSTT
from beluga_voice.connection.request import Params
from beluga_voice.contracts import Listens, Transcript
from beluga_voice.errors import ProviderError
from beluga_voice_cartesia.account import CartesiaCodec
from beluga_voice_cartesia.settings import InkTurnsSettings


class CartesiaTurnsSTT(CartesiaCodec[InkTurnsSettings], WebSocketSTT[InkTurnsSettings]):
    """Cartesia's Ink where it finds the ends of the caller's turns itself.

    Each turn is one final transcript, with `Transcript.end_of_turn`. A turn.eager_end is an interim one that has
    it, so that a reply may be prepared; a turn.resume takes that back. The vendor tells no times.

    Args:
        settings: None for the defaults.
    """

    sample_rate = 16000
    listens = Listens.ALL
    interim_results = True
    message_duration = 0.1

    def __init__(self, settings: InkTurnsSettings | None = None) -> None:
        super().__init__(InkTurnsSettings() if settings is None else settings)
        self._text = ""

    async def check_health(self) -> None:
        """Open a stream and close it; a refusal names the model, which may be what is wrong."""
        try:
            await super().check_health()
        except ProviderError as error:
            raise self.blame_model(error) from error

    def begin(self) -> None:
        self._text = ""

    def request(self) -> Request:
        settings = self.settings
        timeout = settings.end_timeout
        params: Params = {
            "model": settings.model,
            "encoding": "pcm_s16le",
            "sample_rate": self.sample_rate,
            "turn_start_threshold": settings.start,
            "turn_eager_end_threshold": settings.eager_end,
            "turn_end_threshold": settings.end,
            "turn_end_timeout_ms": None if timeout is None else round(1000 * timeout),
        }
        return self.ask("/stt/turns/websocket", params, [("keyterm", term) for term in settings.keyterms])

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_close(self) -> Message:
        return '{"type": "close"}'

    def decode(self, message: Message) -> Iterator[STTAnswer]:
        answer = json.loads(message)
        kind = answer.get("type")
        if kind == "error":
            raise self.failure(answer)
        if kind == "turn.end":
            self._text = ""
            yield Transcript(answer["transcript"].strip(), True, end_of_turn=True)
        elif kind in ("turn.update", "turn.eager_end", "turn.resume"):
            self._text = answer.get("transcript", self._text).strip()
            if self._text:
                yield Transcript(self._text, False, end_of_turn=kind == "turn.eager_end")
