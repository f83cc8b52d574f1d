"""Where a model's voice goes: into an utterance's track, or to who synthesises a text."""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar

import numpy as np

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Speech
from beluga_voice.errors import ContractError
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.playout import Track
from beluga_voice.session.s2s.responses import Response
from beluga_voice.words import Word

LONGEST = 600.0
"""Seconds of audio of one response, beyond which the model has lost itself."""


class Voiced(str):
    """Words that their model has spoken itself: no TTS is to speak them."""

    __slots__ = ()


class TrackSink:
    """Puts the answers of one utterance into its track, in their order.

    Args:
        utterance: its number.
        track: takes audio and words.
        rate: Hz of the audio.
        deciding: takes the events of what was made.
    """

    def __init__(self, utterance: int, track: Track, rate: int, deciding: Deciding) -> None:
        self._utterance = utterance
        self._track = track
        self._rate = rate
        self._deciding = deciding
        self._samples = 0
        self.parts: list[tuple[Response, int, int]] = []

    def asked(self) -> None:
        """The model owes audio."""
        self._deciding.feed(ev.AudioAwaited(self._deciding.now(), self._utterance))

    def awaited(self) -> None:
        """It owes nothing until tools have ended, and is asked again."""
        self._deciding.feed(ev.TextAwaited(self._deciding.now(), self._utterance))

    def begin(self, response: Response) -> None:
        """Begin another response."""
        self._track.begin("")
        self.parts.append((response, self._samples, 0))

    def put(self, frame: AudioFrame) -> None:
        """Take audio."""
        check(frame, self._rate, self._samples)
        response, start, length = self.parts[-1]
        if not length:
            self._deciding.feed(ev.AudioReceived(self._deciding.now(), self._utterance))
        self._track.put(Speech(frame))
        self._samples += len(frame)
        self.parts[-1] = (response, start, length + len(frame))

    def tell(self, text: str, words: tuple[Word, ...]) -> None:
        """Take words."""
        if not self._track.dropped:
            self._track.tell(text, words)
            self._deciding.report(ev.TextGiven(self._deciding.now(), self._utterance, text))


class SpeechSink:
    """Keeps the audio of a text that is spoken, for who iterates."""

    def __init__(self, rate: int) -> None:
        self.parts: deque[Speech] = deque()
        self.changed = asyncio.Event()
        self._rate = rate
        self._samples = 0

    def begin(self, response: Response) -> None:
        """The model begins to speak."""

    def put(self, frame: AudioFrame) -> None:
        """Take audio."""
        check(frame, self._rate, self._samples)
        self._samples += len(frame)
        self._add(Speech(frame))

    def tell(self, text: str, words: tuple[Word, ...]) -> None:  # noqa: ARG002 - they are known
        """Take the times of words."""
        if words:
            self._add(Speech(AudioFrame(np.zeros(0, np.int16), self._rate, self._samples), words))

    def _add(self, speech: Speech) -> None:
        self.parts.append(speech)
        self.changed.set()


SPEAKING: ContextVar[TrackSink | None] = ContextVar("beluga_voice_speaking", default=None)
"""Where the utterance that is being made in this task is spoken."""


def check(frame: AudioFrame, rate: int, samples: int) -> None:
    """Raise `ContractError` unless the audio, of which `samples` came before, is what a model declares."""
    if frame.sample_rate != rate or frame.samples.dtype != np.int16 or frame.samples.ndim != 1:
        raise ContractError(
            f"the model gave {frame.samples.dtype} of shape {frame.samples.shape} at {frame.sample_rate} Hz; "
            f"it declares mono int16 at {rate} Hz"
        )
    if samples + len(frame) > LONGEST * rate:
        raise ContractError(f"the model gave more than {LONGEST:g} s of audio in one answer")
