"""What a speech-to-speech model says that the caller said, as transcripts in the order of the commits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from beluga_voice.contracts import Transcript, s2s
from beluga_voice.errors import ProviderError

NAMES = 64
"""Commits and finals that are remembered, to know again what comes late or twice."""


class Words:
    """Takes a model's transcripts, and gives them to who receives.

    Each commit is answered once, in order: where an answer overtakes another, the other counts as empty, and its
    words are given when they come, with their times.

    Args:
        sample_rate: of the audio that the model is sent, in Hz.
        ends_alone: whether the end of a turn is told without words, too; else with the words that follow.
        known: called when the words of a commit have come.
    """

    def __init__(self, sample_rate: int, *, ends_alone: bool, known: Callable[[int, str], None]) -> None:
        self._rate = sample_rate
        self._ends_alone = ends_alone
        self._known = known
        self._given: deque[Transcript] = deque()
        self._changed = asyncio.Event()
        self._failure: ProviderError | None = None
        self._count = 0
        self._owed: deque[int] = deque()
        self._overtaken: set[int] = set()
        self._spans: dict[int, tuple[float, float]] = {}
        self._items: deque[str] = deque(maxlen=NAMES)
        self._turn_over = False

    def commit(self, sent: int) -> int:
        """Number a commit of the audio up to sample `sent`."""
        self._count += 1
        number = self._count
        self._owed.append(number)
        self._spans[number] = (self._spans.get(number - 1, (0.0, 0.0))[1], sent / self._rate)
        self._spans.pop(number - NAMES, None)
        return number

    def begin_stream(self, repeated: list[int]) -> None:
        """Of a stream that broke nothing comes any more; the next one answers the commits that are `repeated`."""
        self._items.clear()
        while self._owed and self._owed[0] not in repeated:
            self._answer(self._owed[0], "")

    def take(self, event: s2s.InputTranscript, base: float) -> None:
        """Take a transcript of a stream that began `base` seconds into the audio sent."""
        number = event.commit if event.final else 0
        if event.final and event.item:
            if event.item in self._items:
                return
            self._items.append(event.item)
        start = None if event.start is None else event.start + base
        end = None if event.end is None else event.end + base
        if start is None and number in self._spans:
            start, end = self._spans[number]
        if number in self._owed:
            self._known(number, event.text)
            self._answer(number, event.text, start, end)
        elif not number or number in self._overtaken:
            self._overtaken.discard(number)
            ends = True if event.final and self._turn_over else None
            self._turn_over = self._turn_over and not event.final
            self._give(Transcript(event.text, event.final, start, end, end_of_turn=ends))

    def end_turn(self) -> None:
        """The model takes the caller's turn for complete."""
        if self._ends_alone:
            self._give(Transcript("", final=True, end_of_turn=True))
        else:
            self._turn_over = True  # told with the words, without which nobody can answer

    def _answer(self, number: int, text: str, start: float | None = None, end: float | None = None) -> None:
        while self._owed and self._owed[0] < number:
            self._overtaken.add(self._owed.popleft())
            self._give(Transcript("", final=True, answers_finalize=True))
        self._owed.popleft()
        self._give(Transcript(text, final=True, start=start, end=end, answers_finalize=True))

    def _give(self, transcript: Transcript) -> None:
        self._given.append(transcript)
        self._changed.set()

    def fail(self, error: ProviderError) -> None:
        """There is no model any more."""
        self._failure = error
        self._changed.set()

    async def receive(self) -> Transcript:
        """Wait for what the caller said.

        Raises:
            ProviderError: there is no model any more.
        """
        while not self._given:
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()
        return self._given.popleft()
