"""Broken recognizers."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transcript, Word
from beluga_voice.errors import ProviderError
from beluga_voice.testing import ScriptedSTT, ScriptedSTTStream, check_stt, sounds

from .cage import breaks

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)
WORDS = "eight of spades"


class Sound(ScriptedSTT):
    """A recognizer without a fault; opens streams of `stream`."""

    stream: type[ScriptedSTTStream] = ScriptedSTTStream
    options: dict[str, object] = {}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        super().__init__([WORDS] * 9, **self.options)  # type: ignore[arg-type]

    async def open_stream(self) -> ScriptedSTTStream:
        await super().open_stream()
        return self.stream(self)


async def check(kind: type) -> None:
    await check_stt(kind, speech=SPEECH, words=WORDS)


@breaks(check, "raises ClosedError after aclose")
class OpensWhenClosed(Sound):
    async def open_stream(self) -> ScriptedSTTStream:
        return self.stream(self)


@breaks(check, "closing twice is harmless, also")
class StreamClosesOnce(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def aclose(self) -> None:
            if self.closed and self.frames:
                raise RuntimeError("no such stream")
            await super().aclose()


@breaks(check, "send, send_nowait, finalize and receive raise ClosedError")
class FinalizesWhenClosed(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def finalize(self) -> None:
            if not self.closed:
                await super().finalize()


@breaks(check, "raises ClosedError when the stream is closed while it waits")
class WaitsForEver(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def aclose(self) -> None:
            self.closed = True
            if self.frames:
                self._changed.set()


@breaks(check, "is answered exactly once")
class AnswersTwice(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def finalize(self) -> None:
            await super().finalize()
            if len(self.finalized_at) == 3 and len(self.finalized_at) == len(set(self.finalized_at)) + 2:
                self._end_utterance(answers_finalize=True)


@breaks(check, "is answered when nothing was sent")
class IgnoresAnEmptyFinalize(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def finalize(self) -> None:
            self._check_usable()
            if self.frames:
                await super().finalize()


@breaks(check, "takes frames of any size")
class KeepsFrames(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        def _take(self, frame: AudioFrame) -> None:
            super()._take(frame)
            self.kept: list[tuple[AudioFrame, object]] = [
                *getattr(self, "kept", []),
                (frame, frame.samples.copy()),
            ]

        async def finalize(self) -> None:
            if any(not np.array_equal(frame.samples, copy) for frame, copy in getattr(self, "kept", [])):
                self._speech = None
            await super().finalize()


@breaks(check, "takes positions that jump")
class WantsOneLine(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        def _take(self, frame: AudioFrame) -> None:
            if frame.position > 20 * 16000:
                raise ProviderError(f"there is a gap before {frame.position}")
            super()._take(frame)


@breaks(check, "may be cancelled without a loss")
class LosesWhatIsCancelled(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def receive(self) -> Transcript:
            transcript = await super().receive()
            await asyncio.sleep(0.02)
            return transcript


@breaks(check, "streams do not know of each other")
class SharesItsQueue(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.busy: set[object] = set()

    class stream(ScriptedSTTStream):  # noqa: N801
        def _take(self, frame: AudioFrame) -> None:
            self._stt.busy.add(self)  # type: ignore[attr-defined]
            super()._take(frame)

        async def aclose(self) -> None:
            await super().aclose()
            self._stt.busy.discard(self)  # type: ignore[attr-defined]

        async def finalize(self) -> None:
            self._check_usable()
            if len(self._stt.busy) > 1:  # type: ignore[attr-defined]
                self._speech = None
            await super().finalize()


@breaks(check, "times lie in order within the audio")
class TimesInMilliseconds(Sound):
    options = {"word_timestamps": True}  # noqa: RUF012

    class stream(ScriptedSTTStream):  # noqa: N801
        def _give(self, transcript: Transcript) -> None:
            words = tuple(Word(w.text, w.start * 1000, w.end * 1000) for w in transcript.words)
            super()._give(dataclasses.replace(transcript, words=words))


@breaks(check, "times lie in order within the audio")
class PromisesWordsWithoutTimes(Sound):
    options = {"word_timestamps": True}  # noqa: RUF012

    class stream(ScriptedSTTStream):  # noqa: N801
        def _give(self, transcript: Transcript) -> None:
            super()._give(dataclasses.replace(transcript, words=()))


@breaks(check, "interims come before the final")
class PromisesInterims(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.interim_results = True
        self.word_duration = 1e6


@breaks(check, "gives transcripts in the order of the speech")
class TimesGoBackwards(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        def _end_utterance(self, *, answers_finalize: bool) -> None:
            if self._speech is not None and answers_finalize:
                self._give(Transcript("", final=True, start=1.0, end=1.0))
            super()._end_utterance(answers_finalize=answers_finalize)


@breaks(check, "waits for nobody to receive", "is answered exactly once")
class StallsWithoutAReader(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        reading = False

        def send_nowait(self, frame: AudioFrame) -> bool:
            self._check_usable()
            return False

        async def send(self, frame: AudioFrame) -> None:
            if len(self.frames) > 10 and not self.reading:
                raise ProviderError("nobody reads", retryable=True)
            await super().send(frame)
            await asyncio.sleep(0)

        async def receive(self) -> Transcript:
            self.reading = True
            return await super().receive()


@breaks(check, "refuses a frame at another rate")
class TakesAnyRateForItsOwn(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        def _take(self, frame: AudioFrame) -> None:
            super()._take(frame)
            if frame.sample_rate != 16000:
                self._script = deque(["eight spades"] * 9)


@breaks(check, "ends it in mid-speech for a sender who waits")
class KeepsTheSender(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        async def send(self, frame: AudioFrame) -> None:
            if self.closed and self.frames:
                await asyncio.Event().wait()
            await super().send(frame)


@breaks(check, "gives the words of what was sent", "streams do not know", "takes frames", "takes positions",
        "may be cancelled", "waits for nobody", "refuses a frame", "is answered")  # fmt: skip
class HearsOtherWords(Sound):
    class stream(ScriptedSTTStream):  # noqa: N801
        def _give(self, transcript: Transcript) -> None:
            super()._give(dataclasses.replace(transcript, text=transcript.text.replace("spades", "clubs")))


@breaks(check, "when it returns nothing of the provider runs")
class LeavesATask(Sound):
    async def open(self) -> None:
        self.task = asyncio.create_task(asyncio.sleep(1e4), name="keep-alive")


@breaks(check, "closing twice is harmless")
class ClosesOnce(Sound):
    async def aclose(self) -> None:
        if self._closed:
            raise RuntimeError("no such pool")
        await super().aclose()
