"""Several voices as one: what one leaves unsaid, the next one says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError
from beluga_voice.resilience.fallback import Fallback
from beluga_voice.resilience.order import FallbackPolicy
from beluga_voice.resilience.rest import PACE, Progress, letters_of
from beluga_voice.words import Word

LEARNT = 0.3
"""Share by which each whole text moves what is known of a voice's pace."""


class FallbackTTS(Fallback[TTS], TTS):
    """Asks the first voice that is well. One that fails or falls silent is left for the next, in mid-sentence.

    The next voice says what the first had left unsaid. Where a voice gives the times of its words, its audio is let
    through in whole words, so that nothing is said twice and nothing left out; of other voices the place is
    estimated by their pace, to a word or two. A voice that is alone is asked once more for the rest.

    What a text asks of voice and speed is the first voice's affair; another does of it what it can. Gives audio at
    the first voice's rate, and the times of words if all voices do.
    """

    kind: ClassVar[str] = "tts"

    def __init__(
        self,
        providers: Sequence[TTS],
        policy: FallbackPolicy | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(providers, policy, names=names)
        self.sample_rate = providers[0].sample_rate
        self.word_timestamps = all(each.word_timestamps for each in providers)
        self.paces = [PACE for _ in providers]
        self.honours = providers[0].honours
        if not all("volume" in each.honours for each in providers):
            self.honours -= {"volume"}

    def check_options(self, options: SpeechOptions) -> None:
        """Refuse what the first voice cannot do; the others do what they can of it."""
        self.providers[0].check_options(options)

    def options_for(self, index: int, options: SpeechOptions) -> SpeechOptions:
        """Return what a voice can do of `options`; the name of a voice is the first one's."""
        if index == 0:
            return options
        speed = options.speed if "speed" in self.providers[index].honours else None
        return replace(options, voice=None, speed=speed)

    async def open_stream(self) -> TTSStream:
        """Open a stream with the first that gives one; the others' are opened when they are needed.

        Raises:
            ProviderError: none can be had.
            ClosedError: after `aclose`.
        """
        stream = _FallbackTTSStream(self)
        await stream.open()
        return stream


class _FallbackTTSStream(TTSStream):
    def __init__(self, tts: FallbackTTS) -> None:
        self._tts = tts
        self._loop = asyncio.get_running_loop()
        self._streams: dict[int, TTSStream] = {}
        self._last = 0
        self._closed = False

    async def open(self) -> None:
        """Open a voice.

        Raises:
            ProviderError: none can be had.
        """
        first: ProviderError | None = None
        for index in self._tts.candidates():
            try:
                await self._stream(index)
            except ProviderError as error:
                self._tts.failed(index, error)
                first = first or error
            else:
                self._use(index, "" if first is None else str(first))
                return
        assert first is not None
        raise first

    async def aclose(self) -> None:
        self._closed = True
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            await stream.aclose()

    async def hold_open(self) -> None:
        for stream in tuple(self._streams.values()):
            await stream.hold_open()

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        rest, given, error = text, 0, None
        for index in self._attempts():
            progress = Progress(rest, self._tts.sample_rate, exact=self._tts.providers[index].word_timestamps)
            speech = self._speak(index, rest, options, progress, reason="" if error is None else str(error))
            try:
                async with aclosing(speech):
                    async for part in speech:
                        yield self._placed(part, given)
            except ProviderError as failure:
                if self._closed:
                    raise
                await self._fail(index, failure)
                error = error or failure
                given += round(progress.duration * self._tts.sample_rate)
                rest = progress.rest(self._tts.paces[index])
                if not letters_of(rest):
                    return
            else:
                self._done(index, rest, progress)
                return
        assert error is not None
        raise error

    def _attempts(self) -> list[int]:
        """Whom to ask, in order; who is alone is asked twice."""
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
        candidates = self._tts.candidates()
        return candidates * 2 if len(self._tts.providers) == 1 else candidates

    async def _speak(
        self, index: int, text: str, options: SpeechOptions, progress: Progress, *, reason: str
    ) -> AsyncGenerator[Speech, None]:
        """Speak with one voice, at the common rate, in parts that may be heard."""
        stream = await self._stream(index)
        if letters_of(text):
            self._use(index, reason)
        source, target = self._tts.providers[index].sample_rate, self._tts.sample_rate
        resampler = None if source == target else Resampler(source, target)
        begun = self._loop.time()
        async with aclosing(stream.synthesize(text, self._tts.options_for(index, options))) as parts:
            while (part := await self._next(parts, index, begun, progress)) is not None:
                if resampler is not None:
                    part = Speech(AudioFrame(resampler.process(part.frame.samples), target), part.words)
                if (heard := progress.take(part)) is not None and len(heard.frame):
                    yield heard
        if resampler is not None:
            tail = progress.take(Speech(AudioFrame(resampler.flush(), target)))
            if tail is not None and len(tail.frame):
                yield tail
        if (held := progress.finish()) is not None:
            yield held

    async def _next(
        self, parts: AsyncGenerator[Speech, None], index: int, begun: float, progress: Progress
    ) -> Speech | None:
        """Return the next part, in time to be heard without a gap beyond the deadline; None at the end."""
        now, patience = self._loop.time(), self._tts.policy.answer_deadline
        deadline = max(now, begun + progress.duration) + patience
        try:
            async with asyncio.timeout_at(deadline if self._tts.has_other(index) else None) as limit:
                return await anext(parts, None)
        except TimeoutError:
            if not limit.expired():
                raise
            what = "audio" if not progress.duration else "more audio"
            name = self._tts.names[index]
            raise ProviderTimeoutError(f"{name} gave no {what} for {deadline - now:g} s") from None

    async def _stream(self, index: int) -> TTSStream:
        """Return the voice's stream, opened if need be."""
        if index not in self._streams:
            deadline = self._tts.policy.open_deadline if self._tts.has_other(index) else None
            try:
                async with asyncio.timeout(deadline):
                    self._streams[index] = await self._tts.providers[index].open_stream()
            except TimeoutError:
                name = self._tts.names[index]
                raise ProviderTimeoutError(f"{name} did not open a stream within {deadline:g} s") from None
        return self._streams[index]

    async def _fail(self, index: int, error: ProviderError) -> None:
        self._tts.failed(index, error)
        stream = self._streams.pop(index, None)
        if stream is not None:
            await self._leave(stream)

    async def _leave(self, stream: TTSStream) -> None:
        """Close a stream that has failed; what it raises matters to nobody."""
        closing = asyncio.create_task(stream.aclose(), name="beluga-voice tts leaves")
        await asyncio.wait([closing], timeout=self._tts.policy.answer_deadline)
        if not closing.done():
            closing.cancel()
        elif not closing.cancelled():
            closing.exception()

    def _use(self, index: int, reason: str) -> None:
        old, self._last = self._last, index
        self._tts.switched(old, index, reason)

    def _done(self, index: int, text: str, progress: Progress) -> None:
        self._tts.succeeded(index)
        letters = letters_of(text)
        if letters and progress.duration:
            pace = progress.duration / letters
            self._tts.paces[index] += LEARNT * (pace - self._tts.paces[index])

    def _placed(self, part: Speech, given: int) -> Speech:
        """The part as one of the whole text, of which `given` samples were there before this voice's."""
        if not given and self._tts.word_timestamps:
            return part
        offset = given / self._tts.sample_rate
        words = tuple(Word(w.text, w.start + offset, w.end + offset) for w in part.words)
        frame = AudioFrame(part.frame.samples, part.frame.sample_rate, part.frame.position + given)
        return Speech(frame, words if self._tts.word_timestamps else ())
