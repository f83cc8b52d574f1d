"""The conformance checks accept what keeps its contract, and name the promise that is broken."""

from __future__ import annotations

import asyncio
import importlib
import re
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    Agent,
    Interruption,
    InterruptionClassifier,
    Listens,
    NoiseSuppressor,
    NoiseSuppressorStream,
    Receiver,
    ScoreSink,
    Speech,
    Transcript,
    Turn,
    TurnContext,
    TurnDetector,
    Word,
)
from beluga_voice.errors import ClosedError
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedSTTStream,
    ScriptedTTS,
    ScriptedTTSStream,
    ScriptedTurnDetector,
    ScriptedVAD,
    check_agent,
    check_classifier,
    check_noise_suppressor,
    check_stt,
    check_transport,
    check_tts,
    check_turn_detector,
    check_vad,
    sounds,
)

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)
WORDS = "eight of spades"
TEXT = "The weather in Paris is sunny."


def recognizer(**options: object) -> Callable[[], ScriptedSTT]:
    return lambda: ScriptedSTT([WORDS] * 5, **options)  # type: ignore[arg-type] # each test gives what fits


async def call_loopback(line: LoopbackTransport) -> None:
    await line.speak(0.3)
    line.hang_up()


# -- the good ---------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("options", [{}, {"word_timestamps": True}, {"delay": 0.2, "part_delay": 0.05}])
async def test_the_scripted_tts_conforms(options: dict[str, float]) -> None:
    await check_tts(lambda: ScriptedTTS(**options), text=TEXT)  # type: ignore[arg-type] # a float or a bool


@pytest.mark.parametrize("delay", [0.0, 0.03])
@pytest.mark.parametrize("window_samples", [160, 512])
async def test_the_amplitude_vad_conforms(delay: float, window_samples: int) -> None:
    await check_vad(lambda: AmplitudeVAD(delay=delay, window_samples=window_samples), speech=SPEECH)


async def test_the_scripted_turn_detector_conforms() -> None:
    await check_turn_detector(lambda: ScriptedTurnDetector({"": 0.0}, delay=0.05))


@pytest.mark.parametrize("reply", ["Hi.", (), ["One moment.", 0.5, "Here."]])
async def test_the_scripted_agent_conforms(reply: str | list[str | float]) -> None:
    await check_agent(lambda: ScriptedAgent(otherwise=reply))


async def test_the_loopback_transport_conforms() -> None:
    await check_transport(LoopbackTransport, call=call_loopback)


class HalvingStream(NoiseSuppressorStream):
    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        return AudioFrame(frame.samples // np.int16(2), frame.sample_rate, frame.position)

    def close(self) -> None:
        pass


class Halving(NoiseSuppressor):
    stream: type[NoiseSuppressorStream] = HalvingStream
    is_open = False

    async def open(self) -> None:
        self.is_open = True

    async def aclose(self) -> None:
        self.is_open = False

    def open_stream(self) -> NoiseSuppressorStream:
        if not self.is_open:
            raise ClosedError("not open")
        return self.stream()


async def test_a_plain_noise_suppressor_conforms() -> None:
    await check_noise_suppressor(Halving)


class WordList(InterruptionClassifier):
    def classify(self, text: str, language: str) -> Interruption:
        words = re.findall(r"\w+", text.casefold())
        if not words:
            return Interruption.NONE
        if set(words) <= {"mhm", "yeah"}:
            return Interruption.BACKCHANNEL
        return Interruption.STOP if set(words) & {"stop", "wait", "no"} else Interruption.WORDS


async def test_a_list_of_words_conforms() -> None:
    await check_classifier(WordList)


@pytest.mark.real_time
async def test_checks_run_on_real_time_too() -> None:
    await check_turn_detector(ScriptedTurnDetector)
    await check_agent(ScriptedAgent)


# -- the broken: each fails by the sentence that names its promise ----------------------------------------------


async def broken(check: Awaitable[None], sentence: str) -> None:
    with pytest.raises(AssertionError) as caught:
        await check
    text = str(caught.value)
    assert re.search(sentence, text), text
    assert "\n" not in text


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
    await broken(check, r"^Broken breaks a promise of beluga_voice\.contracts\.stt\." + sentence)


async def test_wrong_words_are_told() -> None:
    check = check_stt(recognizer(), speech=SPEECH, words="seven of hearts")
    await broken(check, "heard 'eight of spades', not 'seven of hearts', in frames of 20 ms")


async def test_a_recognizer_that_leaves_a_task_running_is_caught() -> None:
    tasks: list[asyncio.Task[None]] = []

    class LeavesATask(ScriptedSTT):
        async def open(self) -> None:
            tasks.append(asyncio.create_task(asyncio.sleep(1e6), name="keep-alive"))

    check = check_stt(lambda: LeavesATask([WORDS] * 5), speech=SPEECH)
    await broken(check, r"Provider\.aclose: when it returns nothing of the provider runs; .*keep-alive")
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
        await broken(check, r"nothing of the provider runs; still running: decoder")
    finally:
        gate.set()


class BrokenTTS(ScriptedTTS):
    """Opens streams of `stream`."""

    stream: type[ScriptedTTSStream]

    async def open_stream(self) -> ScriptedTTSStream:
        await super().open_stream()
        return self.stream(self)


class Floats(ScriptedTTSStream):
    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text):
            yield Speech(AudioFrame(part.frame.samples.astype(np.float32), 24000))  # type: ignore[arg-type]


class HalfAsFast(ScriptedTTSStream):
    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text):
            yield Speech(AudioFrame(part.frame.samples, 12000))


class GoesOnWithTheLastText(ScriptedTTSStream):
    """Says the rest of a text that was cut before the next."""

    rest = ""

    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        said, self.rest = f"{self.rest} {text}", text
        async with aclosing(super().synthesize(said)) as speech:
            async for part in speech:
                yield part
        self.rest = ""


class DrainsWhenClosed(ScriptedTTSStream):
    """Waits for the rest of the audio when the generator is closed."""

    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        async with aclosing(super().synthesize(text)) as speech:
            try:
                async for part in speech:
                    yield part
            except GeneratorExit:
                await asyncio.sleep(60)
                raise


class SpeaksOnWhenClosed(ScriptedTTSStream):
    async def _wait(self, duration: float | None) -> None:
        pass


class SaysPunctuation(ScriptedTTSStream):
    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text or "nothing"):
            yield part


class OnlyASCII(ScriptedTTSStream):
    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        text.encode("ascii")
        async for part in super().synthesize(text):
            yield part


class LosesTheLastWord(ScriptedTTSStream):
    async def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text):
            yield Speech(part.frame, tuple(word for word in part.words if word.text != "sunny."))


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (Floats, r"Speech\.frame: is mono int16.*float32"),
        (HalfAsFast, r"Speech\.frame: .*12000 Hz came, not at 24000 Hz"),
        (LosesTheLastWord, r"Speech\.words: .*are given as 'theweatherinparisis'"),
        (SaysPunctuation, r"TTSStream\.synthesize: empty text yields nothing; '' gave 3 part"),
        (OnlyASCII, r"TTSStream\.synthesize: takes any Unicode; raised UnicodeEncodeError"),
        (
            GoesOnWithTheLastText,
            r"TTSStream\.synthesize: closing the generator.*1\.8 s alone and 3\.6 s after one",
        ),
        (DrainsWhenClosed, r"TTSStream\.synthesize: closing the generator.*took more than 5 s"),
        (SpeaksOnWhenClosed, r"TTSStream\.aclose: ends a synthesis that is going on"),
    ],
)
async def test_broken_synthesisers_are_caught(stream: type[ScriptedTTSStream], sentence: str) -> None:
    kind = type("Broken", (BrokenTTS,), {"stream": stream})
    await broken(check_tts(lambda: kind(word_timestamps=True), text=TEXT), sentence)


class ForgetsTheRest(AmplitudeVAD):
    """Scores whole windows of each frame and drops the rest."""

    def open_stream(self, sink: ScoreSink):  # type: ignore[no-untyped-def]
        stream = super().open_stream(sink)
        feed = stream.feed

        def drop(frame: AudioFrame) -> None:
            feed(frame)
            stream._rest = frame.samples[:0]

        stream.feed = drop  # type: ignore[method-assign]
        return stream


class Percent(AmplitudeVAD):
    def score(self, start: int, samples: np.ndarray) -> float:
        return 100 * super().score(start, samples)


class HearsItsNeighbours(AmplitudeVAD):
    last = 0.0

    def score(self, start: int, samples: np.ndarray) -> float:
        self.last = (self.last + super().score(start, samples)) / 2
        return self.last


class Deaf(ScriptedVAD):
    def __init__(self) -> None:
        super().__init__([])


class SpeaksAfterClose(AmplitudeVAD):
    def open_stream(self, sink: ScoreSink):  # type: ignore[no-untyped-def]
        stream = super().open_stream(sink)
        stream.close = lambda: None  # type: ignore[method-assign]
        return stream


class OpenBeforeOpen(AmplitudeVAD):
    def __init__(self) -> None:
        super().__init__()
        self._open = True


class AnotherThread(AmplitudeVAD):
    def open_stream(self, sink: ScoreSink):  # type: ignore[no-untyped-def]
        def score(*score: object) -> None:
            thread = threading.Thread(target=sink, args=score, name="scorer")
            thread.start()
            thread.join()

        return super().open_stream(score)


@pytest.mark.parametrize(
    ("vad", "sentence"),
    [
        (OpenBeforeOpen, r"VAD\.open_stream: raises ClosedError before open.*did not raise ClosedError"),
        (SpeaksAfterClose, r"VADStream\.feed: raises ClosedError after close"),
        (ForgetsTheRest, r"ScoreSink: windows follow each other.*scores reach sample \d+ of 19200"),
        (Percent, r"ScoreSink: a probability lies within 0 and 1"),
        (Deaf, r"ScoreSink: speech is more likely than not.*scores above 0\.00"),
        (AnotherThread, r"ScoreSink: is called on the loop's thread; scores came on scorer"),
        (
            HearsItsNeighbours,
            r"VAD: streams share the model and nothing else; .*differs by .* beside a stream",
        ),
    ],
)
async def test_broken_detectors_are_caught(vad: type[AmplitudeVAD], sentence: str) -> None:
    await broken(check_vad(vad, speech=SPEECH), sentence)


class Logit(TurnDetector):
    async def predict(self, context: TurnContext) -> float:
        return 3.2


class SwallowsCancellation(TurnDetector):
    async def predict(self, context: TurnContext) -> float:
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return 0.5


class FirstWord(TurnDetector):
    async def predict(self, context: TurnContext) -> float:
        return 0.9 if context.text.split()[0] else 0.1


@pytest.mark.parametrize(
    ("detector", "sentence"),
    [
        (Logit, r"TurnDetector\.predict: returns a probability of 0 to 1; 3\.2 came"),
        (SwallowsCancellation, r"TurnDetector\.predict: may be cancelled.*took more than 5 s"),
        (FirstWord, r"TurnDetector\.predict: takes any text, or raises ProviderError; raised IndexError"),
    ],
)
async def test_broken_turn_detectors_are_caught(detector: type[TurnDetector], sentence: str) -> None:
    await broken(check_turn_detector(detector), sentence)
    if detector is SwallowsCancellation:
        await asyncio.sleep(60)


class YieldsBytes(Agent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        yield turn.text.encode()  # type: ignore[misc]


class OneAtATime(Agent):
    busy = False

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        yield "Let me see."
        await asyncio.sleep(0.1)
        yield "Done."
        self.busy = False


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        (YieldsBytes, r"Agent\.reply: yields text.*which is bytes"),
        (OneAtATime, r"Agent\.reply: may be closed at any part.*raised RuntimeError: busy"),
    ],
)
async def test_broken_agents_are_caught(agent: type[Agent], sentence: str) -> None:
    await broken(check_agent(agent), sentence)


class PushesAfterClose(LoopbackTransport):
    async def open(self, receiver: Receiver) -> None:
        await super().open(receiver)
        frame = AudioFrame(sounds.tone(0.02), 16000, 10**6)
        asyncio.get_running_loop().call_later(0.5, receiver.process_audio, frame)


class RepeatsPositions(LoopbackTransport):
    async def play(self, samples: np.ndarray) -> None:
        for frame in sounds.frames(samples):
            self._position = 0
            await super().play(frame.samples)


class EndsTwice(LoopbackTransport):
    def hang_up(self, error: Exception | None = None) -> None:
        super().hang_up(error)
        super().hang_up(error)


@pytest.mark.parametrize(
    ("transport", "sentence"),
    [
        (
            RepeatsPositions,
            r"Transport\.open: pushes the caller's frames.*position 0 came after one up to 320",
        ),
        (EndsTwice, r"Receiver: .*learns of the end once at most; end_of_input was called 2 times"),
        (PushesAfterClose, r"Transport\.aclose: when it returns no frame is pushed.*1 frame\(s\) came"),
    ],
)
async def test_broken_transports_are_caught(transport: type[LoopbackTransport], sentence: str) -> None:
    await broken(check_transport(transport, call=call_loopback), sentence)


class ChangesItsArgument(HalvingStream):
    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        np.floor_divide(frame.samples, 2, out=frame.samples)
        return frame


class OneFrameLate(HalvingStream):
    def __init__(self) -> None:
        self.last = np.zeros(320, np.int16)

    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        out, self.last = self.last, frame.samples
        return AudioFrame(out, frame.sample_rate, frame.position)


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (ChangesItsArgument, r"NoiseSuppressorStream\.process: changes and keeps nothing.*was changed"),
        (
            OneFrameLate,
            r"NoiseSuppressorStream\.process: takes frames of 10.*\(320,\) came for \(160,\)",
        ),
    ],
)
async def test_broken_noise_suppressors_are_caught(stream: type[HalvingStream], sentence: str) -> None:
    await broken(check_noise_suppressor(type("Broken", (Halving,), {"stream": stream})), sentence)


class NeverNone(WordList):
    def classify(self, text: str, language: str) -> Interruption:
        found = super().classify(text, language)
        return Interruption.WORDS if found is Interruption.NONE else found


async def test_a_broken_classifier_is_caught() -> None:
    await broken(check_classifier(NeverNone), r"classify: tells stop words.*'' is none, not words")


async def test_a_check_asks_for_speech_at_the_providers_rate() -> None:
    with pytest.raises(ValueError, match="the speech is at 8000 Hz; give it at 16000 Hz"):
        await check_vad(AmplitudeVAD, speech=AudioFrame(sounds.tone(1.0, 8000), 8000))


CONTRACTS = [
    "agent",
    "classifier",
    "noise_suppressor",
    "provider",
    "stt",
    "transport",
    "tts",
    "turn_detector",
    "vad",
]


def test_every_promise_names_something_that_exists() -> None:

    for contract in (
        "provider",
        "stt",
        "tts",
        "vad",
        "turn_detector",
        "noise_suppressor",
        "classifier",
        "agent",
        "transport",
    ):
        promises = importlib.import_module(f"beluga_voice.testing.conformance.{contract}").promises
        assert promises.table
        for promise in promises.table:
            found: object = importlib.import_module(promises.module)
            for name in promise.where.split("."):
                fields = getattr(found, "__dataclass_fields__", {})
                found = fields[name] if name in fields else getattr(found, name)
