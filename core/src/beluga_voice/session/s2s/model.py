"""A speech-to-speech model as the parts of a session: what hears, what speaks, and what thinks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeAlias, cast

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    LLM,
    S2S,
    STT,
    TTS,
    Agent,
    AssistantMessage,
    Finished,
    FinishReason,
    Listens,
    S2SSetup,
    Speech,
    SpeechOptions,
    STTStream,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolMessage,
    ToolSpec,
    Transcript,
    TTSStream,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ProviderError
from beluga_voice.events import Event
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.s2s.link import TRIES, Link
from beluga_voice.session.s2s.responses import LostError, Response
from beluga_voice.session.s2s.sinks import SPEAKING, SpeechSink, TrackSink, Voiced

Briefing: TypeAlias = tuple[str, tuple[ToolSpec, ...], list[LLMMessage]]
"""Instructions, tools, and what was said, as the agent in a session tells a model that keeps the conversation."""


class Model:
    """A model in one session, over all its runs.

    Attributes:
        s2s: the model.
        answers: it thinks too (built-in reasoning); else it is ear and mouth of the session's agent (external).
        link: of the run that goes on; to be set before anything of it is used.
    """

    def __init__(self, s2s: S2S, *, answers: bool) -> None:
        self.s2s = s2s
        self.answers = answers
        self.link: Link
        self._begun = False
        self.stt = ModelSTT(self)
        self.tts = ModelTTS(self)
        self.llm = ModelLLM(self)

    def begin(self, config: SessionConfig, deciding: Deciding, agent: Agent | None) -> Link:
        """Make the link of a run that begins."""
        setup = partial(self._setup, agent, config.language)
        self.link = Link(self.s2s, config, deciding, setup, answers=self.answers)
        self._begun = True
        return self.link

    def _setup(self, agent: Agent | None, language: str) -> S2SSetup:
        briefing: Callable[[], Briefing] | None = getattr(agent, "briefing", None)
        if not self.answers or briefing is None:
            return S2SSetup(language=language)
        instructions, tools, messages = briefing()
        offered = tools if self.s2s.calls_tools else ()
        return S2SSetup(instructions, offered, _as_history(messages), language)

    def see(self, event: Event) -> None:
        """Watch the session."""
        if self._begun:
            self.link.see(event)


class ModelSTT(STT):
    """What the model hears, as words."""

    def __init__(self, model: Model) -> None:
        s2s = model.s2s
        self._model = model
        self.sample_rate = s2s.input_sample_rate
        self.listens = Listens.ALL if s2s.detects_turns else Listens.SPEECH
        self.finalizes = s2s.transcribes and s2s.commits and not s2s.detects_turns

    async def open_stream(self) -> STTStream:
        """Open the link."""
        await self._model.link.open()
        return _Ear(self._model)


class _Ear(STTStream):
    def __init__(self, model: Model) -> None:
        self._model = model

    async def send(self, frame: AudioFrame) -> None:
        self._model.link.hear(frame)

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._model.link.hear(frame)
        return True

    async def finalize(self) -> None:
        if self._model.stt.finalizes:
            self._model.link.commit()

    async def receive(self) -> Transcript:
        return await self._model.link.words.receive()

    async def aclose(self) -> None:
        """The link is closed with the session."""


class ModelTTS(TTS):
    """The model's voice, for texts that it is given."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.sample_rate = model.s2s.output_sample_rate
        self.word_timestamps = model.s2s.word_timestamps

    async def open_stream(self) -> TTSStream:
        """Give a stream over the link."""
        return _Mouth(self._model)


class _Mouth(TTSStream):
    def __init__(self, model: Model) -> None:
        self._model = model

    async def synthesize(
        self,
        text: str,
        options: SpeechOptions = PLAIN_SPEECH,  # noqa: ARG002 - a model speaks as its settings say
    ) -> AsyncGenerator[Speech, None]:
        """Have the model say `text`; once more, where its stream broke before a sound of it."""
        for tries in range(1, TRIES + 1):
            sink = SpeechSink(self.sample_rate)
            response = await self._model.link.say(sink, text)
            try:
                async with aclosing(_spoken(response, sink)) as parts:
                    async for part in parts:
                        yield part
                return
            except LostError:
                if response.spoken or tries == TRIES:
                    raise
            finally:
                self._model.link.abandon(response)

    @property
    def sample_rate(self) -> int:
        """Hz of the audio."""
        return self._model.s2s.output_sample_rate

    async def aclose(self) -> None:
        """The link is closed with the session."""


async def _spoken(response: Response, sink: SpeechSink) -> AsyncGenerator[Speech, None]:
    """Yield what comes of a response, to its end."""
    ending = asyncio.ensure_future(_read(response))
    ending.add_done_callback(lambda _: sink.changed.set())
    try:
        while True:
            while sink.parts:
                yield sink.parts.popleft()
            if ending.done():
                ending.result()
                return
            sink.changed.clear()
            await sink.changed.wait()
    finally:
        ending.cancel()
        await asyncio.wait([ending])


async def _read(response: Response) -> None:
    """Read a response to its end; of a text that was given, the words are known.

    Raises:
        ProviderError: it failed.
    """
    while await response.receive() is not None:
        pass


class ModelLLM(LLM):
    """The model as what an agent asks: its words come as they are spoken, and its calls.

    It remembers the conversation itself: of the messages it takes the instructions and the results of tools.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._calls: dict[str, int] = {}
        self._given: set[str] = set()

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        """Have the model answer what it has heard.

        Raises:
            ProviderError: the model failed, or it is asked outside of an utterance.
        """
        sink = SPEAKING.get()
        if sink is None:
            raise ProviderError("a speech-to-speech model answers within an utterance of its session only")
        system = "".join(message.text for message in messages if isinstance(message, SystemMessage))
        offered = () if tool_choice is ToolChoice.NONE or not self._model.s2s.calls_tools else tuple(tools)
        sink.asked()
        renewed = await self._model.link.instruct(S2SSetup(system, offered))
        results = [result for result in _latest_results(messages) if result.call_id not in self._given]
        self._given.update(result.call_id for result in results)
        if not renewed:
            await self._give(results)
        called = False
        async with aclosing(self._answer(sink, spoken=not results)) as told:
            async for each in told:
                if isinstance(each, ToolCall):
                    yield ToolCallDelta(len(self._calls), each.id, each.name, each.arguments)
                    self._calls[each.id] = self._model.link.generation
                    called = True
                else:
                    yield TextDelta(Voiced(each))
        usage, self._model.link.usage = self._model.link.usage, []
        for taken in usage:
            yield taken
        if called:
            sink.awaited()
        yield Finished(FinishReason.TOOL_CALLS if called else FinishReason.STOP)

    async def _give(self, results: Sequence[ToolMessage]) -> None:
        """Give the results of calls; a stream that did not ask for them gives way to one that begins with them."""
        link = self._model.link
        if any(self._calls.get(result.call_id) != link.generation for result in results):
            await link.renew()
            return
        for result in results:
            link.give(result)

    async def _answer(self, sink: TrackSink, *, spoken: bool) -> AsyncGenerator[str | ToolCall, None]:
        """Ask, and yield what comes; once more, where the stream broke before anything had come."""
        link = self._model.link
        for tries in range(1, TRIES + 1):
            response = await link.respond(sink, spoken=spoken)
            try:
                async with aclosing(_told(response)) as told:
                    async for each in told:
                        yield each
                return
            except LostError:
                if response.begun or tries == TRIES:
                    raise
            finally:
                link.abandon(response)


async def _told(response: Response) -> AsyncGenerator[str | ToolCall, None]:
    """Yield words and calls to the end.

    Raises:
        ProviderError: the response failed, or has words that nobody can hear.
    """
    words = False
    while (each := await response.receive()) is not None:
        words = words or (isinstance(each, str) and any(character.isalnum() for character in each))
        yield each
    if words and not response.spoken:
        raise ProviderError("the model gave words and no audio", retryable=True)


def _latest_results(messages: Sequence[LLMMessage]) -> list[ToolMessage]:
    """The results that the model has not seen: those at the end."""
    results: list[ToolMessage] = []
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        results.insert(0, message)
    return results


async def texts_of(model: Model, response: Response) -> AsyncGenerator[str, None]:
    """The words of what the model says unasked, as it speaks them."""
    sink = cast("TrackSink", SPEAKING.get())
    sink.asked()
    response.claim(sink)
    try:
        async with aclosing(_told(response)) as told:
            async for each in told:
                if isinstance(each, str):
                    yield Voiced(each)
    finally:
        model.link.abandon(response)


def _as_history(messages: Sequence[LLMMessage]) -> tuple[LLMMessage, ...]:
    """What a stream begins with: without instructions, and without what has no words."""
    return tuple(
        message
        for message in messages
        if not isinstance(message, SystemMessage)
        and (message.text or (isinstance(message, AssistantMessage) and message.calls))
    )
