"""What a simulated recognizer hears: words of a script, or those of a local engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame, Resampler, rms
from beluga_voice.contracts import STT, STTStream, Word

RATE = 16000
"""Hz of what ears are given."""

SPEECH = 0.004
"""Root mean square, as a part of full scale, from which 20 ms count as speech: -48 dB."""

FRAME = RATE // 50


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said: the words with their times, in seconds of the audio given."""

    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """The words, joined."""
        return " ".join(word.text for word in self.words)

    def until(self, time: float) -> Heard:
        """Return the words that had begun by `time`, as an interim has them."""
        return Heard(tuple(word for word in self.words if word.start < time))

    def later(self, seconds: float) -> Heard:
        """Return the same, said `seconds` later."""
        return Heard(tuple(Word(w.text, w.start + seconds, w.end + seconds) for w in self.words))


class Ear(ABC):
    """Turns speech into words, for all connections of a simulator."""

    async def open(self) -> None:
        """Load what it needs."""

    async def aclose(self) -> None:
        """Let go of it. Idempotent."""

    @abstractmethod
    async def hear(self, samples: NDArray[np.int16]) -> Heard:
        """Return what is said in `samples`: int16, shape ``(n,)``, at 16 kHz; no words in silence."""


class ScriptedEar(Ear):
    """Hears what a script says: each speech is the next line, and the last line from then on.

    Args:
        lines: what is said.
    """

    def __init__(self, lines: Sequence[str] = ("hello",)) -> None:
        self._lines = list(lines)
        self._next = 0

    async def hear(self, samples: NDArray[np.int16]) -> Heard:
        spans = voiced(samples)
        if spans is None or not self._lines:
            return Heard()
        line = self._lines[min(self._next, len(self._lines) - 1)]
        self._next += 1
        return Heard(tuple(spread(line, *spans)))


class EngineEar(Ear):
    """Hears by a recognizer of beluga-voice's, such as pocketsphinx.

    Args:
        stt: not yet open; one that finalizes, at 16 kHz.
    """

    def __init__(self, stt: STT) -> None:
        self._stt = stt

    async def open(self) -> None:
        await self._stt.open()

    async def aclose(self) -> None:
        await self._stt.aclose()

    async def hear(self, samples: NDArray[np.int16]) -> Heard:
        spans = voiced(samples)
        if spans is None:
            return Heard()
        stream = await self._stt.open_stream()
        try:
            return await _recognize(stream, samples, spans)
        finally:
            await stream.aclose()


async def _recognize(stream: STTStream, samples: NDArray[np.int16], span: tuple[float, float]) -> Heard:
    for start in range(0, len(samples), FRAME):
        await stream.send(AudioFrame(samples[start : start + FRAME], RATE, start))
    await stream.finalize()
    words: list[Word] = []
    texts: list[str] = []
    async for transcript in stream:
        if transcript.final:
            words += transcript.words
            texts.append(transcript.text)
        if transcript.answers_finalize:
            break
    return Heard(tuple(words) or tuple(spread(" ".join(texts), *span)))


def voiced(samples: NDArray[np.int16]) -> tuple[float, float] | None:
    """Return where sound begins and ends in 16 kHz `samples`, in seconds; None if all is silence."""
    loud = [start for start in range(0, len(samples), FRAME) if rms(samples[start : start + FRAME]) >= SPEECH]
    if not loud:
        return None
    return loud[0] / RATE, min(loud[-1] + FRAME, len(samples)) / RATE


def spread(text: str, start: float, end: float) -> Iterator[Word]:
    """Yield the words of `text`, each as long as its share of the letters."""
    words = text.split()
    each = (end - start) / max(sum(map(len, words)), 1)
    for word in words:
        yield Word(word, start, start + each * len(word))
        start += each * len(word)


def at_16_khz(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Return whole `samples` of `rate` as an ear wants them."""
    if rate == RATE:
        return samples
    resampler = Resampler(rate, RATE)
    return np.concatenate((resampler.process(samples), resampler.flush()))


class SpeechGate:
    """Finds where speech starts and stops by its loudness, as a vendor's VAD does.

    Args:
        rate: Hz of what it is fed.
        silence: seconds of it that end speech.
    """

    def __init__(self, rate: int, silence: float = 0.5) -> None:
        self.silence = silence
        self._rate = rate
        self._frame = rate // 50
        self._rest = np.zeros(0, np.int16)
        self._position = 0
        self._last = 0.0
        self.speaking = False

    def feed(self, samples: NDArray[np.int16]) -> Iterator[tuple[bool, float]]:
        """Yield each change: whether it is a start, and at which second of all that was fed."""
        pending = np.concatenate((self._rest, samples))
        for start in range(0, len(pending) - self._frame + 1, self._frame):
            frame = pending[start : start + self._frame]
            begin = self._position / self._rate
            self._position += self._frame
            if rms(frame) >= SPEECH:
                self._last = self._position / self._rate
                if not self.speaking:
                    self.speaking = True
                    yield True, begin
            elif self.speaking and self._position / self._rate - self._last >= self.silence:
                self.speaking = False
                yield False, self._last
        self._rest = pending[len(pending) // self._frame * self._frame :]

    def reset(self) -> None:
        """Speech has ended for another reason."""
        self.speaking = False
