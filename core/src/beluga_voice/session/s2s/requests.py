"""What a speech-to-speech model is asked to say, and what it says unasked: one response at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from beluga_voice.contracts import S2S, S2SStream, s2s
from beluga_voice.errors import ContractError, ProviderError
from beluga_voice.session.s2s.responses import LostError, Response, Sink

BY_ITSELF = 2.0
"""Seconds that a model which answers by itself may take to begin, then it is asked."""

UNCLAIMED = 10.0
"""Seconds that a response which nobody asked for waits for the caller's turn to close, then it is dropped."""

NAMES = 64
"""Responses whose names are remembered, to know again what comes late or twice."""

Command = Callable[[S2SStream], Awaitable[None]]


class Answer(Response):
    """A response to what the caller said, not to a text that is to be spoken."""


class Stream(Protocol):
    """The stream that is open, as requests use it."""

    generation: int

    def post(self, command: Command) -> None:
        """Tell the model something, after all that was told before."""

    def answers(self) -> None:
        """The model has begun to answer what the caller said up to now."""

    def offers(self, response: Response) -> None:
        """The model has begun to speak though nobody asked."""


class Requests:
    """The responses of one run.

    Args:
        model: what is asked.
        stream: tells it.
        patience: seconds that a response which nobody wants may take to end, then the next is asked for.
    """

    def __init__(self, model: S2S, stream: Stream, patience: float) -> None:
        self.unclaimed: Response | None = None
        self._model = model
        self._stream = stream
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self._count = 0
        self._asked: dict[int, Response] = {}
        self._by_name: dict[str, Response] = {}
        self._current: Response | None = None
        self._expected: Response | None = None

    @property
    def owes_answer(self) -> bool:
        """Whether the model is to answer the caller, and has not begun."""
        waiting = (*self._asked.values(), self._expected)
        return any(isinstance(r, Answer) and not r.abandoned for r in waiting)

    @property
    def busy(self) -> bool:
        """Whether a response is not over."""
        return self._current is not None and not self._current.over

    async def wait_free(self) -> None:
        """Wait until the latest response is over, or was given up."""
        if self._current is not None:
            await self._current.done.wait()

    # -- asking --

    def respond(self, sink: Sink) -> Response:
        """Ask for an answer to all that the model has heard and read."""
        return self._ask(Answer(0, sink), lambda stream, number: stream.respond(number))

    def say(self, sink: Sink, text: str) -> Response:
        """Ask for a text to be spoken."""
        return self._ask(Response(0, sink), lambda stream, number: stream.say(number, text))

    def claim(self, sink: Sink) -> Response:
        """Take the response that the model has begun by itself, or will."""
        response, self.unclaimed = self.unclaimed, None
        if response is None:
            response = self._expected = Answer(0)
            self._later(BY_ITSELF, self._ask_late, response)
        response.claim(sink)
        self._current = response
        return response

    def _ask(self, response: Response, ask: Callable[[S2SStream, int], Awaitable[None]]) -> Response:
        self._count += 1
        number = response.request = self._count
        self._asked[number] = self._current = response
        self._stream.post(lambda stream: ask(stream, number))
        return response

    def _ask_late(self, response: Response) -> None:
        if response is self._expected and not response.abandoned:
            self._ask(response, lambda stream, number: stream.respond(number))

    def abandon(self, response: Response) -> None:
        """Nobody wants it any more. Idempotent."""
        if response.abandoned or response.over:
            return
        response.abandoned = True
        if response is self._expected and not response.request:
            self._expected = None
            response.end()
        elif response.name:
            self._stream.post(lambda stream: stream.cancel(response.name))
        self._later(self._patience, response.done.set)

    def drop_unclaimed(self, response: Response | None = None) -> None:
        """Give up what the model began by itself, or only if that is `response`."""
        dropped = self.unclaimed
        if dropped is not None and response in (None, dropped):
            self.unclaimed = None
            self.abandon(dropped)

    def keep_unclaimed(self, response: Response) -> None:
        """Let what the model began by itself wait for the caller's turn to close."""
        self._later(UNCLAIMED, self.drop_unclaimed, response)

    # -- what comes --

    def take(self, event: object) -> bool:
        """Take an event of a response; whether it was one, or an error that is of none."""
        match event:
            case s2s.ResponseStarted():
                self._started(event)
            case s2s.ResponseAudio():
                self._sounded(event)
            case s2s.ResponseText():
                self._found(event.response, lambda r: r.tell(event.text, event.words), answers=True)
            case s2s.FunctionCalled():
                self._found(event.response, lambda r: r.call(event.call), answers=True)
            case s2s.ResponseDone():
                self._found(event.response, partial(_end, event=event))
            case s2s.ErrorReported() if event.request in self._asked:
                self._asked.pop(event.request).end(ProviderError(event.message))
            case _:
                return False
        return True

    def _found(self, name: str, use: Callable[[Response], None], *, answers: bool = False) -> None:
        """Use the response of that name; what is of none that is known is passed over."""
        response = self._by_name.get(name)
        if response is None:
            return
        if answers and isinstance(response, Answer) and not (response.begun or response.abandoned):
            self._stream.answers()
        use(response)

    def _started(self, event: s2s.ResponseStarted) -> None:
        if event.response in self._by_name:
            return
        response = self._asked.pop(event.request, None)
        if response is None or response.name:
            response = Response(event.request) if event.request else self._by_itself()
            response.abandoned = response.abandoned or bool(event.request)
        elif response is self._expected:
            self._expected = None
        while len(self._by_name) >= NAMES:
            del self._by_name[next(iter(self._by_name))]
        self._by_name[event.response] = response
        response.begin(event.response, self._stream.generation)
        if response.abandoned:
            self._stream.post(lambda stream: stream.cancel(event.response))
        elif response is self.unclaimed:
            self._stream.offers(response)

    def _by_itself(self) -> Response:
        """The response that the model has begun unasked: one that was expected, or a new one."""
        response, self._expected = self._expected, None
        if response is None:
            self.drop_unclaimed()
            response = self.unclaimed = Answer(0)
        return response

    def _sounded(self, event: s2s.ResponseAudio) -> None:
        try:
            self._found(event.response, lambda r: r.put(event.frame), answers=True)
        except ContractError as error:
            broken = error
            self._found(event.response, lambda r: r.end(broken))
            self._stream.post(lambda stream: stream.cancel(event.response))

    # -- the end --

    def lose(self, why: str) -> None:
        """The stream is gone, with all that it had not told."""
        lost = LostError(why)
        for response in (*self._asked.values(), *self._by_name.values(), self._expected, self.unclaimed):
            if response is not None:
                response.end(lost)
        self._asked.clear()
        self._by_name.clear()
        self._expected = self.unclaimed = None

    def close(self) -> None:
        """Nothing is waited for any more."""
        self.lose("the session has ended")
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, delay: float, call: Callable[..., object], *arguments: Response) -> None:
        now = self._loop.time()
        self._timers = [timer for timer in self._timers if timer.when() > now]
        self._timers.append(self._loop.call_later(delay, call, *arguments))


def _end(response: Response, *, event: s2s.ResponseDone) -> None:
    if event.outcome is s2s.ResponseOutcome.FAILED:
        response.end(ProviderError(event.error or "the model's response failed", retryable=True))
    else:
        response.end()
