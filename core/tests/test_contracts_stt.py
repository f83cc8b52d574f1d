"""What a recognizer's stream has without writing it."""

from __future__ import annotations

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STTStream, Transcript
from beluga_voice.errors import ClosedError, ProviderError


class _Reads(STTStream):
    """Gives the words it was made of, then raises."""

    def __init__(self, words: list[str], then: Exception) -> None:
        self.words = words
        self.then = then
        self.frames: list[AudioFrame] = []

    async def send(self, frame: AudioFrame) -> None:
        self.frames.append(frame)

    async def finalize(self) -> None:
        self.words.append("")

    async def receive(self) -> Transcript:
        if not self.words:
            raise self.then
        return Transcript(self.words.pop(0), final=True)

    async def aclose(self) -> None:
        self.words.clear()


async def test_transcripts_are_iterated_until_the_stream_is_closed() -> None:
    stream = _Reads(["good", "morning"], ClosedError("closed"))
    assert [transcript.text async for transcript in stream] == ["good", "morning"]
    assert [transcript.text async for transcript in stream] == []


async def test_a_failure_is_not_taken_for_the_end() -> None:
    stream = _Reads(["good"], ProviderError("the engine stopped"))
    assert (await anext(stream)).text == "good"
    with pytest.raises(ProviderError, match="the engine stopped"):
        await anext(stream)


def test_a_stream_without_a_fast_path_accepts_nothing_at_once() -> None:
    stream = _Reads([], ClosedError("closed"))
    assert stream.send_nowait(AudioFrame(np.zeros(320, np.int16), 16000)) is False
    assert stream.frames == []
