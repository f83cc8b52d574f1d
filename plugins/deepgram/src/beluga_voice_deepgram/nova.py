"""Nova: words as they are said, at ``/v1/listen``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Acknowledged, Message, Request, STTAnswer, WebSocketSTT
from beluga_voice.connection.request import Params
from beluga_voice.contracts import Listens, Transcript, Word
from beluga_voice_deepgram.account import DeepgramCodec
from beluga_voice_deepgram.settings import NovaSettings

UNANSWERED = 1.0
"""Seconds after which a Finalize counts as answered: the vendor does not answer where it has little audio left.

Three times the 95th percentile of the delay of its finals.
"""


class DeepgramSTT(DeepgramCodec[NovaSettings], WebSocketSTT[NovaSettings]):
    """Deepgram's Nova.

    Args:
        settings: None for the defaults.
    """

    sample_rate = 16000
    listens = Listens.ALL
    finalizes = True
    finalize_silence = UNANSWERED
    tells_progress = True
    word_timestamps = True

    def __init__(self, settings: NovaSettings | None = None) -> None:
        super().__init__(NovaSettings() if settings is None else settings)
        self.interim_results = self.settings.interim_results

    def request(self) -> Request:
        settings = self.settings
        params: Params = {
            "model": settings.model,
            "language": settings.language,
            "encoding": "linear16",
            "sample_rate": self.sample_rate,
            "channels": 1,
            "interim_results": settings.interim_results,
            "punctuate": settings.punctuate,
            "smart_format": settings.smart_format or None,
            "numerals": settings.numerals or None,
            "profanity_filter": settings.profanity_filter or None,
            "endpointing": _milliseconds(settings.endpointing)
            or (None if settings.endpointing is None else False),
            "utterance_end_ms": _milliseconds(settings.utterance_end),
            "vad_events": None if settings.utterance_end is None else True,
        }
        return self.ask("/v1/listen", params, [("keyterm", term) for term in settings.keyterms])

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_finalize(self) -> Message:
        return '{"type": "Finalize"}'

    def encode_keep_alive(self) -> Message:
        return '{"type": "KeepAlive"}'

    def encode_close(self) -> Message:
        return '{"type": "CloseStream"}'

    def decode(self, message: Message) -> Iterator[STTAnswer]:
        answer = json.loads(message)
        kind = answer.get("type")
        if kind == "Results":
            yield from self._results(answer)
        elif kind == "UtteranceEnd":
            end = answer["last_word_end"]
            if self.settings.ends_turns and end >= 0:  # -1 where it knows of no word
                yield Transcript("", True, end, end, end_of_turn=True)
        elif kind == "Error":
            raise self.failure(answer.get("code") or answer.get("variant"), answer.get("description", ""))

    def _results(self, answer: Mapping[str, object]) -> Iterator[STTAnswer]:
        start, final = _number(answer["start"]), bool(answer.get("is_final"))
        end = start + _number(answer["duration"])
        text, words, language = _best(answer["channel"])
        asked = bool(answer.get("from_finalize"))
        if text or asked:
            ended = bool(answer.get("speech_final")) if self.settings.ends_turns and final else None
            yield Transcript(text, final, start, end, words, asked and final, language, ended)
        elif final:
            yield Acknowledged(end)  # silence


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _best(channel: object) -> tuple[str, tuple[Word, ...], str | None]:
    """Return text, words and language of a channel's first alternative."""
    alternatives = channel["alternatives"] if isinstance(channel, Mapping) else []
    if not alternatives:
        return "", (), None
    best = alternatives[0]
    words = tuple(
        Word(each.get("punctuated_word") or each["word"], each["start"], each["end"])
        for each in best.get("words") or ()
    )
    languages = best.get("languages") or [None]
    return best["transcript"], words, languages[0]
