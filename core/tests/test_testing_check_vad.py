"""`check_vad` accepts what keeps the contract, and names the promise that is broken."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    ScoreSink,
)
from beluga_voice.errors import ClosedError
from beluga_voice.testing import (
    AmplitudeVAD,
    ScriptedVAD,
    check_vad,
    sounds,
)
from beluga_voice.testing.fakes.vad import WindowedVADStream

SPEECH = AudioFrame(sounds.speech_like(1.2), 16000)


@pytest.mark.parametrize("delay", [0.0, 0.03])
@pytest.mark.parametrize("window_samples", [160, 512])
async def test_the_amplitude_vad_conforms(delay: float, window_samples: int) -> None:
    await check_vad(lambda: AmplitudeVAD(delay=delay, window_samples=window_samples), speech=SPEECH)


class ForgetsTheRest(AmplitudeVAD):
    """Scores whole windows of each frame and drops the rest."""

    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
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


class IgnoresClose(AmplitudeVAD):
    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        stream = super().open_stream(sink)
        stream.close = lambda: None  # type: ignore[method-assign]
        return stream


class SpeaksAfterClose(AmplitudeVAD):
    """Hands each score on a moment later, closed or not."""

    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        late: deque[tuple[int, int, float]] = deque()

        def later(start: int, end: int, probability: float) -> None:
            late.append((start, end, probability))
            asyncio.get_running_loop().call_later(0.05, lambda: sink(*late.popleft()))

        return super().open_stream(later)


class KeepsFrames(AmplitudeVAD):
    """Looks at a frame a moment after it was fed."""

    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        stream = super().open_stream(sink)
        feed, kept = stream.feed, deque[AudioFrame]()

        def feed_later(frame: AudioFrame) -> None:
            if stream.closed:
                raise ClosedError("closed")
            kept.append(frame)
            asyncio.get_running_loop().call_later(0.001, feed_oldest)

        def feed_oldest() -> None:
            if not stream.closed:
                feed(kept.popleft())

        stream.feed = feed_later  # type: ignore[method-assign]
        return stream


class CountsFromOne(AmplitudeVAD):
    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        return super().open_stream(lambda start, end, p: sink(start + 1, end + 1, p))


class DropsSomeWindows(AmplitudeVAD):
    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        return super().open_stream(lambda start, end, p: sink(start, end, p) if start != 4096 else None)


class OpenBeforeOpen(AmplitudeVAD):
    def __init__(self) -> None:
        super().__init__()
        self._open = True


class AnotherThread(AmplitudeVAD):
    def open_stream(self, sink: ScoreSink) -> WindowedVADStream:
        def score(*score: object) -> None:
            thread = threading.Thread(target=sink, args=score, name="scorer")
            thread.start()
            thread.join()

        return super().open_stream(score)


@pytest.mark.parametrize(
    ("vad", "sentence"),
    [
        (OpenBeforeOpen, r"VAD\.open_stream: raises ClosedError before open.*did not raise ClosedError"),
        (IgnoresClose, r"VADStream\.feed: raises ClosedError after close"),
        (ForgetsTheRest, r"ScoreSink: windows follow each other.*scores reach sample \d+ of 19200"),
        (SpeaksAfterClose, r"VADStream\.close: .*no score reaches the sink after it; \d+ score"),
        (KeepsFrames, r"VADStream\.feed: keeps nothing of the frame; a probability differs"),
        (CountsFromOne, r"ScoreSink: windows follow each other.*the first window starts at \[1\]"),
        (
            DropsSomeWindows,
            r"ScoreSink: windows follow each other.*start of the next\) is \[\(4096, 4608\)\]",
        ),
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
