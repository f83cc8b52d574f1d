"""Flux: words and turns in one model, at ``/v2/listen``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Acknowledged, Message, Ready, Request, STTAnswer, WebSocketSTT
from beluga_voice.connection.request import Params
from beluga_voice.contracts import Listens, Transcript, Word
from beluga_voice_deepgram.account import DeepgramCodec
from beluga_voice_deepgram.settings import FluxSettings

BEFORE = 1.0
"""Seconds before the present moment in which a turn may turn out to have begun; that audio is kept."""


class DeepgramFluxSTT(DeepgramCodec[FluxSettings], WebSocketSTT[FluxSettings]):
    """Deepgram's Flux, which finds the ends of the caller's turns itself.

    Each turn is one final transcript, with `Transcript.end_of_turn`. An EagerEndOfTurn is an interim one that has
    it, so that a reply may be prepared; a TurnResumed takes that back.

    Args:
        settings: None for the defaults.
    """

    sample_rate = 16000
    listens = Listens.ALL
    interim_results = True
    word_timestamps = True
    awaits_ready = True
    message_duration = 0.08
    """The vendor asks for messages of 80 ms."""

    def __init__(self, settings: FluxSettings | None = None) -> None:
        super().__init__(FluxSettings() if settings is None else settings)

    def request(self) -> Request:
        settings = self.settings
        timeout = settings.end_of_turn_timeout
        params: Params = {
            "model": settings.model,
            "encoding": "linear16",
            "sample_rate": self.sample_rate,
            "eot_threshold": settings.end_of_turn,
            "eager_eot_threshold": settings.eager_end_of_turn,
            "eot_timeout_ms": None if timeout is None else round(1000 * timeout),
        }
        terms = [("keyterm", term) for term in settings.keyterms]
        hints = [("language_hint", hint) for hint in settings.language_hints]
        return self.ask("/v2/listen", params, terms + hints)

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_close(self) -> Message:
        return '{"type": "CloseStream"}'

    def decode(self, message: Message) -> Iterator[STTAnswer]:
        answer = json.loads(message)
        kind = answer.get("type")
        if kind == "Connected":
            yield Ready()
        elif kind == "TurnInfo":
            yield from _turn(answer)
        elif kind == "Error":
            raise self.failure(answer.get("code"), answer.get("description", ""))


def _turn(answer: Mapping[str, Any]) -> Iterator[STTAnswer]:
    event, text, end = answer["event"], answer["transcript"], answer["audio_window_end"]
    final = event == "EndOfTurn"
    if not text and not final:
        if event == "Update":
            yield Acknowledged(max(0.0, end - BEFORE))
        return
    words = _words(answer.get("words") or ())
    start = words[0].start if words else answer["audio_window_start"]
    language = (answer.get("languages") or [None])[0]
    ended = final or event == "EagerEndOfTurn"
    yield Transcript(text, final, start, max(end, start), words, False, language, ended)


def _words(given: Sequence[Mapping[str, Any]]) -> tuple[Word, ...]:
    """Return the words, unless some have no times: the vendor does not promise them."""
    if any(each.get("start") is None or each.get("end") is None for each in given):
        return ()
    return tuple(Word(each["word"], each["start"], each["end"]) for each in given)
