"""The recognizer: what is sent to the vendor, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterable

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Message, Ready, Request, STTAnswer, WebSocketSTT
from beluga_voice.contracts import Listens, Transcript, Word
from beluga_voice.errors import ProviderError
from beluga_voice_parrot.settings import ParrotSettings


class ParrotSTT(WebSocketSTT[ParrotSettings]):
    """Parrot's recognizer. It finds the ends of turns itself, and so is sent all audio."""

    vendor = "Parrot"
    sample_rate = 16000
    listens = Listens.ALL
    awaits_ready = True
    finalizes = True
    interim_results = True
    word_timestamps = True
    p99_delay = 0.6

    def __init__(self, settings: ParrotSettings | None = None) -> None:
        super().__init__(settings or ParrotSettings())

    def request(self) -> Request:
        """Ask for the vendor's ears."""
        key = self.settings.api_key.get_secret_value()
        return Request(
            f"{self.settings.url.rstrip('/')}/listen",
            params={"rate": self.sample_rate},
            headers={"Authorization": f"Bearer {key}"},
        )

    def encode(self, frame: AudioFrame) -> Message:
        """Audio is sent as it is."""
        return frame.tobytes()

    def encode_finalize(self) -> Message:
        """Ask for the words so far."""
        return json.dumps({"type": "enough"})

    def encode_keep_alive(self) -> Message:
        """Say that the line is wanted."""
        return json.dumps({"type": "still here"})

    def decode(self, message: Message) -> Iterable[STTAnswer]:
        """Read an answer; one of an unknown type does not matter."""
        answer = json.loads(message)
        kind = answer["type"]
        if kind == "perched":
            yield Ready()
        elif kind == "hearing":
            yield Transcript(answer["text"], final=False)
        elif kind == "heard":
            words = tuple(Word(*each) for each in answer["words"])
            yield Transcript(
                " ".join(word.text for word in words),
                final=True,
                start=answer["from"],
                end=answer["to"],
                words=words,
                answers_finalize=answer["enough"],
                end_of_turn=True if words and not answer["enough"] else None,
            )
        elif kind == "squawk":
            raise ProviderError(f"Parrot: {answer['why']}", retryable=answer["retry"])
