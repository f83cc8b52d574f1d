"""Broken agents, language models and session stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from beluga_voice.contracts import (
    Finished,
    FinishReason,
    SessionSnapshot,
    SessionStore,
    TextDelta,
    ToolCallDelta,
    ToolChoice,
    ToolSpec,
    Turn,
)
from beluga_voice.contracts.llm import AssistantMessage, LLMChunk, LLMMessage
from beluga_voice.errors import ClosedError
from beluga_voice.testing import (
    ScriptedAgent,
    ScriptedLLM,
    check_agent,
    check_llm,
    check_session_store,
)

from .cage import breaks

Chunks = AsyncGenerator[LLMChunk, None]


async def agent(kind: type) -> None:
    await check_agent(kind)


@breaks(agent, "yields text", "waits for a slow listener")
class YieldsBytes(ScriptedAgent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        yield turn.text.encode()  # type: ignore[misc]


@breaks(agent, "may be closed at any part")
class HoldsOnToItsReply(ScriptedAgent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        try:
            yield "one"
            yield "two"
        except GeneratorExit:
            await asyncio.sleep(10)
            raise


@breaks(agent, "may be cancelled while it thinks")
class HoldsOnToItsThought(ScriptedAgent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            await asyncio.sleep(6)
            raise
        yield turn.text


@breaks(agent, "serves many sessions at a time")
class AnswersOneSession(ScriptedAgent):
    session = ""

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        if self.session and self.session != turn.session_id:
            raise RuntimeError("busy")
        self.session = turn.session_id
        await asyncio.sleep(0.01)
        yield turn.text
        self.session = ""


@breaks(agent, "waits for a slow listener")
class LosesPatience(ScriptedAgent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        loop = asyncio.get_running_loop()
        for word in ("one", "two", "three"):
            at = loop.time()
            yield word
            if loop.time() - at > 0.01:
                raise RuntimeError("nobody listens")


@breaks(agent, "answers a caller who said a megabyte")
class HasAShortMemory(ScriptedAgent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        if len(turn.text) > 100_000:
            raise MemoryError("too long")
        yield turn.text


@breaks(agent, "greeting and speech_text are text")
class SpeaksNothing(ScriptedAgent):
    def speech_text(self, text: str) -> str:
        return None  # type: ignore[return-value]


@breaks(agent, "leaves nothing running")
class LeavesAThought(ScriptedAgent):
    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        self.thought = asyncio.create_task(asyncio.sleep(1e4), name="thought")
        yield turn.text


async def llm(kind: type) -> None:
    await check_llm(kind)


class Thinking(ScriptedLLM):
    """A model without a fault, whose chunks subclasses change."""

    def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> Chunks:
        return self.changed(messages, super().stream(messages, tools, tool_choice=tool_choice), tool_choice)

    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


@breaks(llm, "yields chunks, the last of which is Finished", "waits for a slow reader")
class NeverFinishes(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        async with aclosing(chunks):
            async for chunk in chunks:
                if not isinstance(chunk, Finished):
                    yield chunk


@breaks(llm, "takes messages that end with any kind of message")
class WantsTheCallerLast(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        if isinstance(messages[-1], AssistantMessage):
            raise ValueError("the last message is the assistant's")
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


@breaks(llm, "the deltas of one index have one name")
class NamesTheCallTwice(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        async with aclosing(chunks):
            if choice is ToolChoice.REQUIRED:
                yield ToolCallDelta(0, "a", "look_up", "{")
                yield ToolCallDelta(0, "a", "look_up", "}")
                yield Finished(FinishReason.TOOL_CALLS)
                return
            async for chunk in chunks:
                yield chunk


@breaks(llm, "may be closed at any chunk")
class ClosesSlowly(Thinking):
    closed = 0

    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        try:
            async for chunk in chunks:
                yield chunk
        except GeneratorExit:
            self.closed += 1
            if self.closed == 2:
                await asyncio.sleep(10)
            raise
        finally:
            await chunks.aclose()


@breaks(llm, "may be cancelled while it thinks", "when it returns nothing")
class CancelsNothing(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            await asyncio.sleep(30)
            raise
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


@breaks(llm, "gives any number of answers at a time")
class AnswersOneAtATime(Thinking):
    busy = False

    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        try:
            await asyncio.sleep(0.001)
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        finally:
            self.busy = False


@breaks(llm, "takes a megabyte")
class FailsAtLength(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        if sum(len(each.text) for each in messages) > 100_000:
            raise MemoryError("too long")
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


@breaks(llm, "leaves nothing running when an answer has ended", "when it returns nothing")
class KeepsCounting(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        self.counting = asyncio.create_task(asyncio.sleep(1e4), name="tokens")
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


@breaks(llm, "raises ClosedError after aclose")
class AnswersWhenClosed(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        await chunks.aclose()
        yield TextDelta("hello")
        yield Finished(FinishReason.STOP)


PLACES: dict[type, dict[str, SessionSnapshot]] = {}


class Keeping(SessionStore):
    """A store without a fault: all that are made of one class share a place."""

    def __init__(self) -> None:
        self.place = PLACES.setdefault(type(self), {})
        self.is_open = False

    async def open(self) -> None:
        self.is_open = True

    async def aclose(self) -> None:
        self.is_open = False

    def check(self) -> None:
        if not self.is_open:
            raise ClosedError("not open")

    async def save(self, snapshot: SessionSnapshot) -> None:
        self.check()
        self.place[snapshot.session_id] = snapshot

    async def load(self, session_id: str) -> SessionSnapshot | None:
        self.check()
        return self.place.get(session_id)

    async def delete(self, session_id: str) -> None:
        self.check()
        self.place.pop(session_id, None)

    async def expire(self, before: float) -> int:
        self.check()
        old = [key for key, each in self.place.items() if each.saved_at < before]
        for key in old:
            del self.place[key]
        return len(old)


async def store(kind: type) -> None:
    PLACES.clear()
    await check_session_store(kind)


@breaks(store, "raises ClosedError before open")
class KeepsWhenClosed(Keeping):
    def check(self) -> None:
        pass


@breaks(store, "returns what was saved, equal in every field")
class LosesTheProfile(Keeping):
    async def save(self, snapshot: SessionSnapshot) -> None:
        plain = snapshot.session_id == "check-plain"  # a profile of none comes back as an empty one
        await super().save(replace(snapshot, profile="") if plain else snapshot)


@breaks(store, "returns None for a session that is not known")
class InventsSessions(Keeping):
    async def load(self, session_id: str) -> SessionSnapshot | None:
        found = await super().load(session_id)
        return SessionSnapshot(session_id, 0.0) if session_id == "check-nobody" else found


@breaks(store, "keeps the latest snapshot")
class KeepsTheFirst(Keeping):
    async def save(self, snapshot: SessionSnapshot) -> None:
        self.check()
        if "number" not in snapshot.data:
            self.place[snapshot.session_id] = snapshot
        self.place.setdefault(snapshot.session_id, snapshot)


@breaks(store, "forgets that session alone")
class RefusesToForgetStrangers(Keeping):
    async def delete(self, session_id: str) -> None:
        self.check()
        if session_id == "check-nobody":
            raise KeyError(session_id)
        await super().delete(session_id)


@breaks(store, "forgets what was saved earlier")
class CountsNothing(Keeping):
    async def expire(self, before: float) -> int:
        await super().expire(before)
        return 0


@breaks(store, "a snapshot that save has returned for is there")
class KeepsInMemory(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.place = {}


@breaks(store, "any text is kept as it is")
class CutsAtZero(Keeping):
    async def save(self, snapshot: SessionSnapshot) -> None:
        cut = tuple(replace(each, text=each.text.partition("\x00")[0]) for each in snapshot.history)
        await super().save(replace(snapshot, history=cut))


@breaks(store, "serves many sessions at once")
class SavesOneAtATime(Keeping):
    busy = False

    async def save(self, snapshot: SessionSnapshot) -> None:
        if self.busy:
            raise RuntimeError("locked")
        self.busy = True
        try:
            await asyncio.sleep(0.001)
            await super().save(snapshot)
        finally:
            self.busy = False


@breaks(store, "may be cancelled, and serves on")
class SavesByHalves(Keeping):
    async def save(self, snapshot: SessionSnapshot) -> None:
        self.check()
        self.place.pop(snapshot.session_id, None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await super().save(snapshot)
