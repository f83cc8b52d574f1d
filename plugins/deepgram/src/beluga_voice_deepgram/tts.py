"""Aura: texts as speech, at ``/v1/speak``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator

from beluga_voice.codecs import Audio, Done, Message, Request, TTSAnswer, WebSocketTTS
from beluga_voice.connection.request import Params
from beluga_voice.errors import ProviderError
from beluga_voice_deepgram.account import DeepgramCodec
from beluga_voice_deepgram.settings import AuraSettings

LONGEST = 2000
"""Characters that one Speak message may hold."""


class DeepgramTTS(DeepgramCodec[AuraSettings], WebSocketTTS[AuraSettings]):
    """Deepgram's Aura. A voice belongs to a connection: it cannot be chosen for one text.

    Args:
        settings: None for the defaults.
    """

    def __init__(self, settings: AuraSettings | None = None) -> None:
        super().__init__(AuraSettings() if settings is None else settings)
        self.sample_rate = self.settings.sample_rate
        self._clearing = 0

    def begin(self) -> None:
        self._clearing = 0

    def request(self) -> Request:
        params: Params = {
            "model": self.settings.model,
            "encoding": "linear16",
            "sample_rate": self.sample_rate,
            "speed": self.settings.speed,
        }
        return self.ask("/v1/speak", params)

    def encode(self, text: str, context: str) -> Iterable[Message]:  # noqa: ARG002 - it has no contexts
        for part in textwrap.wrap(text, LONGEST):
            yield json.dumps({"type": "Speak", "text": f"{part} "})
        yield '{"type": "Flush"}'

    def encode_cancel(self, context: str) -> Message:  # noqa: ARG002 - it has no contexts
        self._clearing += 1
        return '{"type": "Clear"}'

    def encode_close(self) -> Message:
        return '{"type": "Close"}'

    def decode(self, message: Message) -> Iterator[TTSAnswer]:
        if isinstance(message, bytes):
            yield Audio(message)
            return
        answer = json.loads(message)
        kind = answer.get("type")
        if kind == "Flushed" and not self._clearing:
            yield Done()
        elif kind == "Cleared":  # the answer to a Clear, whether or not a Flushed was on its way before
            self._clearing = max(0, self._clearing - 1)
            yield Done()
        elif kind == "Warning" and "flush" in f"{answer.get('code')} {answer.get('description')}".lower():
            # A Flush that is not heeded, as there were more than twenty within a minute: nothing will come.
            raise ProviderError(
                f"Deepgram does not speak: {answer.get('description')}",
                retryable=True,
                kind=self.kind,
                code="rate_limit",
            )
        elif kind in ("Error", "Fatal"):
            raise self.failure(answer.get("code") or answer.get("err_code"), answer.get("description", ""))
