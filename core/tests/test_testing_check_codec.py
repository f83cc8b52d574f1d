from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from pydantic import BaseModel, SecretStr

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import (
    Audio,
    Done,
    Message,
    Ready,
    Request,
    STTAnswer,
    TTSAnswer,
    WebSocketSTT,
    WebSocketTTS,
)
from beluga_voice.contracts import Transcript, Word
from beluga_voice.testing import check_codec


class Keyed(BaseModel, frozen=True):
    api_key: SecretStr = SecretStr("s3cret")


class GoodSTT(WebSocketSTT[Keyed]):
    finalizes = True
    awaits_ready = True

    def begin(self) -> None:
        self.finals: list[str] = []

    def request(self) -> Request:
        return Request(
            "wss://good.example/v1", headers={"Authorization": self.settings.api_key.get_secret_value()}
        )

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_finalize(self) -> Message | None:
        return "finalize"

    def decode(self, message: Message) -> Iterable[STTAnswer]:
        answer = json.loads(message)
        if answer["type"] == "ready":
            yield Ready()
        elif answer["type"] == "final":
            self.finals.append(answer["text"])
            yield Transcript(" ".join(self.finals), final=True)


MESSAGES = ['{"type": "ready"}', '{"type": "final", "text": "a"}', '{"type": "final", "text": "b"}']


class GoodTTS(WebSocketTTS[Keyed]):
    contexts = True

    def request(self) -> Request:
        return Request("wss://good.example/v1")

    def encode(self, text: str, context: str) -> Iterable[Message]:
        yield json.dumps({"text": text, "context": context})

    def decode(self, message: Message) -> Iterable[TTSAnswer]:
        answer = json.loads(message)
        if answer["type"] == "audio":
            yield Audio(b"\0\0", (Word("a", 0.0, 0.1),), context=answer["context"])
        elif answer["type"] == "done":
            yield Done(answer["context"])


AUDIO = ['{"type": "audio", "context": "c"}', '{"type": "done", "context": "c"}']


def test_sound_codecs_pass_and_what_the_messages_say_is_returned() -> None:
    assert check_codec(GoodSTT(Keyed()), MESSAGES) == [
        Ready(),
        Transcript("a", final=True),
        Transcript("a b", final=True),
    ]
    assert check_codec(GoodTTS(Keyed()), AUDIO) == [Audio(b"\0\0", (Word("a", 0.0, 0.1),), "c"), Done("c")]


SHARED: list[str] = []


def says(*answers: object) -> dict[str, object]:
    return {"decode": lambda self, message: iter(answers), "awaits_ready": False}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"request": lambda self: Request("https://x.example")}, "is no ws: or wss: address"),
        ({"request": lambda self: Request("wss://s3cret.example")}, "holds a secret of the settings"),
        ({"encode": lambda self, frame: None}, "encode gave no message"),
        ({"encode": lambda self, frame: frame.samples.fill(1) or b"x"}, "changed the frame"),
        ({"encode_finalize": lambda self: None}, "encode_finalize gave nothing"),
        ({"encode_start": lambda self: [7]}, "encode_start gave 7"),
        ({"begin": lambda self: setattr(self, "finals", SHARED)}, "they share what they remember"),
        (says("words"), "decode gave a str"),
        (says(Transcript("a", final=True)), "a message of an unknown kind was taken for"),
        ({"decode": lambda self, message: iter([Transcript("a", True)])}, "the first answer is not Ready"),
        (says(Transcript("a", True, 2.0, 1.0)), "goes from 2.0 to 1.0 s"),
        (says(Transcript("a", True, 0.0, 1.0, (Word("a", 3.0, 4.0),))), "lie outside of its 0.0 to 1.0 s"),
        (says(Transcript("a", False, answers_finalize=True)), "the interim 'a' answers a finalize"),
    ],
)
def test_each_defect_is_found_and_named(changes: dict[str, object], message: str) -> None:
    broken = type("Broken", (GoodSTT,), changes)
    with pytest.raises(AssertionError, match=message):
        check_codec(broken(Keyed()), MESSAGES, unknown='{"type": "new"}' if "unknown" in message else None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encode": lambda self, text, context: []}, r"encode gave \[\] for a text"),
        ({"decode": lambda self, message: iter([Audio(b"")])}, "an answer names none"),
        (
            {"decode": lambda self, message: iter([Audio(b"", (Word("a", 1, 0),), "c")])},
            "the words of the audio are out of order",
        ),
    ],
)
def test_each_defect_of_a_voice_is_found_and_named(changes: dict[str, object], message: str) -> None:
    broken = type("Broken", (GoodTTS,), changes)
    with pytest.raises(AssertionError, match=message):
        check_codec(broken(Keyed()), AUDIO, unknown=None)
