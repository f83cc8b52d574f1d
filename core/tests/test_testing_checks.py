"""The other conformance checks accept what keeps its contract, and name the promise that is broken."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    Agent,
    Interruption,
    InterruptionClassifier,
    NoiseSuppressor,
    NoiseSuppressorStream,
    Receiver,
    Turn,
    TurnContext,
    TurnDetector,
)
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
    ScriptedTurnDetector,
    check_agent,
    check_classifier,
    check_noise_suppressor,
    check_stt,
    check_transport,
    check_tts,
    check_turn_detector,
    check_vad,
    run_virtual,
    sounds,
)

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)
WORDS = "eight of spades"
TEXT = "The weather in Paris is sunny."


async def call_loopback(line: LoopbackTransport) -> None:
    await line.speak(0.3)
    line.hang_up()


async def test_the_scripted_turn_detector_conforms() -> None:
    await check_turn_detector(lambda: ScriptedTurnDetector({"": 0.0}, delay=0.05))


@pytest.mark.parametrize("reply", ["Hi.", (), ["One moment.", 0.5, "Here."]])
async def test_the_scripted_agent_conforms(reply: str | list[str | float]) -> None:
    await check_agent(lambda: ScriptedAgent(otherwise=reply))


async def test_the_loopback_transport_conforms() -> None:
    await check_transport(LoopbackTransport, call=call_loopback)


class HalvingStream(NoiseSuppressorStream):
    closed = False

    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        if self.closed:
            raise ClosedError("closed")
        if frame.sample_rate != 16000:
            raise AudioError("another rate")
        return AudioFrame(frame.samples // np.int16(2), frame.sample_rate, frame.position)

    def close(self) -> None:
        self.closed = True


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
    with pytest.raises(AssertionError, match=sentence):
        await check_turn_detector(detector)
    if detector is SwallowsCancellation:
        await asyncio.sleep(60)


class FailsAtLength(TurnDetector):
    async def predict(self, context: TurnContext) -> float:
        raise ValueError("Traceback:\n  line 1\n  line 2")


async def test_a_broken_promise_is_told_in_one_line() -> None:
    with pytest.raises(AssertionError) as caught:
        await check_turn_detector(FailsAtLength)
    assert str(caught.value) == (
        "FailsAtLength breaks a promise of beluga_voice.contracts.turn_detector.TurnDetector.predict: returns a "
        "probability of 0 to 1; raised ValueError: Traceback: line 1 line 2"
    )
    assert isinstance(caught.value.__cause__, ValueError)


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
    with pytest.raises(AssertionError, match=sentence):
        await check_agent(agent)


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
    with pytest.raises(AssertionError, match=sentence):
        await check_transport(transport, call=call_loopback)


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
    with pytest.raises(AssertionError, match=sentence):
        await check_noise_suppressor(type("Broken", (Halving,), {"stream": stream}))


class NeverNone(WordList):
    def classify(self, text: str, language: str) -> Interruption:
        found = super().classify(text, language)
        return Interruption.WORDS if found is Interruption.NONE else found


async def test_a_broken_classifier_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"classify: tells stop words.*'' is none, not words"):
        await check_classifier(NeverNone)


CONTRACTS = "agent classifier noise_suppressor provider stt transport tts turn_detector vad".split()  # noqa: SIM905


@pytest.mark.parametrize("seed", range(5))
def test_fakes_conform_in_any_order_of_tasks(seed: int) -> None:
    async def main() -> None:
        await check_stt(lambda: ScriptedSTT([WORDS] * 5, interim=True), speech=SPEECH, words=WORDS)
        await check_tts(lambda: ScriptedTTS(delay=0.1), text=TEXT)
        await check_vad(lambda: AmplitudeVAD(delay=0.03), speech=SPEECH)
        await check_transport(LoopbackTransport, call=call_loopback)

    run_virtual(main(), seed=seed)


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
