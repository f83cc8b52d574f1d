"""Templates of what hears: recognizer, detectors, noise suppressor. Each is settings, provider, test."""

from __future__ import annotations

STT = (
    """
    word: str = Field(default="sound", min_length=1, description="What is heard in each sound.")
    level: float = Field(default=0.01, gt=0, lt=1, description="Peak, of 1, from which audio is a sound.")
""",
    '''"""A recognizer that hears one word in whatever is loud. Put the vendor's in its place."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STT, STTStream, Transcript
from beluga_voice.errors import AudioError, ClosedError
from $package.settings import ${Name}STTSettings

UNREAD = 100
"""Transcripts that are kept for a slow reader; beyond, the oldest give way."""


class ${Name}STT(STT):
    """Hears one word in each sound, up to `finalize`."""

    finalizes = True

    def __init__(self, settings: ${Name}STTSettings | None = None) -> None:
        self.settings = settings or ${Name}STTSettings()
        self._closed = False

    async def open_stream(self) -> ${Name}STTStream:
        """Open a stream for one session."""
        if self._closed:
            raise ClosedError("this ${Name}STT was closed; make a new one")
        return ${Name}STTStream(self)

    async def aclose(self) -> None:
        """Open no more streams."""
        self._closed = True


class ${Name}STTStream(STTStream):
    """One caller's audio."""

    def __init__(self, stt: ${Name}STT) -> None:
        self._settings = stt.settings
        self._rate = stt.sample_rate
        self._loud = False
        self._unread: deque[Transcript] = deque(maxlen=UNREAD)
        self._changed = asyncio.Event()
        self._closed = False

    async def send(self, frame: AudioFrame) -> None:
        """Take a frame."""
        self._check()
        if frame.sample_rate != self._rate:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; this stream takes {self._rate} Hz")
        peak = int(np.abs(frame.samples.astype(np.int32)).max(initial=0)) / 32768
        self._loud = self._loud or peak >= self._settings.level

    async def finalize(self) -> None:
        """Give the words so far, and begin anew."""
        self._check()
        text = self._settings.word if self._loud else ""
        self._loud = False
        self._unread.append(Transcript(text, final=True, answers_finalize=True))
        self._changed.set()

    async def receive(self) -> Transcript:
        """Wait for the next transcript."""
        while not self._unread:
            self._check()
            self._changed.clear()
            await self._changed.wait()
        self._check()
        return self._unread.popleft()

    async def aclose(self) -> None:
        """End the stream, and every wait."""
        self._closed = True
        self._changed.set()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
''',
    '''"""The recognizer keeps its contract."""

from __future__ import annotations

from beluga_voice.audio import AudioFrame
from beluga_voice.testing import check_stt, sounds
from $package.stt import ${Name}STT


async def test_keeps_the_contract_of_a_recognizer() -> None:
    await check_stt(${Name}STT, speech=AudioFrame(sounds.speech_like(1.0), 16000), words="sound")
''',
)

VAD = (
    """
    level: float = Field(
        default=0.01, gt=0, lt=1, description="Root mean square, of 1, that is as likely speech as not."
    )
""",
    '''"""A detector that takes loud audio for speech. Put the vendor's model in its place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import VAD, ScoreSink, VADStream
from beluga_voice.errors import AudioError, ClosedError
from $package.settings import ${Name}VADSettings

WINDOW = 320
"""Samples that get one score: 20 ms."""


class ${Name}VAD(VAD):
    """Takes for speech what is loud."""

    def __init__(self, settings: ${Name}VADSettings | None = None) -> None:
        self.settings = settings or ${Name}VADSettings()
        self._open = False

    async def open(self) -> None:
        """Load what all streams share."""
        self._open = True

    async def aclose(self) -> None:
        """Release it."""
        self._open = False

    def open_stream(self, sink: ScoreSink) -> ${Name}VADStream:
        """Open a stream for one session."""
        if not self._open:
            raise ClosedError("this ${Name}VAD is not open; open it first")
        return ${Name}VADStream(self, sink)

    def score(self, window: NDArray[np.int16]) -> float:
        """Return how likely a window holds speech."""
        loudness = float(np.sqrt(np.mean(np.square(window.astype(np.float32))))) / 32768
        return loudness / (loudness + self.settings.level)


class ${Name}VADStream(VADStream):
    """One caller's audio, window by window."""

    def __init__(self, vad: ${Name}VAD, sink: ScoreSink) -> None:
        self._vad = vad
        self._sink = sink
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._start = 0
        self._closed = False

    def feed(self, frame: AudioFrame) -> None:
        """Take a frame, and score the windows that it completes."""
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
        if frame.sample_rate != self._vad.sample_rate:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; this VAD takes {self._vad.sample_rate} Hz")
        self._rest = np.concatenate([self._rest, frame.samples])
        while len(self._rest) >= WINDOW and not self._closed:
            window, self._rest = self._rest[:WINDOW], self._rest[WINDOW:]
            self._start += WINDOW
            self._sink(self._start - WINDOW, self._start, self._vad.score(window))

    def close(self) -> None:
        """End the stream."""
        self._closed = True
''',
    '''"""The detector keeps its contract."""

from __future__ import annotations

from beluga_voice.audio import AudioFrame
from beluga_voice.testing import check_vad, sounds
from $package.vad import ${Name}VAD


async def test_keeps_the_contract_of_a_detector() -> None:
    await check_vad(${Name}VAD, speech=AudioFrame(sounds.speech_like(1.0), 16000))
''',
)

TURN_DETECTOR = (
    """
    unfinished: tuple[str, ...] = Field(
        default=("and", "or", "but", "the", "to"), description="Last words after which more is to come."
    )
""",
    '''"""A turn detector that goes by the last word. Put the vendor's model in its place."""

from __future__ import annotations

from beluga_voice.contracts import TurnContext, TurnDetector
from $package.settings import ${Name}TurnDetectorSettings


class ${Name}TurnDetector(TurnDetector):
    """Takes a turn for complete unless its last word promises more."""

    def __init__(self, settings: ${Name}TurnDetectorSettings | None = None) -> None:
        self.settings = settings or ${Name}TurnDetectorSettings()

    async def predict(self, context: TurnContext) -> float:
        """Return how likely the turn is complete."""
        words = context.text.casefold().split()[-1:]
        return 0.1 if not words or words[0] in self.settings.unfinished else 0.9
''',
    '''"""The turn detector keeps its contract."""

from __future__ import annotations

from beluga_voice.contracts import TurnContext
from beluga_voice.testing import check_turn_detector
from $package.turn_detector import ${Name}TurnDetector


async def test_keeps_the_contract_of_a_turn_detector() -> None:
    await check_turn_detector(${Name}TurnDetector)


async def test_waits_after_a_word_that_promises_more() -> None:
    detector = ${Name}TurnDetector()
    assert await detector.predict(TurnContext("a table for", final=True)) > 0.5
    assert await detector.predict(TurnContext("a table and", final=True)) < 0.5
''',
)

NOISE_SUPPRESSOR = (
    """
    floor: int = Field(default=50, ge=0, le=1000, description="Magnitude of 16-bit samples that is silence.")
""",
    '''"""A noise suppressor that gates what is faint. Put the vendor's in its place."""

from __future__ import annotations

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import NoiseSuppressor, NoiseSuppressorStream
from beluga_voice.errors import AudioError, ClosedError
from $package.settings import ${Name}NoiseSuppressorSettings


class ${Name}NoiseSuppressor(NoiseSuppressor):
    """Makes faint samples silent."""

    def __init__(self, settings: ${Name}NoiseSuppressorSettings | None = None) -> None:
        self.settings = settings or ${Name}NoiseSuppressorSettings()
        self._open = False

    async def open(self) -> None:
        """Load what all streams share."""
        self._open = True

    async def aclose(self) -> None:
        """Release it."""
        self._open = False

    def open_stream(self) -> ${Name}NoiseSuppressorStream:
        """Open a stream for one session."""
        if not self._open:
            raise ClosedError("this ${Name}NoiseSuppressor is not open; open it first")
        return ${Name}NoiseSuppressorStream(self)


class ${Name}NoiseSuppressorStream(NoiseSuppressorStream):
    """One caller's audio."""

    def __init__(self, suppressor: ${Name}NoiseSuppressor) -> None:
        self._floor = suppressor.settings.floor
        self._rate = suppressor.sample_rate
        self._closed = False

    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        """Return the frame without what is faint."""
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
        if frame.sample_rate != self._rate:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; this suppressor takes {self._rate} Hz")
        loud = np.abs(frame.samples.astype(np.int32)) >= self._floor
        return AudioFrame((frame.samples * loud).astype(np.int16), frame.sample_rate, frame.position)

    def close(self) -> None:
        """End the stream."""
        self._closed = True
''',
    '''"""The noise suppressor keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_noise_suppressor
from $package.noise_suppressor import ${Name}NoiseSuppressor


async def test_keeps_the_contract_of_a_noise_suppressor() -> None:
    await check_noise_suppressor(${Name}NoiseSuppressor)
''',
)
