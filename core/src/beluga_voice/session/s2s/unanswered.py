"""What the caller said that a model has not begun to answer: a stream that takes another's place hears it again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import CallerMessage

KEPT = 60.0
"""Seconds of the caller's audio that are kept at most; at 24 kHz they take 2.9 MB."""

QUIET = 0.5
"""Seconds of audio that are kept while nobody speaks: speech is found some time after it began."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The audio before it was committed, under this number."""

    number: int


Kept: TypeAlias = AudioFrame | CallerMessage | Commit


class Unanswered:
    """Sound, or words where they are known, oldest first.

    Args:
        sample_rate: of the audio, in Hz.

    Attributes:
        samples: of all the audio that is kept.
    """

    def __init__(self, sample_rate: int) -> None:
        self.samples = 0
        self._rate = sample_rate
        self._kept: deque[Kept] = deque()
        self._asked: deque[int] = deque()

    @property
    def items(self) -> tuple[Kept, ...]:
        """All that is kept."""
        return tuple(self._kept)

    @property
    def holds_speech(self) -> bool:
        """Whether it is more than the latest moments of silence."""
        return self.samples > QUIET * self._rate or any(not isinstance(i, AudioFrame) for i in self._kept)

    def add(self, item: Kept, *, quiet: bool = False) -> None:
        """Keep something; of audio while it is `quiet`, the latest alone."""
        self._kept.append(item)
        if isinstance(item, AudioFrame):
            self.samples += len(item)
            most = (QUIET if quiet else KEPT) * self._rate
            while self.samples > most and self._kept and isinstance(self._kept[0], AudioFrame):
                self._drop_first()

    def transcribed(self, number: int, text: str) -> None:
        """The words of a commit are known: they stand for its audio."""
        at = next((i for i, item in enumerate(self._kept) if item == Commit(number)), None)
        if at is None:
            return
        before = [item for i, item in enumerate(self._kept) if i < at and not isinstance(item, AudioFrame)]
        words = [CallerMessage(text)] if text else []
        after = [item for i, item in enumerate(self._kept) if i > at]
        shrunk = at + 1 - len(before) - len(words)
        self._asked = deque(max(0, place - shrunk) if place > at else 0 for place in self._asked)
        self._kept = deque([*before, *words, *after])
        self.samples = sum(len(item) for item in self._kept if isinstance(item, AudioFrame))

    def asked(self) -> None:
        """The model is asked to answer what there is so far."""
        self._asked.append(len(self._kept))

    def answered(self) -> None:
        """The model has begun to answer what there was when it was asked last; all there is, if nobody asked it."""
        count = self._asked[-1] if self._asked else len(self._kept)
        self._asked.clear()
        for _ in range(min(count, len(self._kept))):
            self._drop_first()

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
        self._asked.clear()
        self.samples = 0

    def _drop_first(self) -> None:
        item = self._kept.popleft()
        if isinstance(item, AudioFrame):
            self.samples -= len(item)
        self._asked = deque(max(0, place - 1) for place in self._asked)
