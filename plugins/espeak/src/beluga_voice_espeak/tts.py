# SPDX-License-Identifier: GPL-3.0-or-later
"""The espeak-ng voice as a provider."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from beluga_voice.clock import working
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError
from beluga_voice.sentences import SentenceSplitter
from beluga_voice_espeak.assembly import Assembler, is_spoken
from beluga_voice_espeak.engine import Engine
from beluga_voice_espeak.library import Library, Manner, WordStart
from beluga_voice_espeak.settings import EspeakSettings

_MAX_PIECE = 200
"""Characters said in one call of the library; bounds what is held in memory and how long others wait."""

_UNSAFE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2800-\\u28ff\\ud800-\\udfff\\ue000-\\uf8ff\\ufffe\\uffff\U000f0000-\U0010ffff]"
)
"""Taken for spaces: controls, lone surrogates, private use; and Braille, whose names overflow a buffer of the
library in Arabic, Finnish and other voices, which ends the process."""

_CLAUSE_END = re.compile(r"[,;:،؛、，；：–—-][^\w\s]*\s*$")
_SENTENCE_END = re.compile(r"[.!?…。！？][^\w\s]*\s*$|\n\s*$")


class EspeakTTS(TTS):
    """Speaks with espeak-ng, in this process, offline.

    All providers of a process share one instance of the library and its thread, which speaks one piece of
    text at a time, some hundred times as fast as real time.
    """

    sample_rate = 22050
    word_timestamps = True
    honours = frozenset({"voice", "speed"})  # less loud by the session: of silence this one would trim all

    def __init__(self, settings: EspeakSettings | None = None) -> None:
        """Make a provider; nothing is loaded before `open`."""
        self._settings = settings or EspeakSettings()
        self._manner = Manner(
            voice=self._settings.voice,
            rate=self._settings.rate,
            pitch=self._settings.pitch,
            volume=self._settings.volume,
            word_gap=round(self._settings.word_gap * 100),
        )
        self._engine: Engine | None = None
        self._streams: set[EspeakStream] = set()

    async def open(self) -> None:
        """Load the library and the voice.

        Raises:
            ProviderError: the library or its data cannot be loaded.
            ConfigurationError: there is no such voice.
        """
        engine = Engine.acquire()
        try:
            loop = asyncio.get_running_loop()
            with working("espeak: loading the voice"):
                self.sample_rate = await loop.run_in_executor(engine.executor, engine.call, self._load)
        except BaseException:
            engine.release()
            raise
        self._engine = engine

    def _load(self, library: Library) -> int:
        library.use(self._manner)
        return library.sample_rate

    async def open_stream(self) -> EspeakStream:
        """Open a stream for one session.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if self._engine is None:
            raise ClosedError(
                "the espeak provider is not open; use it within `async with` or call open() first"
            )
        stream = EspeakStream(
            self._engine, self._manner, self.sample_rate, self._settings.pause, self._streams
        )
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """Close the streams and give the library back; the last provider's thread ends."""
        for stream in list(self._streams):
            await stream.aclose()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.release()


class EspeakStream(TTSStream):
    """One session's voice."""

    def __init__(
        self, engine: Engine, manner: Manner, sample_rate: int, pause: float, streams: set[EspeakStream]
    ) -> None:
        self._engine = engine
        self._manner = manner
        self._sample_rate = sample_rate
        self._pause = pause
        self._streams = streams
        self._said: set[_Said] = set()
        self._closed = False

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text`, a sentence or at most 200 characters at a time, yielding 60 ms of audio or less.

        Raises:
            ClosedError: after `aclose`, when iterated.
            ConfigurationError: there is no such voice.
            ProviderError: the library failed; what was yielded before is valid.
        """
        self._check_open()
        assembler = Assembler(self._sample_rate)
        manner = _as_asked(self._manner, options)
        for piece, last in _pieces(text):
            said = _Said(manner, assembler, piece, self._pause * _share_of_pause(piece, last))
            self._said.add(said)
            try:
                self._engine.submit(said.say)
                while (part := await said.next()) is not None:
                    yield part
                    self._check_open()
            finally:
                said.aborted = True
                self._said.discard(said)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the espeak stream is closed")

    async def aclose(self) -> None:
        """End the stream; a synthesis that is going on raises `ClosedError`."""
        self._closed = True
        self._streams.discard(self)
        for said in self._said:
            said.abort()


def _as_asked(manner: Manner, options: SpeechOptions) -> Manner:
    """Change the voice and the speed, the latter as far as the library can: 80 to 450 words per minute."""
    rate = round(manner.rate * (options.speed or 1.0))
    return replace(manner, voice=options.voice or manner.voice, rate=min(max(rate, 80), 450))


def _share_of_pause(piece: str, last: bool) -> float:
    """Say how much of the pause follows `piece`: all after a sentence or the text, half after a clause."""
    if _CLAUSE_END.search(piece):
        return 0.5
    return 1.0 if last or _SENTENCE_END.search(piece) else 0.0


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Split into what the library gets in one call, and tell which is the last; nothing that is not spoken.

    Lazy, so that a megabyte does not hold up the loop.
    """
    before = None
    for piece in filter(is_spoken, _split(text)):
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True


def _split(text: str) -> Iterator[str]:
    splitter = SentenceSplitter(first_min=_MAX_PIECE, max_length=_MAX_PIECE)
    for start in range(0, len(text), _MAX_PIECE):
        yield from splitter.feed(_UNSAFE.sub(" ", text[start : start + _MAX_PIECE]))
    yield from splitter.flush()


class _Said:
    """One piece of text on its way from the engine's thread to the loop."""

    def __init__(self, manner: Manner, assembler: Assembler, piece: str, pause: float) -> None:
        self.aborted = False  # read by the engine's thread at each chunk
        self._manner = manner
        self._assembler = assembler
        self._piece = piece
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._called = False  # a call of `_wake` is under way
        self._parts: deque[Speech | BaseException | None] = deque()

    def abort(self) -> None:
        """End the synthesis within one chunk, and the waiting for it. On the loop's thread."""
        self.aborted = True
        self._parts.append(ClosedError("the espeak stream is closed"))
        self._arrived.set()

    async def next(self) -> Speech | None:
        """Wait for the next part; None at the end of the piece.

        Raises:
            ProviderError: the library failed.
            ClosedError: after `abort`.
        """
        while not self._parts:
            self._arrived.clear()
            with working("espeak: speaking"):
                await self._arrived.wait()
        part = self._parts.popleft()
        if isinstance(part, BaseException):
            raise part
        return part

    def say(self, library: Library) -> None:
        """Speak the piece. Runs in the engine's thread."""
        if self.aborted:
            return
        try:
            library.use(self._manner)
            self._assembler.begin(self._piece)
            library.speak(self._piece, self._take)
            part = self._assembler.end(self._pause)
            if part is not None:
                self._put(part)
            self._put(None)
        except Exception as error:  # noqa: BLE001 - goes to the loop, where it is raised
            self._put(error)

    def _take(self, samples: NDArray[np.int16], starts: list[WordStart]) -> bool:
        part = self._assembler.add(samples, starts)
        if part is not None:
            self._put(part)
        return not self.aborted

    def _put(self, part: Speech | BaseException | None) -> None:
        """Hand a part to the loop, with one call for all that arrive before it looks."""
        self._parts.append(part)
        if self._called:
            return
        self._called = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop was closed before the generator
            self.aborted = True

    def _wake(self) -> None:
        self._called = False  # first: what is put after this calls again
        self._arrived.set()
