"""`check_tts` accepts what keeps the contract, and names the promise that is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    Speech,
    SpeechOptions,
)
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.testing import (
    ScriptedTTS,
    ScriptedTTSStream,
    check_tts,
)

TEXT = "The weather in Paris is sunny."


@pytest.mark.parametrize("options", [{}, {"word_timestamps": True}, {"delay": 0.2, "part_delay": 0.05}])
async def test_the_scripted_tts_conforms(options: dict[str, float]) -> None:
    await check_tts(lambda: ScriptedTTS(**options), text=TEXT)  # type: ignore[arg-type] # a float or a bool


class BrokenTTS(ScriptedTTS):
    """Opens streams of `stream`."""

    stream: type[ScriptedTTSStream]

    async def open_stream(self) -> ScriptedTTSStream:
        await super().open_stream()
        return self.stream(self)


class Floats(ScriptedTTSStream):
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text, options):
            yield Speech(AudioFrame(part.frame.samples.astype(np.float32), 24000))  # type: ignore[arg-type]


class HalfAsFast(ScriptedTTSStream):
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text, options):
            yield Speech(AudioFrame(part.frame.samples, 12000))


class GoesOnWithTheLastText(ScriptedTTSStream):
    """Says the rest of a text that was cut before the next."""

    rest = ""

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        said, self.rest = f"{self.rest} {text}", text
        async with aclosing(super().synthesize(said, options)) as speech:
            async for part in speech:
                yield part
        self.rest = ""


class DrainsWhenClosed(ScriptedTTSStream):
    """Waits for the rest of the audio when the generator is closed."""

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async with aclosing(super().synthesize(text, options)) as speech:
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
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text or "nothing", options):
            yield part


class OnlyASCII(ScriptedTTSStream):
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        text.encode("ascii")
        async for part in super().synthesize(text, options):
            yield part


class KnowsNoHurry(ScriptedTTSStream):
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text, replace(options, speed=None)):
            yield part


class Shouts(ScriptedTTSStream):
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text, replace(options, volume=None)):
            yield part


class LosesTheLastWord(ScriptedTTSStream):
    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        async for part in super().synthesize(text, options):
            yield Speech(part.frame, tuple(word for word in part.words if word.text != "sunny."))


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (Floats, r"Speech\.frame: is mono int16.*float32"),
        (HalfAsFast, r"Speech\.frame: .*12000 Hz came, not at 24000 Hz"),
        (LosesTheLastWord, r"Speech\.words: .*are given as 'theweatherinparisis'"),
        (KnowsNoHurry, r"TTS\.honours: speed.* takes 1\.8 s, and 1\.8 s at twice the speed"),
        (Shouts, r"TTS\.honours: volume"),
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
    with pytest.raises(AssertionError, match=sentence):
        await check_tts(lambda: kind(word_timestamps=True), text=TEXT)
