"""What may serve as an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from beluga_voice.agents import AgentLike, as_agent
from beluga_voice.contracts import Agent, Turn
from beluga_voice.errors import ConfigurationError
from beluga_voice.testing import ScriptedAgent

TURN = Turn("hello", 1, (), "s")


async def _answers(agent: AgentLike) -> list[str]:
    return [text async for text in as_agent(agent).reply(TURN)]


def _function(turn: Turn) -> str:
    return turn.text


async def _coroutine(turn: Turn) -> str:
    await asyncio.sleep(1)
    return turn.text


async def _generator(turn: Turn) -> AsyncIterator[str]:
    for letter in turn.text:
        yield letter


class _Texts:
    """Iterates without being a generator."""

    def __init__(self, turn: Turn) -> None:
        self.rest = list(turn.text)

    def __aiter__(self) -> _Texts:
        return self

    async def __anext__(self) -> str:
        if not self.rest:
            raise StopAsyncIteration
        return self.rest.pop(0)


async def _silent(turn: Turn) -> None:
    return None


@pytest.mark.parametrize("agent", [_function, _coroutine, _generator, _Texts])
async def test_a_callable_of_the_turn_answers(agent: AgentLike) -> None:
    assert "".join(await _answers(agent)) == "hello"


@pytest.mark.parametrize("agent", [_silent, lambda _: None])
async def test_none_is_silence(agent: AgentLike) -> None:
    assert await _answers(agent) == []


async def test_an_agent_is_taken_as_it_is() -> None:
    agent: Agent = ScriptedAgent()
    assert as_agent(agent) is agent


@pytest.mark.parametrize("answer", [5, b"hello", ["hello"]])
async def test_an_answer_that_is_no_text_is_refused(answer: object) -> None:
    with pytest.raises(TypeError, match="an answer is text"):
        await _answers(lambda _: answer)  # type: ignore[arg-type,return-value]


async def test_a_part_that_is_no_text_is_refused() -> None:
    async def agent(turn: Turn) -> AsyncGenerator[str, None]:
        yield "well"
        yield 5  # type: ignore[misc]

    with pytest.raises(TypeError, match="int"):
        await _answers(agent)


def test_what_cannot_be_called_is_no_agent() -> None:
    with pytest.raises(ConfigurationError, match="type str"):
        as_agent("hello")  # type: ignore[arg-type]


class _Replies:
    async def reply(self, turn: Turn) -> str:
        return f"reply to {turn.text}"

    def __call__(self, turn: Turn) -> str:
        raise AssertionError("it has a method for this")


class _Result:
    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


class _Runs:
    def __init__(self, result: object) -> None:
        self.result = result

    async def run(self, text: str) -> object:
        return self.result


class _RunsNow:
    def run(self, text: str) -> AsyncIterator[str]:
        return _generator(Turn(text, 1, (), "s"))


async def test_an_object_with_a_method_reply_answers() -> None:
    assert await _answers(_Replies()) == ["reply to hello"]


@pytest.mark.parametrize(
    "result", ["hi", _Result(output="hi"), _Result(content="hi"), _Result(text="hi", usage=7), _Texts]
)
async def test_an_agent_of_another_library_answers_the_words(result: object) -> None:
    result = _Texts(Turn("hi", 1, (), "s")) if result is _Texts else result
    assert "".join(await _answers(_Runs(result))) == "hi"
    assert "".join(await _answers(_RunsNow())) == "hello"


async def test_an_agent_of_another_library_may_be_silent_but_not_give_what_is_no_text() -> None:
    assert await _answers(_Runs(None)) == []
    with pytest.raises(TypeError, match="int"):
        await _answers(_Runs(_Result(output=7)))


async def test_a_reply_that_is_closed_closes_the_function_s_generator() -> None:
    closed = []

    async def agent(turn: Turn) -> AsyncIterator[str]:
        try:
            while True:
                yield "word "
        finally:
            closed.append(True)

    async with aclosing(as_agent(agent).reply(TURN)) as texts:
        assert await anext(texts) == "word "
    assert closed == [True]
