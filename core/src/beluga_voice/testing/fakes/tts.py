"""A synthesiser whose audio a test can foretell to the sample."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame, apply_gain
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream, Word
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ProviderError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray


class ScriptedTTS(TTS):
    """Speaks each word for a known time, as a sawtooth of its own: `audio_of` tells every sample of a text.

    The faults may be changed between texts.

    Args:
        sample_rate: as `TTS.sample_rate`.
        word_duration: seconds of each word.
        part_duration: seconds of each `Speech`; the last may be shorter.
        delay: seconds before the first part of a text.
        part_delay: seconds before each further part; 0 gives them at once.
        word_timestamps: whether words are given, each with the part in which it ends.
        fails_to_open: whether `open_stream` raises `ProviderError`.
        fails_after: parts after which a text raises `ProviderError`; None for never.
        hangs_after: parts after which a text gives nothing more and does not end; None for never.
        mute: whether every text yields nothing.
        name: told by its errors.
        audio: int16 samples that the texts yield in turn, over and over, in place of what `audio_of` tells.
        error: raised by `open_stream` and for each text; None for none.
        network_delay: seconds that `open_stream` takes.
        honours: as `TTS.honours`: a voice has other samples, speed other durations, volume other levels.

    Attributes:
        streams: all streams opened so far.
        texts: all texts whose synthesis began, in order.
        spoken: how each of them was to be spoken.
    """

    def __init__(
        self,
        *,
        sample_rate: int = 24000,
        word_duration: float = 0.3,
        part_duration: float = 0.1,
        delay: float = 0.0,
        part_delay: float = 0.0,
        word_timestamps: bool = False,
        fails_to_open: bool = False,
        fails_after: int | None = None,
        hangs_after: int | None = None,
        mute: bool = False,
        name: str = "scripted",
        audio: Sequence[NDArray[np.int16]] = (),
        error: Exception | None = None,
        network_delay: float = 0.0,
        honours: Collection[str] = ("voice", "speed", "volume"),
    ) -> None:
        self.name = name
        self.audio = tuple(audio)
        self.error = error
        self.network_delay = network_delay
        self.sample_rate = sample_rate
        self.word_duration = word_duration
        self.part_duration = part_duration
        self.delay = delay
        self.part_delay = part_delay
        self.word_timestamps = word_timestamps
        self.fails_to_open = fails_to_open
        self.fails_after = fails_after
        self.hangs_after = hangs_after
        self.mute = mute
        self.honours = frozenset(honours)
        self.streams: list[ScriptedTTSStream] = []
        self.texts: list[str] = []
        self.spoken: list[SpeechOptions] = []
        self._closed = False

    async def open_stream(self) -> ScriptedTTSStream:
        if self._closed:
            raise ClosedError("this ScriptedTTS was closed; make a new one")
        if self.network_delay:
            await asyncio.sleep(self.network_delay)
        if self.error is not None:
            raise self.error
        if self.fails_to_open:
            raise ProviderError(
                f"the script of TTS {self.name!r} says that no stream can be had", retryable=True
            )
        stream = ScriptedTTSStream(self)
        self.streams.append(stream)
        return stream

    async def aclose(self) -> None:
        self._closed = True

    def audio_of(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> NDArray[np.int16]:
        """Return all samples of `text`, int16, shape ``(n,)``."""
        options = self._honoured(options)
        samples = self._word_samples(options)
        words = [_sawtooth((options.voice or "") + word, samples) for word in text.split()]
        volume = 1.0 if options.volume is None else options.volume
        return apply_gain(np.concatenate([np.zeros(0, np.int16), *words]), volume)

    def words_of(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> tuple[Word, ...]:
        """Return the words of `text` with their times."""
        length = self._word_samples(self._honoured(options)) / self.sample_rate
        return tuple(Word(word, i * length, (i + 1) * length) for i, word in enumerate(text.split()))

    def _word_samples(self, options: SpeechOptions) -> int:
        return round(self.word_duration / (options.speed or 1.0) * self.sample_rate)

    def _honoured(self, options: SpeechOptions) -> SpeechOptions:
        return SpeechOptions(
            **{name: getattr(options, name) for name in ("voice", "speed", "volume") if name in self.honours}
        )


class ScriptedTTSStream(TTSStream):
    """A stream of `ScriptedTTS`.

    Attributes:
        closed: whether `aclose` was called.
        cut: texts whose synthesis was closed or cancelled before its end.
    """

    def __init__(self, tts: ScriptedTTS) -> None:
        self.cut: list[str] = []
        self._tts = tts
        self._closing = asyncio.Event()
        self._speaking = False

    @property
    def closed(self) -> bool:
        return self._closing.is_set()

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        self._begin(text)
        self._tts.spoken.append(options)
        try:
            for number, part in enumerate(_parts(self._tts, text, options)):
                await self._wait(self._tts.part_delay if number else self._tts.delay)
                await self._fault(number)
                yield part
        except (asyncio.CancelledError, GeneratorExit):
            self.cut.append(text)
            raise
        finally:
            self._speaking = False

    async def aclose(self) -> None:
        self._closing.set()

    def _begin(self, text: str) -> None:
        if self.closed:
            raise ClosedError("this stream was closed; open a new one")
        if self._speaking:
            raise RuntimeError(
                f"asked to speak {text!r} before the last text was done; close its generator first"
            )
        if self._tts.error is not None:
            raise self._tts.error
        self._speaking = True
        self._tts.texts.append(text)

    async def _fault(self, number: int) -> None:
        if number == self._tts.fails_after:
            raise ProviderError(f"the script says that speech fails after {number} part(s)", retryable=True)
        if number == self._tts.hangs_after:
            await self._wait(None)

    async def _wait(self, duration: float | None) -> None:
        """Wait for `duration` seconds, or for ever; end by `ClosedError` when the stream is closed."""
        try:
            async with asyncio.timeout(duration):
                await self._closing.wait()
        except TimeoutError:
            return
        raise ClosedError("this stream was closed")


def _parts(tts: ScriptedTTS, text: str, options: SpeechOptions) -> Iterator[Speech]:
    """Make the parts of a text one by one, as they are asked for: a text may be a megabyte."""
    if tts.mute:
        return
    rate = tts.sample_rate
    words = deque(tts.words_of(text, options) if tts.word_timestamps else ())
    start = 0
    for samples in _cut(_pieces(tts, text, options), round(tts.part_duration * rate)):
        ended = []
        while words and round(words[0].end * rate) <= start + len(samples):
            ended.append(words.popleft())
        yield Speech(AudioFrame(samples, rate, start), tuple(ended))
        start += len(samples)


def _pieces(tts: ScriptedTTS, text: str, options: SpeechOptions) -> Iterator[NDArray[np.int16]]:
    if tts.audio:
        yield tts.audio[(len(tts.texts) - 1) % len(tts.audio)]
        return
    for word in text.split():
        yield tts.audio_of(word, options)


def _cut(pieces: Iterable[NDArray[np.int16]], size: int) -> Iterator[NDArray[np.int16]]:
    """Cut what `pieces` make together into arrays of `size` samples, the last one shorter if need be."""
    held = np.zeros(0, np.int16)
    for piece in pieces:
        held = np.concatenate([held, piece])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def _sawtooth(word: str, samples: int) -> NDArray[np.int16]:
    """Make a ramp that wraps around at 10,000; the word's checksum gives its first value and its slope."""
    checksum = zlib.crc32(word.encode())
    offset, slope = checksum % 20011, 31 + checksum // 20011 % 397
    return ((offset + slope * np.arange(samples)) % 20001 - 10000).astype(np.int16)
