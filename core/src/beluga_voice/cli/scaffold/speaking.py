"""Templates of voices and lines: synthesiser, transport, speech to speech. Each is settings, provider, test."""

from __future__ import annotations

TTS = (
    """
    pitch: float = Field(default=440, ge=100, le=4000, description="Hz of the first word's tone.")
    word_duration: float = Field(default=0.2, ge=0.05, le=2, description="Seconds of each word.")
""",
    '''"""A voice that beeps once for each word. Put the vendor's in its place."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError
from $package.settings import ${Name}TTSSettings


class ${Name}TTS(TTS):
    """Beeps once for each word."""

    def __init__(self, settings: ${Name}TTSSettings | None = None) -> None:
        self.settings = settings or ${Name}TTSSettings()
        self._closed = False

    async def open_stream(self) -> ${Name}TTSStream:
        """Open a stream for one session."""
        if self._closed:
            raise ClosedError("this ${Name}TTS was closed; make a new one")
        return ${Name}TTSStream(self)

    async def aclose(self) -> None:
        """Open no more streams."""
        self._closed = True


class ${Name}TTSStream(TTSStream):
    """One session's voice."""

    def __init__(self, tts: ${Name}TTS) -> None:
        self._rate = tts.sample_rate
        self._settings = tts.settings
        self._closed = False

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text`: a part for each word."""
        position = 0
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
        for number, _ in enumerate(text.split()):
            if self._closed:
                raise ClosedError("this stream was closed; open a new one")
            samples = self._beep(number)
            yield Speech(AudioFrame(samples, self._rate, position))
            position += len(samples)

    async def aclose(self) -> None:
        """End the stream."""
        self._closed = True

    def _beep(self, number: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        pitch = self._settings.pitch * 2 ** (number % 12 / 12)
        times = np.arange(round(self._settings.word_duration * self._rate)) / self._rate
        return (8000 * np.sin(2 * np.pi * pitch * times)).astype(np.int16)
''',
    '''"""The voice keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_tts
from $package.tts import ${Name}TTS


async def test_keeps_the_contract_of_a_voice() -> None:
    await check_tts(${Name}TTS, text="the quick brown fox jumps over the lazy dog")
''',
)

TRANSPORT = (
    """
    duration: float = Field(default=0.5, gt=0, le=3600, description="Seconds until the far end hangs up.")
""",
    '''"""A line whose far end hums for a while and hangs up. Put the vendor's in its place."""

from __future__ import annotations

import asyncio

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Receiver, Transport
from $package.settings import ${Name}TransportSettings

FRAME = 320
"""Samples of a frame: 20 ms."""


class ${Name}Transport(Transport):
    """A line to somebody who hums.

    Attributes:
        sent: seconds of the agent's audio that were put on the wire.
    """

    def __init__(self, settings: ${Name}TransportSettings | None = None) -> None:
        self.settings = settings or ${Name}TransportSettings()
        self.sent = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def open(self, receiver: Receiver) -> None:
        """Begin to push frames to `receiver`."""
        self._reading = asyncio.create_task(self._read(receiver), name="$name line")

    def send_nowait(self, frame: AudioFrame) -> None:
        """Put a frame on the wire; one that is closed takes it to nobody."""
        self.sent += frame.duration

    async def aclose(self) -> None:
        """Hang up."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read(self, receiver: Receiver) -> None:
        loop = asyncio.get_running_loop()
        start, position = loop.time(), 0
        while position < self.settings.duration * self.input_sample_rate:
            times = (position + np.arange(FRAME)) / self.input_sample_rate
            samples = (6000 * np.sin(2 * np.pi * 200 * times)).astype(np.int16)
            await asyncio.sleep(start + (position + FRAME) / self.input_sample_rate - loop.time())
            receiver.process_audio(AudioFrame(samples, self.input_sample_rate, position))
            position += FRAME
        receiver.end_of_input()
''',
    '''"""The line keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_transport
from $package.transport import ${Name}Transport


async def test_keeps_the_contract_of_a_line() -> None:
    await check_transport(${Name}Transport)
''',
)

S2S = (
    """
    answer: str = Field(default="I hear you.", min_length=1, description="What it says to everything.")
""",
    '''"""A model that hums one answer to everything. Put the vendor's in its place."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    S2S,
    AssistantMessage,
    CallerMessage,
    S2SSetup,
    S2SStream,
    ToolMessage,
    ToolSpec,
    s2s,
)
from beluga_voice.errors import ClosedError
from $package.settings import ${Name}S2SSettings


class ${Name}S2S(S2S):
    """Answers everything with the same words, as a hum."""

    input_sample_rate = 16000
    commits = False
    transcribes = False
    truncates = False
    says = False
    calls_tools = False
    updates = False

    def __init__(self, settings: ${Name}S2SSettings | None = None) -> None:
        self.settings = settings or ${Name}S2SSettings()
        self._closed = False

    async def open_stream(self, setup: S2SSetup) -> ${Name}S2SStream:
        """Open a stream for one session."""
        if self._closed:
            raise ClosedError("this ${Name}S2S was closed; make a new one")
        return ${Name}S2SStream(self)

    async def aclose(self) -> None:
        """Open no more streams."""
        self._closed = True


class ${Name}S2SStream(S2SStream):
    """One session's conversation."""

    def __init__(self, model: ${Name}S2S) -> None:
        self._model = model
        self._events: deque[s2s.S2SEvent] = deque([s2s.Ready()])
        self._changed = asyncio.Event()
        self._closed = False
        self._count = 0

    async def send(self, frame: AudioFrame) -> None:
        """Take a frame; it is not listened to."""
        self._check()

    async def commit(self, number: int) -> None:
        """Nothing is transcribed."""
        self._check()

    async def respond(self, request: int, instructions: str = "") -> None:
        """Hum the answer."""
        self._check()
        self._count += 1
        name = f"response-{self._count}"
        rate, text = self._model.output_sample_rate, self._model.settings.answer
        times = np.arange(round(0.2 * len(text.split()) * rate)) / rate
        hum = (6000 * np.sin(2 * np.pi * 200 * times)).astype(np.int16)
        self._give(
            s2s.ResponseStarted(name, request),
            s2s.ResponseText(name, text),
            s2s.ResponseAudio(name, AudioFrame(hum, rate)),
            s2s.ResponseDone(name),
        )

    async def say(self, request: int, text: str) -> None:
        """It says its own words only."""
        self._check()

    async def cancel(self, response: str) -> None:
        """A response is over as soon as it has begun."""
        self._check()

    async def truncate(self, response: str, samples: int) -> None:
        """Nothing is remembered."""
        self._check()

    async def add(self, message: CallerMessage | AssistantMessage) -> None:
        """Nothing is remembered."""
        self._check()

    async def send_result(self, result: ToolMessage) -> None:
        """It calls no tools."""
        self._check()

    async def update(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        """It follows no instructions."""
        self._check()

    async def receive(self) -> s2s.S2SEvent:
        """Wait for the next event."""
        while not self._events:
            self._check()
            self._changed.clear()
            await self._changed.wait()
        self._check()
        return self._events.popleft()

    async def aclose(self) -> None:
        """End the stream, and every wait."""
        self._closed = True
        self._changed.set()

    def _give(self, *events: s2s.S2SEvent) -> None:
        self._events.extend(events)
        self._changed.set()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
''',
    '''"""The model keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_s2s
from $package.s2s import ${Name}S2S


async def test_keeps_the_contract_of_a_speech_to_speech_model() -> None:
    await check_s2s(${Name}S2S)
''',
)
