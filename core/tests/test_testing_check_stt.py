"""`check_stt` accepts what keeps the contract, and names the promise that is broken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    Listens,
    Transcript,
    Word,
)
from beluga_voice.testing import (
    ScriptedSTT,
    ScriptedSTTStream,
    check_stt,
    sounds,
)

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)
WORDS = "eight of spades"


def recognizer(**options: object) -> Callable[[], ScriptedSTT]:
    return lambda: ScriptedSTT([WORDS] * 5, **options)  # type: ignore[arg-type] # each test gives what fits


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"interim": True, "word_timestamps": True},
        {"delay": 0.0, "send_delay": 0.01},
        {"finalizes": False, "ends_after": 0.5, "listens": Listens.ALL},
    ],
)
async def test_the_scripted_stt_conforms(options: dict[str, object]) -> None:
    await check_stt(recognizer(**options), speech=SPEECH, words="Eight of spades!")
    await check_stt(recognizer(**options), speech=SPEECH)


class BrokenSTT(ScriptedSTT):
    """Opens streams of `stream`."""

    stream: type[ScriptedSTTStream]

    def __init__(self, **options: object) -> None:
        super().__init__([WORDS] * 5, **options)  # type: ignore[arg-type] # each test gives what fits

    async def open_stream(self) -> ScriptedSTTStream:
        await super().open_stream()
        return self.stream(self)


class WaitsForEver(ScriptedSTTStream):
    async def aclose(self) -> None:
        self.closed = True


class DeafToClosing(ScriptedSTTStream):
    def _check_usable(self) -> None:
        pass


class AnswersTwice(ScriptedSTTStream):
    async def finalize(self) -> None:
        await super().finalize()
        self._end_utterance(answers_finalize=True)


class IgnoresEmptyFinalize(ScriptedSTTStream):
    async def finalize(self) -> None:
        self._check_usable()
        if self._speech:
            await super().finalize()


class KeepsFrames(ScriptedSTTStream):
    """Reads what was sent only when it is asked, from buffers that are no longer its own."""

    def _take(self, frame: AudioFrame) -> None:
        super()._take(frame)
        self.frames[-1] = frame
        self.copies = [*getattr(self, "copies", []), frame.samples.copy()]

    async def finalize(self) -> None:
        kept = zip(self.frames, getattr(self, "copies", []), strict=True)
        if any(not np.array_equal(frame.samples, copy) for frame, copy in kept):
            self._speech = None
        await super().finalize()


class LosesWhatIsCancelled(ScriptedSTTStream):
    async def receive(self) -> Transcript:
        transcript = await super().receive()
        await asyncio.sleep(0.02)
        return transcript


class TimesInMilliseconds(ScriptedSTTStream):
    def _give(self, transcript: Transcript) -> None:
        words = tuple(Word(w.text, w.start * 1000, w.end * 1000) for w in transcript.words)
        super()._give(Transcript(transcript.text, True, words=words, answers_finalize=True))


@pytest.mark.parametrize(
    ("stream", "options", "sentence"),
    [
        (
            WaitsForEver,
            {},
            r"STTStream\.receive: raises ClosedError when the stream is closed while it waits",
        ),
        (
            DeafToClosing,
            {},
            r"STTStream: send, .* raise ClosedError after aclose; send did not raise ClosedError",
        ),
        (AnswersTwice, {}, r"STTStream\.finalize: is answered exactly once.*3 answer.* due.* [4-6] came"),
        (IgnoresEmptyFinalize, {}, r"STTStream\.finalize: is answered"),
        (KeepsFrames, {}, r"STTStream\.send: .*keeps nothing of a frame"),
        (LosesWhatIsCancelled, {}, r"STTStream\.receive: may be cancelled"),
        (TimesInMilliseconds, {"word_timestamps": True}, r"Transcript: times lie in order within the audio"),
        (ScriptedSTTStream, {"hangs": True}, r"STTStream\.receive: gives the words.*answer to finalize took"),
    ],
)
async def test_broken_recognizers_are_caught(
    stream: type[ScriptedSTTStream], options: dict[str, object], sentence: str
) -> None:
    kind = type("Broken", (BrokenSTT,), {"stream": stream})
    check = check_stt(lambda: kind(**options), speech=SPEECH, words=WORDS)
    with pytest.raises(AssertionError, match=r"^Broken breaks a promise of .*\.contracts\.stt\." + sentence):
        await check


async def test_wrong_words_are_told() -> None:
    check = check_stt(recognizer(), speech=SPEECH, words="seven of hearts")
    with pytest.raises(
        AssertionError, match="heard 'eight of spades', not 'seven of hearts', in frames of 20 ms"
    ):
        await check


async def test_a_recognizer_that_leaves_a_task_running_is_caught() -> None:
    tasks: list[asyncio.Task[None]] = []

    class LeavesATask(ScriptedSTT):
        async def open(self) -> None:
            tasks.append(asyncio.create_task(asyncio.sleep(1e6), name="keep-alive"))

    check = check_stt(lambda: LeavesATask([WORDS] * 5), speech=SPEECH)
    with pytest.raises(AssertionError, match=r"nothing of the provider runs; still running: keep-alive"):
        await check
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_recognizer_that_leaves_a_thread_running_is_caught() -> None:
    gate = threading.Event()

    class LeavesAThread(ScriptedSTT):
        async def open(self) -> None:
            threading.Thread(target=gate.wait, name="decoder").start()

    try:
        check = check_stt(lambda: LeavesAThread([WORDS] * 5), speech=SPEECH)
        with pytest.raises(AssertionError, match=r"nothing of the provider runs; still running: decoder"):
            await check
    finally:
        gate.set()


async def test_a_recognizer_that_does_not_close_twice_is_caught() -> None:
    class ClosesOnce(ScriptedSTT):
        async def aclose(self) -> None:
            if self._closed:
                raise RuntimeError("no such pool")
            await super().aclose()

    sentence = (
        r"^ClosesOnce breaks a promise of beluga_voice\.contracts\.provider\.Provider\.aclose: closing twice"
    )
    with pytest.raises(AssertionError, match=sentence):
        await check_stt(lambda: ClosesOnce([WORDS] * 5), speech=SPEECH)
