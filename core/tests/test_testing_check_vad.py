"""`check_vad` accepts what keeps the contract, and names the promise that is broken."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    ScoreSink,
)
from beluga_voice.testing import (
    AmplitudeVAD,
    ScriptedVAD,
    check_vad,
    sounds,
)

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)


@pytest.mark.parametrize("delay", [0.0, 0.03])
@pytest.mark.parametrize("window_samples", [160, 512])
async def test_the_amplitude_vad_conforms(delay: float, window_samples: int) -> None:
    await check_vad(lambda: AmplitudeVAD(delay=delay, window_samples=window_samples), speech=SPEECH)


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
    with pytest.raises(AssertionError, match=sentence):
        await check_vad(vad, speech=SPEECH)


async def test_a_check_asks_for_speech_at_the_providers_rate() -> None:
    with pytest.raises(ValueError, match="the speech is at 8000 Hz; give it at 16000 Hz"):
        await check_vad(AmplitudeVAD, speech=AudioFrame(sounds.tone(1.0, 8000), 8000))
