"""Anything that answers, as an agent: a function, an async generator, an `Agent`, an agent of another library."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol, TypeAlias, cast

from beluga_voice.contracts import Agent, Turn
from beluga_voice.errors import ConfigurationError

Answer: TypeAlias = str | Awaitable[str | None] | AsyncIterable[str] | None
"""What an agent function may return: all text at once, now or later, or text as it comes; None is silence."""


class Replies(Protocol):
    """An object that answers turns, though it is no `Agent`."""

    def reply(self, turn: Turn, /) -> Answer:
        """Answer the turn."""


class Runs(Protocol):
    """An object that answers texts, as agents of other libraries do."""

    def run(self, text: str, /) -> object:
        """Answer the caller's words: by text or an `Answer`, or by a result whose `output`, `content` or `text` is
        the answer, now or when it is awaited."""


RESULTS = ("output", "content", "text")
"""Where the results of other libraries hold the answer."""

AgentLike: TypeAlias = Agent | Callable[[Turn], Answer] | Replies | Runs


class FunctionAgent(Agent):
    """A function of the turn as an agent."""

    def __init__(self, function: Callable[[Turn], Answer]) -> None:
        self._function = function

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Call the function and yield what it answers.

        Raises:
            TypeError: it answered something that is no text.
        """
        answer = self._function(turn)
        if isinstance(answer, AsyncIterable):
            async with _closing(answer) as texts:
                async for text in texts:
                    yield _checked(text)
            return
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not None:
            yield _checked(answer)


@asynccontextmanager
async def _closing(answer: AsyncIterable[str]) -> AsyncGenerator[AsyncIterator[str], None]:
    """Iterate, and close what can be closed when the reply is cut."""
    iterator = aiter(answer)
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"the agent answered {type(text).__name__}; an answer is text, a str")
    return text


def _is_agent_class(agent: object) -> bool:
    return isinstance(agent, type) and issubclass(agent, Agent)


async def _run(runs: Runs, turn: Turn) -> AsyncGenerator[str, None]:
    """Ask an agent of another library for the caller's words alone: what was said before is its own to keep."""
    result = runs.run(turn.text)
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, (str, AsyncIterable)):
        result = next((getattr(result, name) for name in RESULTS if hasattr(result, name)), result)
    async for text in FunctionAgent(lambda _: cast("Answer", result)).reply(turn):
        yield text


def _method(agent: object, name: str) -> Callable[..., object] | None:
    method = None if isinstance(agent, type) else getattr(agent, name, None)
    return method if callable(method) else None


def as_agent(agent: AgentLike) -> Agent:
    """Make an `Agent` of `agent`, unless it is one.

    An object is asked by its method `reply(turn)`, else called with the turn, else asked by `run(text)`.

    Raises:
        ConfigurationError: it can be asked in no such way.
    """
    if isinstance(agent, Agent):
        return agent
    if _is_agent_class(agent):
        name = getattr(agent, "__name__", "")
        raise ConfigurationError(f"the class {name}; give an object of it, as in {name}()")
    if (reply := _method(agent, "reply")) is not None:
        return FunctionAgent(cast("Callable[[Turn], Answer]", reply))
    if callable(agent):
        return FunctionAgent(agent)
    if _method(agent, "run") is not None:
        return FunctionAgent(partial(_run, cast("Runs", agent)))
    raise ConfigurationError(
        f"an agent of type {type(agent).__name__}; an agent is a function of the turn, an async generator "
        "function, or an object with the Agent contract, or with a method reply(turn) or run(text)"
    )
