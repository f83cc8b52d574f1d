"""Anything that answers, as an agent: a function, a coroutine function, an async generator, an `Agent`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from beluga_voice.contracts import Agent, Turn
from beluga_voice.errors import ConfigurationError

Answer: TypeAlias = str | Awaitable[str | None] | AsyncIterable[str] | None
"""What an agent function may return: all text at once, now or later, or text as it comes; None is silence."""

AgentLike: TypeAlias = Agent | Callable[[Turn], Answer]


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


def as_agent(agent: AgentLike) -> Agent:
    """Make an `Agent` of `agent`, unless it is one.

    Raises:
        ConfigurationError: it is neither an agent nor can be called.
    """
    if isinstance(agent, Agent):
        return agent
    if _is_agent_class(agent):
        name = getattr(agent, "__name__", "")
        raise ConfigurationError(f"the class {name}; give an object of it, as in {name}()")
    if not callable(agent):
        raise ConfigurationError(
            f"an agent of type {type(agent).__name__}; an agent is a function of the turn, an async generator "
            "function, or an object with the Agent contract"
        )
    return FunctionAgent(agent)
