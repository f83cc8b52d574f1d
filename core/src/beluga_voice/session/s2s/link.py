"""A session's link to a speech-to-speech model: one stream at a time, and what outlives it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    S2S,
    CallerMessage,
    S2SSetup,
    S2SStream,
    ToolMessage,
    Usage,
    s2s,
)
from beluga_voice.contracts.llm import AssistantMessage, LLMMessage
from beluga_voice.errors import (
    BelugaVoiceError,
    ClosedError,
    ContractError,
    ProviderError,
    ProviderTimeoutError,
)
from beluga_voice.session.closing import close_within
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.retries import Retries
from beluga_voice.session.s2s.outbox import Outbox, RenewalDue
from beluga_voice.session.s2s.requests import Command, Requests
from beluga_voice.session.s2s.responses import Response, Sink
from beluga_voice.session.s2s.unanswered import Commit, Unanswered
from beluga_voice.session.s2s.words import Words

TRIES = 3
"""How often a response is asked for whose stream breaks before anything of it has come."""

LOOK = 0.1
"""Seconds between two looks whether nobody speaks, when a stream is to be renewed."""

EARLY = 0.001
"""Seconds by which a loop may fire a timer early: what is due within them is due."""

RENEWS = (0.8, 0.97)
"""Shares of a stream's longest life: from the first on it is renewed when nobody speaks, then in any case."""


class Events(Protocol):
    """What takes what a model hears."""

    def speech_started(self, start: float | None) -> None:
        """The model found speech, at `start` seconds of the audio sent."""

    def speech_stopped(self, end: float | None) -> None:
        """The model found its end."""

    def speak_up(self, response: Response) -> None:
        """The model speaks though nobody asked, and no turn of the caller's is open."""


class Link:
    """One run's conversation with a model, over as many streams as it takes.

    What the session tells it is sent in order. When a stream breaks, the next one begins with the conversation so
    far, and hears again what the caller said since the model began to answer last; a response that had not begun
    to be heard is for whoever waits for it to ask again.

    Args:
        model: whose streams it opens.
        config: how long opening, closing and waiting may take.
        deciding: the session's time, and what is open.
        setup: writes what a stream is told first.
        answers: whether the model answers by itself, and is told what the caller writes.

    Attributes:
        words: what the caller said.
        usage: tokens taken, not yet counted.
        generation: counts the streams.
        events: takes what the model hears; to be set before the first stream is opened.
        written: whether the caller wrote since the last answer was asked for.
    """

    def __init__(
        self,
        model: S2S,
        config: SessionConfig,
        deciding: Deciding,
        setup: Callable[[], S2SSetup],
        *,
        answers: bool,
    ) -> None:
        self.usage: list[Usage] = []
        self.generation = 0
        self.written = False
        self.events: Events
        self._answers = answers
        self._model = model
        self._config = config
        self._deciding = deciding
        self._setup = setup
        self._loop = asyncio.get_running_loop()
        self._stream: S2SStream | None = None
        self._told = S2SSetup()
        most = round(config.hearing_backlog * model.input_sample_rate)
        self._outbox = Outbox(most, config.hearing_backlog)
        self._opened = asyncio.Event()
        self._failure: ProviderError | None = None
        self._kept = Unanswered(model.input_sample_rate)
        self._sent = self._base = 0
        self.words = Words(model.input_sample_rate, ends_alone=answers, known=self._kept.transcribed)
        self._requests = Requests(model, self, config.close_deadline)
        self._asking = asyncio.Lock()
        self._speaking = False
        self._held: deque[AudioFrame] | None = None
        self._taken = 0
        self._renew_at = self._renew_by = 0.0

    # -- life --

    async def open(self) -> None:
        """Open the first stream.

        Raises:
            ProviderError: none can be had, or it is not ready in time.
        """
        self._stream = await self._open_stream()

    async def _open_stream(self) -> S2SStream:
        self._told = setup = self._setup()
        if self._kept.holds_speech:
            self._told = setup = S2SSetup(
                setup.instructions, setup.tools, _without_last_words(setup.history), setup.language
            )
        deadline = self._config.open_deadline
        stream: S2SStream | None = None
        try:
            async with asyncio.timeout(deadline):
                stream = await self._model.open_stream(setup)
                while not isinstance(await stream.receive(), s2s.Ready):
                    pass
        except BaseException as error:
            if stream is not None:
                await close_within(self._config.close_deadline, ("s2s", stream.aclose))
            if isinstance(error, TimeoutError):
                raise ProviderTimeoutError(f"the model was not ready within {deadline:g} s") from None
            if isinstance(error, ClosedError):
                raise _closed() from error
            raise
        self._begin_stream()
        return stream

    def _begin_stream(self) -> None:
        """Give the new stream what is not in its setup: what the caller said since the last answer."""
        now, longest = self._loop.time(), self._model.max_session
        self.generation += 1
        self._renew_at = now + longest * RENEWS[0] if longest else math.inf
        self._renew_by = now + longest * RENEWS[1] if longest else math.inf
        self._base = self._sent - self._kept.samples
        self._outbox.begin()
        self.words.begin_stream([item.number for item in self._kept.items if isinstance(item, Commit)])
        for item in self._kept.items:
            self._resend(item)
        self._opened.set()

    def _resend(self, item: AudioFrame | CallerMessage | Commit) -> None:
        if isinstance(item, AudioFrame):
            self.post(lambda stream: stream.send(item))
        elif isinstance(item, Commit):
            number = item.number
            self.post(lambda stream: stream.commit(number))
        else:
            message = item
            self.post(lambda stream: stream.add(message))

    async def run(self) -> None:
        """Send and receive until cancelled, over the stream that is open or a new one."""
        retries = Retries(self._config, self._deciding.session_id)
        while True:
            taken = self._taken
            error = await self._run_once()
            if self._deciding.ended.done():
                return
            if error is None or self._taken > taken:
                retries.succeed()
            if error is None:
                continue
            pause = retries.next_pause() if error.retryable else None
            if pause is None:
                self._give_up(error)
                return
            self._deciding.failed("s2s", error)
            await asyncio.sleep(pause)

    async def _run_once(self) -> ProviderError | None:
        """Run one stream; returns why it broke, None if it is to be renewed."""
        why: ProviderError | None = None
        try:
            if self._stream is None:
                self._stream = await self._open_stream()
            stream = self._stream
            async with asyncio.TaskGroup() as group:
                group.create_task(self._outbox.run(stream), name="beluga-voice s2s send")
                group.create_task(self._receive_all(stream), name="beluga-voice s2s receive")
        except* RenewalDue:
            pass
        except* (ProviderError, ClosedError) as errors:
            why = _as_failure(errors)
        finally:
            self._opened.clear()
        self._requests.lose(str(why) if why else "it was renewed")
        await self._close_stream()
        return why

    def _give_up(self, error: ProviderError) -> None:
        self._failure = ProviderError(str(error))
        self._opened.set()
        self.words.fail(self._failure)

    async def aclose(self) -> None:
        """Close the stream that is open, if any; nothing waits any more."""
        self._requests.close()
        await self._close_stream()

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await close_within(self._config.close_deadline, ("s2s", stream.aclose))

    # -- what the model is told --

    def hear(self, frame: AudioFrame) -> None:
        """Send a frame of the caller's audio. It is not retained: what is kept is a copy."""
        frame = AudioFrame(frame.samples.copy(), frame.sample_rate, frame.position)
        if self._held is not None:
            self._held.append(frame)
            return
        self._sent += len(frame)
        quiet = not self._speaking and self._deciding.state.turn is None and not self._requests.owes_answer
        self._kept.add(frame, quiet=quiet)
        self._post_frame(frame)

    def commit(self) -> None:
        """Ask for the words of the audio so far; what comes until the caller speaks again is no speech."""
        number = self.words.commit(self._sent)
        self._kept.add(Commit(number))
        self.post(lambda stream: stream.commit(number))
        if not self._speaking and self._held is None:
            self._held = deque()

    def add(self, message: CallerMessage | AssistantMessage) -> None:
        """Add to the conversation."""
        if isinstance(message, CallerMessage):
            self._kept.add(message)
        self.post(lambda stream: stream.add(message))

    def give(self, result: ToolMessage) -> None:
        """Give the result of a call that the open stream asked for."""
        self.post(lambda stream: stream.send_result(result))

    def truncate(self, response: Response, samples: int) -> None:
        """Let the model forget what nobody heard of a response, which is over or was abandoned."""
        if self._model.truncates and response.generation == self.generation:
            self.post(lambda stream: stream.truncate(response.name, samples))

    async def instruct(self, setup: S2SSetup) -> bool:
        """Have the model follow other instructions, with other tools, from now on; whether it took a new stream."""
        await self._opened.wait()
        told = self._told
        if (setup.instructions, setup.tools) == (told.instructions, told.tools):
            return False
        if self._model.updates:
            self._told = S2SSetup(setup.instructions, setup.tools, told.history, told.language)
            self.post(lambda stream: stream.update(setup.instructions, setup.tools))
            return False
        await self.renew()
        return True

    async def renew(self) -> None:
        """Open another stream in the place of this one: it begins with the conversation as it is now."""
        self._opened.clear()
        self._outbox.end()
        await self._opened.wait()

    def see(self, event: ev.Event) -> None:
        """Watch the session: what is written is told; what is quiet after a commit is not sent."""
        match event:
            case ev.SpeechStarted():
                self._speaking = True
                self._release(drop=False)
            case ev.SpeechStopped():
                self._speaking = False
            case ev.TextReceived() if event.text.strip():
                self._write(event.text.strip())
            case ev.DtmfEntered() if self._deciding.state.policy.dtmf == "turns":
                self._write(event.text)
            case ev.TurnClosed() | ev.TurnDropped() | ev.TurnCommitted():
                self._release(drop=True)
                if isinstance(event, ev.TurnDropped):
                    self._dropped()

    def _dropped(self) -> None:
        """Nobody answers what the caller said last."""
        self._requests.drop_unclaimed()
        if not self._requests.owes_answer:
            self._kept.clear()

    def _write(self, text: str) -> None:
        if self._answers:
            self.written = True
            self.add(CallerMessage(text))

    def _release(self, *, drop: bool) -> None:
        held, self._held = self._held, None
        for frame in () if drop or held is None else held:
            self.hear(frame)

    def _post_frame(self, frame: AudioFrame) -> None:
        if self._opened.is_set():  # else it is kept for the next stream
            self._outbox.post(lambda stream: stream.send(frame), len(frame))

    def post(self, command: Command) -> None:
        """Tell the model something, after all that was told before."""
        self._outbox.post(command)

    # -- what it is asked --

    async def respond(self, sink: Sink, *, spoken: bool) -> Response:
        """Ask for an answer to all so far; where the model answers by itself what was `spoken`, wait for that.

        Raises:
            ProviderError: there is no model any more.
        """
        async with self._asking:
            await self._wait_free()
            spoken, self.written = spoken and not self.written, False
            by_itself = spoken and self._model.responds_by_itself
            response = self._requests.claim(sink) if by_itself else self._requests.respond(sink)
            if not response.begun:
                self._kept.asked()
            return response

    async def say(self, sink: Sink, text: str) -> Response:
        """Ask for a text to be spoken.

        Raises:
            ProviderError: there is no model any more, or it speaks no given texts.
        """
        if not self._model.says:
            raise ProviderError("the model does not speak texts that it is given")
        async with self._asking:
            await self._wait_free()
            return self._requests.say(sink, text)

    async def _wait_free(self) -> None:
        """One response at a time: wait until the latest is over, or was given up."""
        await self._requests.wait_free()
        await self._opened.wait()
        if self._failure is not None:
            raise self._failure

    def abandon(self, response: Response) -> None:
        """Nobody wants it any more. Idempotent."""
        self._requests.abandon(response)

    # -- what it tells --

    async def _receive_all(self, stream: S2SStream) -> None:
        while True:
            limit = asyncio.timeout_at(None if self._renew_at == math.inf else self._renew_at)
            try:
                async with limit:
                    event = await stream.receive()
            except TimeoutError:
                if not limit.expired():
                    raise
                self._renew()
                continue
            self._taken += 1
            self._take(event)

    def _renew(self) -> None:
        now, state = self._loop.time(), self._deciding.state
        busy = state.turn is not None or state.utterances or self._requests.busy
        if not busy or now >= self._renew_by - EARLY:
            raise RenewalDue
        self._renew_at = min(now + LOOK, self._renew_by)

    def _take(self, event: object) -> None:
        match event:
            case s2s.Ready():
                pass
            case s2s.SpeechStarted():
                self.events.speech_started(self._seconds(event.start))
            case s2s.SpeechStopped():
                self.events.speech_stopped(self._seconds(event.end))
            case s2s.TurnEnded():
                self._end_turn()
            case s2s.InputTranscript():
                self.words.take(event, self._base / self._model.input_sample_rate)
            case s2s.UsageReported():
                self.usage.append(event.usage)
            case s2s.GoingAway():
                now = self._loop.time()
                self._renew_at, self._renew_by = now, now + event.within * RENEWS[0]
            case _ if self._requests.take(event):
                pass
            case s2s.ErrorReported():
                self._deciding.failed("s2s", ProviderError(event.message))
            case _:
                kind = type(event).__name__
                strange = f"the model gave an event of type {kind}, which is none of the contract's"
                self._deciding.failed("s2s", ContractError(strange))

    def _seconds(self, seconds: float | None) -> float | None:
        """Of all the audio sent, from those of this stream's."""
        return None if seconds is None else seconds + self._base / self._model.input_sample_rate

    def _end_turn(self) -> None:
        if self._speaking:
            self.events.speech_stopped(None)
        self.words.end_turn()

    def answers(self) -> None:
        """The model has begun to answer: what the caller said until it was asked is not to be heard again."""
        self._kept.answered()

    def offers(self, response: Response) -> None:
        """A model that answers takes the caller's turn for complete; where none is open it speaks for itself."""
        state = self._deciding.state
        if state.turn is not None or state.reply is not None:
            self._end_turn()
            self._requests.keep_unclaimed(response)
        else:
            self._requests.unclaimed = None
            self.events.speak_up(response)


def _closed() -> ProviderError:
    return ProviderError("the model closed its stream", retryable=True)


def _as_failure(errors: BaseExceptionGroup[BelugaVoiceError]) -> ProviderError:
    """The first of them; a stream that the vendor has closed has failed."""
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return _closed() if isinstance(first, ClosedError) else cast("ProviderError", first)


def _without_last_words(history: tuple[LLMMessage, ...]) -> tuple[LLMMessage, ...]:
    """The conversation without what the caller said last, which the model is to hear for itself."""
    end = len(history)
    while end and isinstance(history[end - 1], CallerMessage):
        end -= 1
    return history[:end]
