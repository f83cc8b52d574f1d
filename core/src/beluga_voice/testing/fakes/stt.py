"""A recognizer that hears what its script says."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from beluga_voice.contracts import STT, Listens, STTStream, Transcript, Word
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing.sounds import peak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beluga_voice.audio import AudioFrame

AUDIBLE = 0.01
"""Peak, where 1 is full scale, from which a frame holds speech for the fakes."""


class ScriptedSTT(STT):
    """Gives the next text of its script for each utterance: for what was audible since the last final.

    Each stream begins the script anew; when it is at its end, and for silence, the final is empty.

    Args:
        transcripts: the text of each utterance.
        sample_rate: as `STT.sample_rate`.
        delay: seconds from the end of an utterance to its final, and from a word to its interim.
        interim: whether each word brings an interim transcript of the utterance so far.
        word_duration: seconds of audible audio in which a word is said; for the interims.
        word_timestamps: whether finals carry words, spread evenly over the audible audio.
        listens: as `STT.listens`.
        finalizes: whether `finalize` ends the utterance and is answered.
        judges_turns: whether each final tells that the turn ends with it, and each interim that it does not.
        ends_after: seconds of silence that end an utterance by itself; None to wait for `finalize`.
        send_delay: seconds that each `send` takes; 0 accepts frames at once, also by `send_nowait`.
        fails_to_open: whether `open_stream` raises `ProviderError`.
        fails_after: seconds of audio after which a stream breaks down; None for never.
        hangs: whether nothing is ever recognised, and no `finalize` answered.
        name: told by its errors.
        cycle: whether the script begins anew when it is at its end.
        error: raised by `open_stream` and by whatever a stream is asked; None for none. May be changed at any time.
        network_delay: seconds that `open_stream` takes.

    Attributes:
        streams: all streams opened so far.
    """

    def __init__(
        self,
        transcripts: Sequence[str] = (),
        *,
        sample_rate: int = 16000,
        delay: float = 0.1,
        interim: bool = False,
        word_duration: float = 0.3,
        word_timestamps: bool = False,
        listens: Listens = Listens.SPEECH,
        finalizes: bool = True,
        judges_turns: bool = False,
        ends_after: float | None = None,
        send_delay: float = 0.0,
        fails_to_open: bool = False,
        fails_after: float | None = None,
        hangs: bool = False,
        name: str = "scripted",
        cycle: bool = False,
        error: Exception | None = None,
        network_delay: float = 0.0,
    ) -> None:
        self.name = name
        self.cycle = cycle
        self.error = error
        self.network_delay = network_delay
        self.transcripts = tuple(transcripts)
        self.sample_rate = sample_rate
        self.delay = delay
        self.interim_results = interim
        self.word_duration = word_duration
        self.word_timestamps = word_timestamps
        self.listens = listens
        self.finalizes = finalizes
        self.judges_turns = judges_turns
        self.ends_after = ends_after
        self.send_delay = send_delay
        self.fails_to_open = fails_to_open
        self.fails_after = fails_after
        self.hangs = hangs
        self.p99_delay = delay
        self.streams: list[ScriptedSTTStream] = []
        self._closed = False

    async def open_stream(self) -> ScriptedSTTStream:
        if self._closed:
            raise ClosedError("this ScriptedSTT was closed; make a new one")
        if self.network_delay:
            await asyncio.sleep(self.network_delay)
        if self.error is not None:
            raise self.error
        if self.fails_to_open:
            raise ProviderError(
                f"the script of STT {self.name!r} says that no stream can be had", retryable=True
            )
        stream = ScriptedSTTStream(self)
        self.streams.append(stream)
        return stream

    async def aclose(self) -> None:
        self._closed = True


class ScriptedSTTStream(STTStream):
    """A stream of `ScriptedSTT`.

    Attributes:
        frames: what was sent, in order.
        finalized_at: the loop's times at which `finalize` was called.
        closed: whether `aclose` was called.
    """

    def __init__(self, stt: ScriptedSTT) -> None:
        self.frames: list[AudioFrame] = []
        self.finalized_at: list[float] = []
        self.closed = False
        self._stt = stt
        self._loop = asyncio.get_running_loop()
        self._script = deque(stt.transcripts)
        self._due: deque[tuple[float, Transcript]] = deque()
        self._changed = asyncio.Event()
        self._sent_samples = 0
        self._speech: tuple[int, int] | None = None
        self._audible_samples = 0
        self._interim_words = 0
        self._failed = False

    def append(self, text: str) -> None:
        """Add the text of a further utterance to the script."""
        self._script.append(text)

    async def send(self, frame: AudioFrame) -> None:
        self._check_usable()
        if self._stt.send_delay:
            await asyncio.sleep(self._stt.send_delay)
            self._check_usable()
        self._take(frame)

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._check_usable()
        if self._stt.send_delay:
            return False
        self._take(frame)
        return True

    async def finalize(self) -> None:
        self._check_usable()
        self.finalized_at.append(self._loop.time())
        if self._stt.finalizes:
            self._end_utterance(answers_finalize=True)

    async def receive(self) -> Transcript:
        while True:
            if self._stt.error is not None:
                raise self._stt.error
            if self._failed and not self._due:
                raise ProviderError("the script says that the stream broke down", retryable=True)
            if self.closed:
                raise ClosedError("this stream was closed")
            if self._due and self._due[0][0] <= self._loop.time():
                return self._due.popleft()[1]
            await self._wait_for_change(self._due[0][0] if self._due else None)

    def break_down(self) -> None:
        """Fail from now on; transcripts not yet given are lost."""
        self._failed = True
        self._due.clear()
        self._changed.set()

    async def aclose(self) -> None:
        self.closed = True
        self._changed.set()

    async def _wait_for_change(self, due: float | None) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout_at(due):
                await self._changed.wait()
        except TimeoutError:
            return

    def _check_usable(self) -> None:
        if self.closed:
            raise ClosedError("this stream was closed; open a new one")
        if self._stt.error is not None:
            raise self._stt.error
        if self._failed:
            raise ProviderError("the script says that the stream broke down", retryable=True)

    def _take(self, frame: AudioFrame) -> None:
        self.frames.append(_copy(frame))
        start = self._sent_samples
        self._sent_samples += len(frame)
        if peak(frame.samples) >= AUDIBLE:
            self._speech = (self._speech[0] if self._speech else start, self._sent_samples)
            self._audible_samples += len(frame)
            self._give_interims()
        elif self._speech and self._lasts(self._sent_samples - self._speech[1], self._stt.ends_after):
            self._end_utterance(answers_finalize=False)
        if self._lasts(self._sent_samples, self._stt.fails_after):
            self._failed = True
            self._changed.set()

    def _lasts(self, samples: int, duration: float | None) -> bool:
        return duration is not None and samples >= duration * self._stt.sample_rate

    def _give_interims(self) -> None:
        words = self._script[0].split() if self._script else []
        said = int(self._audible_samples / self._stt.sample_rate / self._stt.word_duration)
        while self._stt.interim_results and self._interim_words < min(said, len(words)):
            self._interim_words += 1
            text = " ".join(words[: self._interim_words])
            self._give(Transcript(text, final=False, end_of_turn=False if self._stt.judges_turns else None))

    def _end_utterance(self, *, answers_finalize: bool) -> None:
        text = self._script.popleft() if self._speech and self._script else ""
        if self._stt.cycle and not self._script:
            self._script.extend(self._stt.transcripts)
        start, end = self._speech or (None, None)
        rate = self._stt.sample_rate
        words = _spread(text, start / rate, end / rate) if start is not None and end is not None else ()
        self._give(
            Transcript(
                text,
                final=True,
                start=None if start is None else start / rate,
                end=None if end is None else end / rate,
                words=words if self._stt.word_timestamps else (),
                answers_finalize=answers_finalize,
                end_of_turn=bool(text) if self._stt.judges_turns else None,
            )
        )
        self._speech = None
        self._audible_samples = self._interim_words = 0

    def _give(self, transcript: Transcript) -> None:
        if not self._stt.hangs:
            self._due.append((self._loop.time() + self._stt.delay, transcript))
            self._changed.set()


def _spread(text: str, start: float, end: float) -> tuple[Word, ...]:
    words = text.split()
    length = (end - start) / max(1, len(words))
    return tuple(Word(w, start + i * length, start + (i + 1) * length) for i, w in enumerate(words))


def _copy(frame: AudioFrame) -> AudioFrame:
    """Copy a frame, whose buffer is not ours once it has been taken."""
    return type(frame)(frame.samples.copy(), frame.sample_rate, frame.position)
