"""Does a speech-to-speech model keep the promises of `beluga_voice.contracts.s2s`?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    S2S,
    AssistantMessage,
    CallerMessage,
    S2SSetup,
    S2SStream,
    ToolCall,
    ToolMessage,
    ToolSpec,
    s2s,
)
from beluga_voice.errors import ClosedError
from beluga_voice.testing import sounds
from beluga_voice.testing.conformance import provider
from beluga_voice.testing.conformance.promises import Promises, Running, expect, expect_error, soon
from beluga_voice.testing.conformance.report import Level

WITHIN = 20.0
"""Seconds within which a model answers."""

TOOL = ToolSpec("look_up", "Look something up.", {"type": "object", "properties": {}})
CALLED = (
    CallerMessage("find Zoë and 李雷"),
    AssistantMessage("", (ToolCall("a", "look_up", "{}"),)),
    ToolMessage("a", "look_up", "found \U0001f642"),
    AssistantMessage("Both are here."),
)
SETUPS = (
    S2SSetup(),
    S2SSetup("You answer calls. Be brief.", (TOOL,), language="de"),
    S2SSetup("", (), CALLED),
)


@dataclass(slots=True)
class Case:
    """An open model under check, and a caller's speech at its rate."""

    model: S2S
    speech: NDArray[np.int16]
    running: Running = field(default_factory=Running)

    @asynccontextmanager
    async def talk(self, setup: S2SSetup | None = None) -> AsyncIterator[Talk]:
        """Open a stream that is ready, and close it."""
        stream = await self.model.open_stream(setup or S2SSetup("Be brief."))
        try:
            talk = Talk(stream)
            await talk.until(lambda event: isinstance(event, s2s.Ready), "is ready")
            expect(len(talk.events) == 1, f"{talk.events[0]} came before Ready")
            yield talk
        finally:
            await soon(stream.aclose(), "aclose")

    def frames(self) -> list[AudioFrame]:
        """The caller's speech in frames of 20 ms."""
        return list(sounds.frames(self.speech, self.model.input_sample_rate))


class Talk:
    """A stream, and all events that have come."""

    def __init__(self, stream: S2SStream) -> None:
        self.stream = stream
        self.events: list[s2s.S2SEvent] = []

    async def until(self, is_it: Callable[[s2s.S2SEvent], bool], what: str) -> s2s.S2SEvent:
        """Receive up to the event that is meant."""

        async def receive() -> s2s.S2SEvent:
            while True:
                event = await self.stream.receive()
                expect(isinstance(event, get_args(s2s.S2SEvent)), f"{event!r} came, which is no event")
                self.events.append(event)
                if is_it(event):
                    return event

        return await soon(receive(), f"waiting until the model {what}", WITHIN)

    async def answer(self, request: int) -> list[s2s.S2SEvent]:
        """Receive a response to its end; return its events."""
        before = len(self.events)
        started = await self.until(
            lambda e: isinstance(e, s2s.ResponseStarted) and e.request == request, "begins the response"
        )
        name = started.response if isinstance(started, s2s.ResponseStarted) else ""
        await self.until(
            lambda e: isinstance(e, s2s.ResponseDone) and e.response == name, "ends the response"
        )
        return [event for event in self.events[before:] if getattr(event, "response", None) == name]


promises: Promises[Case] = Promises("beluga_voice.contracts.s2s")


async def check_s2s(make: Callable[[], S2S], speech: NDArray[np.int16] | None = None) -> None:
    """Check that a speech-to-speech model keeps its contract. It answers some ten times: give it a recorded vendor.

    Args:
        make: makes a provider that is not open.
        speech: a caller's sentence, int16 at `S2S.input_sample_rate`, shape ``(n,)``; a synthetic one by default.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(model: S2S) -> None:
        said = sounds.speech_like(1.0, model.input_sample_rate) if speech is None else speech
        await promises.check(Case(model, said), type(model).__name__)

    await provider.check_provider(make, check)
    closed = make()
    await closed.open()
    await closed.aclose()
    await after_close.check(Case(closed, sounds.silence(0.1)), type(closed).__name__)


@promises.made_by("Ready", "is the first event of each stream, whatever its setup")
async def _is_ready(case: Case) -> None:
    for setup in SETUPS:
        async with case.talk(setup):
            pass


@promises.made_by("S2S", "what it declares fits together")
async def _declares_what_fits(case: Case) -> None:
    model = case.model
    expect(
        not model.responds_by_itself or model.detects_turns, "it answers turns whose ends it does not find"
    )
    for rate in (model.input_sample_rate, model.output_sample_rate):
        expect(8000 <= rate <= 48000, f"it declares {rate} Hz")
    expect(model.max_session >= 0, f"max_session is {model.max_session}")


@promises.made_by("S2SStream.respond", "is answered by one response of its number, from its start to its end")
async def _responds(case: Case) -> None:
    async with case.talk() as talk:
        for request in (1, 2):
            await talk.stream.add(CallerMessage("hello"))
            await talk.stream.respond(request)
            answer = await talk.answer(request)
            starts = sum(isinstance(event, s2s.ResponseStarted) for event in answer)
            expect(isinstance(answer[0], s2s.ResponseStarted), f"it began with {answer[0]}")
            expect(starts == 1, f"{starts} events began it")
            done = answer[-1]
            completed = isinstance(done, s2s.ResponseDone) and done.outcome is s2s.ResponseOutcome.COMPLETED
            expect(completed, f"it ended with {done}")


@promises.made_by("ResponseAudio", "is mono int16 at the declared rate, of one sample or more")
async def _speaks(case: Case) -> None:
    async with case.talk() as talk:
        await talk.stream.add(CallerMessage("hello"))
        await talk.stream.respond(1)
        frames = [e.frame for e in await talk.answer(1) if isinstance(e, s2s.ResponseAudio)]
        expect(bool(frames), "no audio came")
        for frame in frames:
            _expect_audio(frame, case.model.output_sample_rate)


@promises.made_by("S2SStream.send", "takes frames of any length, and keeps nothing of them")
async def _takes_any_length(case: Case) -> None:
    rate = case.model.input_sample_rate
    async with case.talk() as talk:
        for frame in sounds.split(case.speech, [1, 7, 333, 4001, len(case.speech)], rate):
            samples = frame.samples.copy()
            await talk.stream.send(AudioFrame(samples, rate, frame.position))
            samples[:] = 12345
        await talk.stream.respond(1)
        await talk.answer(1)


@promises.made_by("S2SStream.commit", "is answered by one final transcript of its number")
async def _transcribes(case: Case) -> None:
    if not (case.model.commits and case.model.transcribes) or case.model.detects_turns:
        return
    async with case.talk() as talk:
        for number in (1, 2):
            for frame in case.frames():
                await talk.stream.send(frame)
            await talk.stream.commit(number)
            await talk.until(_is_final_of(number), f"transcribes commit {number}")
        finals = [
            e.commit for e in talk.events if isinstance(e, s2s.InputTranscript) and e.final and e.commit
        ]
        expect(finals == [1, 2], f"finals of the commits {finals} came")


@promises.made_by("S2SStream.say", "speaks the text, whatever it holds")
async def _says(case: Case) -> None:
    if not case.model.says:
        return
    async with case.talk() as talk:
        for request, text in enumerate(("Hello there.", "Zoë 李雷 «да»", "Again."), 1):
            await talk.stream.say(request, text)
            answer = await talk.answer(request)
            expect(any(isinstance(event, s2s.ResponseAudio) for event in answer), f"{text!r} gave no audio")


@promises.made_by(
    "S2SStream.cancel", "ends a response, and leaves one that is over or unknown as it is", Level.SILVER
)
async def _cancels(case: Case) -> None:
    async with case.talk() as talk:
        await talk.stream.cancel("nobody knows this")
        await talk.stream.add(CallerMessage("hello"))
        await talk.stream.respond(1)
        started = await talk.until(lambda e: isinstance(e, s2s.ResponseStarted), "begins the response")
        name = started.response if isinstance(started, s2s.ResponseStarted) else ""
        await talk.stream.cancel(name)
        await talk.until(
            lambda e: isinstance(e, s2s.ResponseDone) and e.response == name, "ends the response"
        )
        await talk.stream.cancel(name)
        if case.model.truncates:
            await talk.stream.truncate(name, 0)
        await talk.stream.respond(2)
        await talk.answer(2)


@promises.made_by("S2SStream.update", "replaces instructions and tools, and the conversation goes on")
async def _updates(case: Case) -> None:
    if not case.model.updates:
        return
    async with case.talk() as talk:
        await talk.stream.update("Be polite.", (TOOL,) if case.model.calls_tools else ())
        await talk.stream.add(CallerMessage("hello"))
        await talk.stream.respond(1)
        await talk.answer(1)


@promises.made_by("S2S", "has any number of streams at a time", Level.SILVER)
async def _talks_to_several_at_once(case: Case) -> None:
    async def talk() -> None:
        async with case.talk() as each:
            await each.stream.add(CallerMessage("hello"))
            await each.stream.respond(1)
            await each.answer(1)

    await asyncio.gather(talk(), talk(), talk())


@promises.made_by("S2SStream.receive", "may be cancelled, and loses no event by that", Level.SILVER)
async def _may_be_cancelled(case: Case) -> None:
    async with case.talk() as talk:
        for _ in range(3):
            waiting = asyncio.create_task(talk.stream.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        await talk.stream.add(CallerMessage("hello"))
        await talk.stream.respond(1)
        await talk.answer(1)


@promises.made_by("S2SStream.aclose", "ends a receive that waits, and everything else from then on")
async def _closes(case: Case) -> None:
    async with case.talk() as talk:
        stream = talk.stream
        waiting = asyncio.create_task(stream.receive())
        await asyncio.sleep(0)
        await soon(stream.aclose(), "aclose")
        await expect_error(ClosedError, _join(waiting), "a receive that waited")
        await soon(stream.aclose(), "the second aclose")
        for name, call in _calls(stream, case.frames()[0]):
            await expect_error(ClosedError, call, f"{name} after aclose")


@promises.made_by("S2SStream.aclose", "leaves nothing running, in the middle of a response too", Level.SILVER)
async def _leaves_nothing_running(case: Case) -> None:
    async with case.talk() as talk:
        await talk.stream.add(CallerMessage("hello"))
        await talk.stream.respond(1)
        await talk.until(lambda e: isinstance(e, s2s.ResponseStarted), "begins the response")
    case.running.expect_nothing_new()


after_close: Promises[Case] = Promises("beluga_voice.contracts.s2s")


@after_close.made_by("S2S.open_stream", "raises ClosedError after aclose")
async def _refuses_after_close(case: Case) -> None:
    await expect_error(ClosedError, case.model.open_stream(S2SSetup()), "open_stream after aclose")


def _calls(stream: S2SStream, frame: AudioFrame) -> Sequence[tuple[str, Coroutine[object, None, object]]]:
    return (
        ("send", stream.send(frame)),
        ("respond", stream.respond(9)),
        ("add", stream.add(CallerMessage("hello"))),
        ("receive", stream.receive()),
    )


def _is_final_of(number: int) -> Callable[[s2s.S2SEvent], bool]:
    return lambda e: isinstance(e, s2s.InputTranscript) and e.final and e.commit == number


def _expect_audio(frame: AudioFrame, rate: int) -> None:
    samples = frame.samples
    expect(samples.dtype == np.int16, f"audio of {samples.dtype} came")
    expect(samples.ndim == 1 and len(samples) > 0, f"audio of shape {samples.shape} came")
    expect(frame.sample_rate == rate, f"audio at {frame.sample_rate} Hz came, {rate} Hz is declared")


async def _join(task: asyncio.Task[s2s.S2SEvent]) -> object:
    return await task
