"""Broken synthesisers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Speech, SpeechOptions
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ConfigurationError
from beluga_voice.testing import ScriptedTTS, ScriptedTTSStream, check_tts

from .cage import breaks

TEXT = "The weather in Paris is sunny."
Audio = AsyncGenerator[Speech, None]


class Sound(ScriptedTTS):
    """A synthesiser without a fault; opens streams of `stream`."""

    stream: type[ScriptedTTSStream] = ScriptedTTSStream

    def __init__(self, **options: object) -> None:
        super().__init__(word_duration=0.1, **options)  # type: ignore[arg-type]

    async def open_stream(self) -> ScriptedTTSStream:
        await super().open_stream()
        return self.stream(self)


async def check(kind: type) -> None:
    await check_tts(kind, text=TEXT, voices=("ann", "bob"))


class Changed(ScriptedTTSStream):
    """Changes each part."""

    def change(self, part: Speech, text: str) -> Speech:
        return part

    async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
        async with aclosing(super().synthesize(text, options)) as speech:
            async for part in speech:
                yield self.change(part, text)


@breaks(check, "raises ClosedError after aclose")
class VoiceOpensWhenClosed(Sound):
    async def open_stream(self) -> ScriptedTTSStream:
        return self.stream(self)


@breaks(check, "closing twice is harmless")
class VoiceStreamClosesOnce(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def aclose(self) -> None:
            if self.closed:
                raise RuntimeError("no such stream")
            await super().aclose()


@breaks(check, "raises ClosedError after aclose, when iterated")
class SaysNothingWhenClosed(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            if self.closed:
                return
            async with aclosing(super().synthesize(text, options)) as speech:
                async for part in speech:
                    yield part


@breaks(check, "is mono int16 at TTS.sample_rate", "takes any Unicode")
class GivesFloats(Sound):
    class stream(Changed):  # noqa: N801
        def change(self, part: Speech, text: str) -> Speech:
            samples = part.frame.samples.astype(np.float32)
            return replace(part, frame=AudioFrame(samples, part.frame.sample_rate, part.frame.position))  # type: ignore[arg-type]


@breaks(check, "is mono int16 at TTS.sample_rate", "takes any Unicode")
class GivesAnotherRate(Sound):
    class stream(Changed):  # noqa: N801
        def change(self, part: Speech, text: str) -> Speech:
            return replace(part, frame=AudioFrame(part.frame.samples, 24001, part.frame.position))


@breaks(check, "lie in order within the audio")
class WordsOutOfOrder(Sound):
    def __init__(self) -> None:
        super().__init__(word_timestamps=True, part_duration=10.0)

    class stream(Changed):  # noqa: N801
        def change(self, part: Speech, text: str) -> Speech:
            return replace(part, words=tuple(reversed(part.words)))


@breaks(check, "lie in order within the audio")
class PromisesWords(Sound):
    word_timestamps = True

    def __init__(self) -> None:
        super().__init__()
        self.word_timestamps = True

    class stream(Changed):  # noqa: N801
        def change(self, part: Speech, text: str) -> Speech:
            return replace(part, words=())


@breaks(check, "speed changes how long a text takes")
class PromisesSpeed(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            return super().synthesize(text, replace(options, speed=None))


@breaks(check, "volume changes how loud a text is")
class PromisesVolume(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            return super().synthesize(text, replace(options, volume=None))


@breaks(check, "voices sound different")
class HasOneVoice(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            return super().synthesize(text, replace(options, voice=None))


@breaks(check, "takes what it honours")
class RefusesItsVoices(Sound):
    def check_options(self, options: SpeechOptions) -> None:
        if options.voice is not None:
            raise ConfigurationError(f"no voice {options.voice}")


@breaks(check, "empty text yields nothing")
class ClicksForNothing(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            async with aclosing(super().synthesize(text.strip() or "click", options)) as speech:
                async for part in speech:
                    yield part


@breaks(check, "takes any Unicode")
class KnowsAscii(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            text.encode("ascii")
            async with aclosing(super().synthesize(text, options)) as speech:
                async for part in speech:
                    yield part


@breaks(check, "speaks long text to its end")
class StopsAfterAWhile(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            short = " ".join(text.split()[:8])
            async with aclosing(super().synthesize(short, options)) as speech:
                async for part in speech:
                    yield part


@breaks(check, "waits for a slow listener")
class DropsForTheSlow(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            loop = asyncio.get_running_loop()
            at = loop.time()
            async with aclosing(super().synthesize(text, options)) as speech:
                async for part in speech:
                    if loop.time() - at < 0.005:
                        yield part
                    at = loop.time() if loop.time() - at < 0.005 else at - 1


@breaks(check, "closing the generator ends it within one part")
class GoesOnAfterClosing(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        left = ""

        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            if self.left and len(text) < 1000:
                text = " ".join([self.left, text])
                self.left = ""
            done = False
            try:
                async with aclosing(super().synthesize(text, options)) as speech:
                    async for part in speech:
                        yield part
                done = True
            except asyncio.CancelledError:
                done = True
                raise
            finally:
                if not done and not self.closed and len(text) < 1000:
                    self.left = text


@breaks(check, "cancelling the iterating task ends it", "when it returns nothing of the provider runs")
class NeedsItsEnd(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                self.closing_late = True
                await asyncio.sleep(10)
                raise
            async with aclosing(super().synthesize(text, options)) as speech:
                async for part in speech:
                    yield part


@breaks(check, "ends a synthesis that is going on")
class SpeaksOnWhenClosed(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        is_closed = False

        async def _wait(self, duration: float | None) -> None:
            await asyncio.sleep(duration or 0)

        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            if self.is_closed:
                raise ClosedError("closed")
            async with aclosing(super().synthesize(text, options)) as speech:
                async for part in speech:
                    yield part

        async def aclose(self) -> None:
            self.is_closed = True


@breaks(check, "streams do not know of each other")
class OneSpeaksAtATime(Sound):
    speaking = 0

    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            tts = self._tts
            tts.speaking += 1  # type: ignore[attr-defined]
            try:
                async with aclosing(super().synthesize(text, options)) as speech:
                    async for part in speech:
                        if tts.speaking == 1:  # type: ignore[attr-defined]
                            yield part
                        await asyncio.sleep(0)
            finally:
                tts.speaking -= 1  # type: ignore[attr-defined]


@breaks(check, "may be left early in a text of a megabyte")
class ThinksOverLongTexts(Sound):
    class stream(ScriptedTTSStream):  # noqa: N801
        async def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> Audio:
            await asyncio.sleep(len(text) / 10_000)
            async with aclosing(super().synthesize(text, options)) as speech:
                async for part in speech:
                    yield part
