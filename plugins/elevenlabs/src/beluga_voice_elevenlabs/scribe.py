"""Scribe: words as they are said, at ``/v1/speech-to-text/realtime``."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import urlencode

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Message, Ready, Request, STTAnswer, WebSocketSTT
from beluga_voice.connection.request import Params
from beluga_voice.contracts import Transcript, Word
from beluga_voice_elevenlabs.account import VENDOR, check_account, failure, key_header, need_key, websocket
from beluga_voice_elevenlabs.settings import KEY, ScribeSettings

ERRORS = frozenset(
    {
        "auth_error",
        "chunk_size_exceeded",
        "error",
        "input_error",
        "insufficient_audio_activity",
        "invalid_request",
        "queue_overflow",
        "quota_exceeded",
        "rate_limited",
        "resource_exhausted",
        "session_time_limit_exceeded",
        "transcriber_error",
        "unaccepted_terms",
    }
)
"""Types of messages that tell of a failure."""


class ElevenLabsSTT(WebSocketSTT[ScribeSettings]):
    """ElevenLabs' Scribe; the session says when speech has ended, by a commit.

    Args:
        settings: None for the defaults.
    """

    vendor = VENDOR
    key_variable = KEY
    sample_rate = 16000
    finalizes = True
    interim_results = True
    word_timestamps = True
    awaits_ready = True
    message_duration = 0.1
    """Audio goes as text, each message with its envelope: single frames would double what is sent."""

    def __init__(self, settings: ScribeSettings | None = None) -> None:
        super().__init__(ScribeSettings() if settings is None else settings)
        self._last: Transcript | None = None

    async def open(self) -> None:
        """See that there is a key.

        Raises:
            ConfigurationError: there is none.
        """
        need_key(self.settings)

    async def check_health(self) -> None:
        """Ask whether the vendor takes the key, and open a stream."""
        await check_account(self.settings, "", "", self.kind)
        await super().check_health()

    def begin(self) -> None:
        self._last = None

    def request(self) -> Request:
        settings = self.settings
        terms = urlencode([("keyterms", term) for term in settings.keyterms])
        params: Params = {
            "model_id": settings.model,
            "audio_format": f"pcm_{self.sample_rate}",
            "commit_strategy": "manual",
            "include_timestamps": True,
            "language_code": settings.language,
            "no_verbatim": settings.no_verbatim or None,
            "enable_logging": None if settings.enable_logging else False,
        }
        url = f"{websocket(settings)}/v1/speech-to-text/realtime{'?' if terms else ''}{terms}"
        return Request(url, params, key_header(settings))

    def encode(self, frame: AudioFrame) -> Message:
        return self._chunk(base64.b64encode(frame.tobytes()).decode(), commit=False)

    def encode_finalize(self) -> Message:
        return self._chunk("", commit=True)

    def _chunk(self, data: str, *, commit: bool) -> str:
        kind = "input_audio_chunk"
        return json.dumps(
            {"message_type": kind, "audio_base_64": data, "commit": commit, "sample_rate": self.sample_rate}
        )

    def decode(self, message: Message) -> Iterator[STTAnswer]:
        answer = json.loads(message)
        kind = answer.get("message_type")
        if kind == "session_started":
            yield Ready()
        elif kind == "partial_transcript":
            if answer["text"]:
                yield Transcript(answer["text"], False)
        elif kind == "committed_transcript_with_timestamps":  # the one without comes too, before it
            words = tuple(
                Word(each["text"], each["start"], each["end"])
                for each in answer.get("words") or ()
                if each.get("type", "word") == "word"
            )
            start, end = (words[0].start, words[-1].end) if words else (None, None)
            text, language = answer["text"].strip(), answer.get("language_code")
            final = Transcript(text, True, start, end, words, True, language)
            if not words or final != self._last:  # one that comes twice answers no second commit
                self._last = final
                yield final
        elif kind == "commit_throttled":  # less than 0.3 s of audio: no words
            yield Transcript("", True, answers_finalize=True)
        elif kind in ERRORS:
            raise failure(kind, answer.get("error", ""), self.kind)
