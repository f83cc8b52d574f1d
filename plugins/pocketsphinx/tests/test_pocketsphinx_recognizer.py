"""The decoder within a worker, and how a worker shares itself among streams; in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice_pocketsphinx.messages import Kind, Message, Parser, Setup, decode_result, decode_samples
from beluga_voice_pocketsphinx.recognizer import Recognizer, is_filler, strip_variant
from beluga_voice_pocketsphinx.worker import Worker

PCM = bytes(640)


class Told:
    """What a worker has written."""

    def __init__(self) -> None:
        self._parser = Parser()
        self.messages: list[Message] = []

    def write(self, data: bytes) -> None:
        self.messages += self._parser.feed(data)

    def take(self) -> list[tuple[Kind, int]]:
        taken = [(message.kind, message.stream) for message in self.messages]
        self.messages.clear()
        return taken


@pytest.fixture
def setup(answers: Path, dictionary: Path) -> Setup:
    options: dict[str, str | float | bool | None] = {
        "dict": str(dictionary),
        "loglevel": "FATAL",
        "fwdflat": False,
        "bestpath": False,
    }
    return Setup(options=options, grammar=str(answers), reject=0.0, decoders=1, interim_interval=0.1)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def worker(setup: Setup, told: Told) -> Iterator[Worker]:
    worker = Worker(setup, told.write)
    for stream in (1, 2):
        worker.accept(Message(Kind.OPEN, stream))
    assert told.take() == [(Kind.OPENED, 1), (Kind.OPENED, 2)]
    return worker


def finish(worker: Worker) -> None:
    while worker.busy:
        worker.step()


@pytest.mark.parametrize("word", ["<s>", "</s>", "<sil>", "[NOISE]", "++UM++", "(NULL)", ""])
def test_a_filler_is_no_word(word: str) -> None:
    assert is_filler(word)
    assert not is_filler("word")


@pytest.mark.parametrize(
    ("word", "plain"), [("read(2)", "read"), ("the", "the"), ("(", "("), ("a(b)", "a(b)")]
)
def test_the_number_of_a_pronunciation_is_dropped(word: str, plain: str) -> None:
    assert strip_variant(word) == plain


def test_streams_take_turns_and_a_short_one_does_not_wait_for_a_long_one(worker: Worker, told: Told) -> None:
    for _ in range(50):
        worker.accept(Message(Kind.AUDIO, 1, PCM))
    worker.accept(Message(Kind.AUDIO, 2, PCM))
    worker.accept(Message(Kind.FINALIZE, 2))
    for _ in range(4):
        worker.step()
    assert told.take() == [(Kind.FINAL, 2), (Kind.PROCESSED, 2)]


def test_progress_is_told_at_the_end_and_every_tenth_of_a_second(worker: Worker, told: Told) -> None:
    for _ in range(12):
        worker.accept(Message(Kind.AUDIO, 1, PCM))
    finish(worker)
    counts = [decode_samples(m.payload) for m in told.messages if m.kind is Kind.PROCESSED]
    assert counts == [1600, 3200, 3840]


def test_audio_that_waits_is_dropped_when_its_stream_closes(worker: Worker, told: Told) -> None:
    for _ in range(5):
        worker.accept(Message(Kind.AUDIO, 1, PCM))
    worker.step()
    worker.accept(Message(Kind.CLOSE, 1))
    worker.accept(Message(Kind.FINALIZE, 1))
    worker.accept(Message(Kind.CLOSE, 1))
    finish(worker)
    assert told.take() == []


def test_a_finalize_without_audio_is_answered_with_nothing(worker: Worker, told: Told) -> None:
    worker.accept(Message(Kind.FINALIZE, 1))
    worker.accept(Message(Kind.FINALIZE, 1))
    finish(worker)
    assert [decode_result(m.payload)["text"] for m in told.messages] == ["", ""]


def hear(recognizer: Recognizer, frames: list[AudioFrame], size: int = 640) -> tuple[str, list[object]]:
    pcm = b"".join(frame.tobytes() for frame in frames)
    for at in range(0, len(pcm), size):
        recognizer.feed(pcm[at : at + size])
    result = recognizer.finalize()
    return result["text"], list(result["words"])


def test_a_decoder_that_was_reset_hears_as_a_new_one_and_however_audio_is_cut(
    setup: Setup, buzz: list[AudioFrame]
) -> None:
    recognizer = Recognizer(setup)
    first = hear(recognizer, buzz)
    for size in (640, 2, 1000, 32000):
        hear(recognizer, buzz[:20])
        recognizer.feed(PCM)
        recognizer.reset()
        assert recognizer.samples == 0
        assert hear(recognizer, buzz, size) == first


def test_words_of_a_later_utterance_are_timed_from_the_stream_s_start(setup: Setup, say: object) -> None:
    recognizer = Recognizer(setup)
    frames: list[AudioFrame] = say("lk_hello_world.wav")  # type: ignore[operator]
    text, first = hear(recognizer, frames)
    again, second = hear(recognizer, frames)
    assert text == again == "hello world"
    length = sum(len(frame) for frame in frames) / 16000
    for (word, start, end), (_, later_start, later_end) in zip(first, second, strict=True):  # type: ignore[misc]
        assert word in text
        assert 0 <= start < end <= length
        assert later_start == pytest.approx(start + length, abs=0.1)
        assert later_end == pytest.approx(end + length, abs=0.1)
