"""The recognizer: keys as words, final after a pause."""

from __future__ import annotations

import asyncio
from collections import deque

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STT, Listens, STTStream, Transcript, Word
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice_keypad.settings import KeypadSettings
from beluga_voice_keypad.tones import Key, KeyFinder

UNREAD = 100
"""Transcripts that are kept for a slow reader; beyond, the oldest give way."""


class KeypadSTT(STT):
    """Hears the keys of a telephone.

    It listens to all audio: the tones of keys are no speech, and a VAD need not find them.
    """

    listens = Listens.ALL
    finalizes = True
    interim_results = True
    word_timestamps = True

    def __init__(self, settings: KeypadSettings | None = None) -> None:
        self.settings = settings or KeypadSettings()
        self.p99_delay = self.settings.pause
        self._closed = False

    async def open_stream(self) -> KeypadStream:
        """Open a stream for one session."""
        if self._closed:
            raise ClosedError("this KeypadSTT was closed; make a new one")
        return KeypadStream(self)

    async def aclose(self) -> None:
        """Open no more streams."""
        self._closed = True


class KeypadStream(STTStream):
    """One caller's keys."""

    def __init__(self, stt: KeypadSTT) -> None:
        self._rate = stt.sample_rate
        self._pause = stt.settings.pause
        self._finder = KeyFinder(stt.sample_rate, stt.settings.purity)
        self._keys: list[Key] = []
        self._unread: deque[Transcript] = deque(maxlen=UNREAD)
        self._changed = asyncio.Event()
        self._closed = False

    async def send(self, frame: AudioFrame) -> None:
        self._take(frame)

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._take(frame)
        return True

    async def finalize(self) -> None:
        self._check()
        self._give(final=True, answers=True)

    async def receive(self) -> Transcript:
        while not self._unread:
            self._check()
            self._changed.clear()
            await self._changed.wait()
        self._check()
        return self._unread.popleft()

    async def aclose(self) -> None:
        self._closed = True
        self._changed.set()

    def _take(self, frame: AudioFrame) -> None:
        self._check()
        if frame.sample_rate != self._rate:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; this stream takes {self._rate} Hz")
        for key in self._finder.find(frame.samples):
            self._keys.append(key)
            self._give(final=False)
        if self._keys and self._finder.seconds - self._keys[-1].end >= self._pause:
            self._give(final=True)

    def _give(self, *, final: bool, answers: bool = False) -> None:
        """Hand out what was keyed; a final begins anew."""
        words = tuple(Word(key.name, key.start, key.end) for key in self._keys)
        text = " ".join(word.text for word in words)
        start, end = (words[0].start, words[-1].end) if words else (None, None)
        self._unread.append(Transcript(text, final, start, end, words if final else (), answers))
        self._changed.set()
        if final:
            self._keys.clear()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
