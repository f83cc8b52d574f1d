"""What a speech-to-speech model answers, as it comes: one response at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import ToolCall
from beluga_voice.errors import ProviderError
from beluga_voice.words import Word


class LostError(ProviderError):
    """The stream broke before the response was over."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the model's stream broke in mid-response: {why}", retryable=True)


class Sink(Protocol):
    """What takes a response's sound and words, at once and in order, and never waits."""

    def begin(self, response: Response) -> None:
        """A response begins, whose sound and words follow."""

    def put(self, frame: AudioFrame) -> None:
        """Take audio.

        Raises:
            ContractError: it is not what the model declares.
        """

    def tell(self, text: str, words: tuple[Word, ...]) -> None:
        """Take words of the audio; they may come after the last of it."""


class Response:
    """One response: asked for, begun, over.

    Attributes:
        request: the number it was asked for with; 0 if the model began by itself.
        name: the vendor's; empty until it begins.
        generation: of the stream that it begins on; 0 until then.
        spoken: whether audio of it has come.
        given: whether words or calls of it have come.
        over: nothing of it follows but late words.
        abandoned: nobody wants it any more.
    """

    def __init__(self, request: int, sink: Sink | None = None) -> None:
        self.request = request
        self.name = ""
        self.generation = 0
        self.spoken = False
        self.given = False
        self.abandoned = False
        self._sink = sink
        self._early: list[AudioFrame | tuple[str, tuple[Word, ...]]] = []
        self._told: deque[str | ToolCall] = deque()
        self._calls: set[str] = set()
        self._error: Exception | None = None
        self._over = False
        self._changed = asyncio.Event()
        self.done = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether anything of it has come."""
        return self.spoken or self.given

    @property
    def over(self) -> bool:
        """Whether nothing of it follows but late words."""
        return self._over

    def claim(self, sink: Sink) -> None:
        """Let `sink` take it: what has come already, and what comes."""
        self._sink = sink
        early, self._early = self._early, []
        if self.name:
            sink.begin(self)
        for each in early:
            if isinstance(each, AudioFrame):
                sink.put(each)
            else:
                sink.tell(*each)

    def begin(self, name: str, generation: int) -> None:
        """It begins, under the vendor's name."""
        self.name, self.generation = name, generation
        if self._sink is not None:
            self._sink.begin(self)

    def put(self, frame: AudioFrame) -> None:
        """Take audio; after the end there is none.

        Raises:
            ContractError: it is not what the model declares.
        """
        if self._over or self.abandoned:
            return
        self.spoken = True
        if self._sink is None:
            self._early.append(frame)
        else:
            self._sink.put(frame)

    def tell(self, text: str, words: tuple[Word, ...]) -> None:
        """Take words, also late ones."""
        if self.abandoned:
            return
        self.given = True
        if self._sink is None:
            self._early.append((text, words))
        else:
            self._sink.tell(text, words)
        self._tell(text)

    def call(self, call: ToolCall) -> None:
        """Take a call, once."""
        if not self._over and call.id not in self._calls:
            self._calls.add(call.id)
            self.given = True
            self._tell(call)

    def _tell(self, told: str | ToolCall) -> None:
        if not self._over:
            self._told.append(told)
            self._changed.set()

    def end(self, error: Exception | None = None) -> None:
        """It is over; `error` says what went wrong. Idempotent."""
        if not self._over:
            self._over, self._error = True, error
            self._changed.set()
        self.done.set()

    async def receive(self) -> str | ToolCall | None:
        """Wait for its next words or call; None at its end.

        Raises:
            ProviderError: it failed.
        """
        while not self._told:
            if self._over:
                if self._error is not None:
                    raise self._error
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._told.popleft()
