"""Broken detectors, suppressors, classifiers and filters."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    Interruption,
    InterruptionClassifier,
    ScoreSink,
    TextFilter,
    TextFilterStream,
    TurnContext,
)
from beluga_voice.errors import ClosedError
from beluga_voice.phrases import PhraseClassifier
from beluga_voice.testing import (
    AmplitudeVAD,
    ScriptedNoiseSuppressor,
    ScriptedTurnDetector,
    check_classifier,
    check_noise_suppressor,
    check_text_filter,
    check_turn_detector,
    check_vad,
    sounds,
)
from beluga_voice.testing.fakes.noise_suppressor import ScriptedNoiseSuppressorStream
from beluga_voice.testing.fakes.vad import WindowedVADStream

from .cage import breaks

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)


async def vad(kind: type) -> None:
    await check_vad(kind, speech=SPEECH)


class Ear(AmplitudeVAD):
    """A detector without a fault; opens streams of `stream`."""

    stream: type[WindowedVADStream] = WindowedVADStream

    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        super().open_stream(sink)
        return self.stream(self, sink)


@breaks(vad, "raises ClosedError before open")
class HearsBeforeOpen(Ear):
    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        return self.stream(self, sink)


@breaks(vad, "raises ClosedError after close")
class TakesFramesWhenClosed(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def feed(self, frame: AudioFrame) -> None:
            if not self.closed:
                super().feed(frame)


@breaks(vad, "closing twice is harmless, and no score")
class ScoresAfterClose(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def close(self) -> None:
            if not self.closed and self._start:
                asyncio.get_running_loop().call_later(0.1, self._sink, self._start, self._start + 512, 0.5)
            super().close()


@breaks(vad, "windows follow each other")
class LeavesAGap(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def _give(self, start: int, end: int, probability: float) -> None:
            super()._give(start + 1 if start == 5120 else start, end, probability)


@breaks(vad, "a probability lies within 0 and 1")
class GivesLogits(Ear):
    def score(self, start: int, samples: np.ndarray) -> float:
        score = super().score(start, samples)
        return math.inf if score > 0.99 else score * 0.98


@breaks(vad, "speech is more likely than not")
class HearsSpeechInSilence(Ear):
    def score(self, start: int, samples: np.ndarray) -> float:
        return 0.7


@breaks(vad, "is called on the loop's thread")
class ScoresOnAThread(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def _give(self, start: int, end: int, probability: float) -> None:
            worker = threading.Thread(target=self._sink, args=(start, end, probability), name="worker")
            worker.start()
            worker.join()


@breaks(vad, "takes frames of any length")
class WantsItsOwnLength(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def feed(self, frame: AudioFrame) -> None:
            if len(frame) not in (160, 320) and len(frame) > 1:
                frame = AudioFrame(frame.samples // np.int16(4), frame.sample_rate, frame.position)
            super().feed(frame)


@breaks(vad, "keeps nothing of the frame")
class KeepsTheBuffer(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        held: AudioFrame | None = None

        def feed(self, frame: AudioFrame) -> None:
            held, self.held = self.held, frame
            if held is not None and len(held) and (held.samples == 12345).all():
                frame = AudioFrame(frame.samples // np.int16(9), frame.sample_rate, frame.position)
            super().feed(frame)


@breaks(vad, "streams share the model and nothing else")
class SharesItsState(Ear):
    shared = 0.0

    class stream(WindowedVADStream):  # noqa: N801
        def feed(self, frame: AudioFrame) -> None:
            if frame.sample_rate == 16000 and not self.closed:
                others = [each for each in self._vad.streams if not each.closed]
                if len([each for each in others if getattr(each, "fed", False)]) > 1:
                    frame = AudioFrame(frame.samples // np.int16(9), frame.sample_rate, frame.position)
            self.fed = True
            super().feed(frame)

    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        stream = super().open_stream(sink)
        self.streams[-1] = stream
        return stream


@breaks(vad, "refuses a frame at another rate")
class TakesAnyRate(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def feed(self, frame: AudioFrame) -> None:
            super().feed(AudioFrame(frame.samples, 16000, frame.position))


@breaks(vad, "takes frames of no samples")
class FailsForNothing(Ear):
    class stream(WindowedVADStream):  # noqa: N801
        def feed(self, frame: AudioFrame) -> None:
            if not len(frame):
                raise ZeroDivisionError("no samples")
            super().feed(frame)


async def turn(kind: type) -> None:
    await check_turn_detector(kind)


@breaks(turn, "returns a probability of 0 to 1")
class GivesALogit(ScriptedTurnDetector):
    questions = 0

    async def predict(self, context: TurnContext) -> float:
        self.questions += 1
        return 3.2 if self.questions == 1 else 0.5


@breaks(turn, "takes any text")
class WantsAWord(ScriptedTurnDetector):
    async def predict(self, context: TurnContext) -> float:
        return 0.9 if context.text.split()[0] else 0.1


@breaks(turn, "serves several sessions at once")
class OneQuestionAtATime(ScriptedTurnDetector):
    busy = False

    async def predict(self, context: TurnContext) -> float:
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        try:
            await asyncio.sleep(0)
        finally:
            self.busy = False
        return 0.5


@breaks(turn, "may be cancelled, and predicts again", "when it returns nothing of the provider runs")
class SwallowsCancellation(ScriptedTurnDetector):
    async def predict(self, context: TurnContext) -> float:
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            await asyncio.sleep(6)
        return 0.5


@breaks(turn, "is 0 to 60")
class WantsAnHour(ScriptedTurnDetector):
    def __init__(self) -> None:
        super().__init__()
        self.audio_seconds = 3600.0


@breaks(turn, "takes any audio of a turn, and none")
class WantsSamples(ScriptedTurnDetector):
    def __init__(self) -> None:
        super().__init__()
        self.audio_seconds = 2.0

    async def predict(self, context: TurnContext) -> float:
        assert context.audio is not None
        return float(np.abs(context.audio.samples).max() > 0)


async def noise(kind: type) -> None:
    await check_noise_suppressor(kind)


class Quiet(ScriptedNoiseSuppressor):
    """A suppressor without a fault; opens streams of `stream`."""

    stream: type[ScriptedNoiseSuppressorStream] = ScriptedNoiseSuppressorStream

    def open_stream(self) -> ScriptedNoiseSuppressorStream:
        super().open_stream()
        return self.stream(self)


@breaks(noise, "raises ClosedError before open")
class CleansBeforeOpen(Quiet):
    def open_stream(self) -> ScriptedNoiseSuppressorStream:
        return self.stream(self)


@breaks(noise, "closing twice is harmless")
class CleanerClosesOnce(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def close(self) -> None:
            if self.closed:
                raise RuntimeError("freed twice")
            super().close()


@breaks(noise, "returns a frame of the same length", "takes frames of 10 to 60 ms")
class LosesThePosition(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
            cleaned = super().process(frame, played)
            return AudioFrame(cleaned.samples, cleaned.sample_rate)


@breaks(noise, "takes frames of 10 to 60 ms")
class WantsTwentyMilliseconds(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
            cleaned = super().process(frame, played)
            if len(frame) != 320:
                raise ValueError("320 samples are wanted")
            return cleaned


@breaks(noise, "changes and keeps nothing of its arguments")
class CleansInPlace(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
            cleaned = super().process(frame, played)
            frame.samples[:1] += 1
            return cleaned


@breaks(noise, "streams do not know of each other")
class SharesItsNoise(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
            cleaned = super().process(frame, played)
            owner = self._suppressor
            last, owner.last = getattr(owner, "last", self), self  # type: ignore[attr-defined]
            if last is not self and not last.closed:
                return AudioFrame(cleaned.samples // np.int16(2), cleaned.sample_rate, cleaned.position)
            return cleaned


@breaks(noise, "raises ClosedError after close")
class CleansWhenClosed(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def close(self) -> None:
            pass


@breaks(noise, "refuses a frame at another rate")
class CleansAnyRate(Quiet):
    class stream(ScriptedNoiseSuppressorStream):  # noqa: N801
        def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
            if self.closed:
                raise ClosedError("closed")
            return frame


async def classifier(kind: type) -> None:
    await check_classifier(kind)


@breaks(classifier, "tells stop words, backchannels")
class TakesAllForWords(PhraseClassifier):
    def classify(self, text: str, language: str) -> Interruption:
        found = super().classify(text, language)
        return Interruption.WORDS if found is Interruption.BACKCHANNEL else found


@breaks(classifier, "takes any text in any language")
class KnowsEnglishAlone(PhraseClassifier):
    def classify(self, text: str, language: str) -> Interruption:
        if not language.startswith("en"):
            raise KeyError(language)
        return super().classify(text, language)


@breaks(classifier, "the same text gives the same answer")
class Remembers(InterruptionClassifier):
    def __init__(self) -> None:
        self.inner = PhraseClassifier()
        self.seen: dict[str, int] = {}

    def classify(self, text: str, language: str) -> Interruption:
        if language == "en":
            self.seen[text] = self.seen.get(text, 0) + 1
        first = self.seen.get(text, 0) < 3 or text == "stop"
        return self.inner.classify(text, language) if first else Interruption.WORDS


class Plain(TextFilter):
    """A filter without a fault; opens streams of `stream`."""

    stream: type[TextFilterStream]

    def open_stream(self, language: str) -> TextFilterStream:
        return self.stream()


async def text_filter(kind: type) -> None:
    await check_text_filter(kind)


@breaks(text_filter, "takes any text in any language")
class WantsUtf8(Plain):
    class stream(TextFilterStream):  # noqa: N801
        def process(self, text: str) -> str:
            return text.encode().decode()


@breaks(text_filter, "the same pieces give the same text", "utterances do not know of each other")
class Counts(Plain):
    numbers = itertools.count()

    class stream(TextFilterStream):  # noqa: N801
        def process(self, text: str) -> str:
            return f"{text}{next(Counts.numbers)}"


@breaks(text_filter, "utterances do not know of each other")
class SharesItsFence(Plain):
    fences = 0

    def open_stream(self, language: str) -> TextFilterStream:
        SharesItsFence.fences = 0
        return self.stream()

    class stream(TextFilterStream):  # noqa: N801
        def process(self, text: str) -> str:
            SharesItsFence.fences += text.startswith("```")
            return "" if SharesItsFence.fences % 2 else text


@breaks(text_filter, "keeps plain words")
class EatsWords(Plain):
    class stream(TextFilterStream):  # noqa: N801
        def process(self, text: str) -> str:
            return text.replace("table", "")
