"""A session without a voice: providers that hear nothing and say nothing, for conversations by text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    STT,
    TTS,
    Speech,
    SpeechOptions,
    STTStream,
    Transcript,
    TTSStream,
)
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError

PIECE = 0.02
"""Seconds that each piece of text lasts."""


class DeafSTT(STT):
    """Hears nothing."""

    async def open_stream(self) -> STTStream:
        """Open a stream that never gives a transcript."""
        return _DeafStream()


class _DeafStream(STTStream):
    def __init__(self) -> None:
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(self, frame: AudioFrame) -> None:  # noqa: ARG002 - nothing is heard
        self._check()

    async def finalize(self) -> None:
        self._check()

    async def receive(self) -> Transcript:
        await asyncio.shield(self._closed)
        raise ClosedError("the stream is closed")

    async def aclose(self) -> None:
        if not self._closed.done():
            self._closed.set_result(None)

    def _check(self) -> None:
        if self._closed.done():
            raise ClosedError("the stream is closed")


class MuteTTS(TTS):
    """Gives a moment of silence for each text, so that it counts as heard."""

    honours = frozenset({"voice", "speed", "volume"})  # a text is a text

    async def open_stream(self) -> TTSStream:
        """Open a stream."""
        return _MuteStream(self.sample_rate)


class _MuteStream(TTSStream):
    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._closed = False

    async def synthesize(
        self,
        text: str,
        options: SpeechOptions = PLAIN_SPEECH,  # noqa: ARG002 - silence has no voice
    ) -> AsyncGenerator[Speech, None]:
        if self._closed:
            raise ClosedError("the stream is closed")
        if text.strip():
            yield Speech(AudioFrame.silence(PIECE, self._rate))

    async def aclose(self) -> None:
        self._closed = True
