"""A language model that answers by its script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from beluga_voice.contracts import (
    LLM,
    CallerMessage,
    Finished,
    FinishReason,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolMessage,
    ToolSpec,
    Usage,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ClosedError

Answer: TypeAlias = str | ToolCall | Sequence[str | float | Exception | ToolCall]
"""One answer: a text, a tool call, or a sequence of texts and calls to give, seconds to wait, errors to raise."""


@dataclass(frozen=True, slots=True)
class LLMRequest:
    """What a model was asked.

    Attributes:
        messages: as they were given.
        tools: what it may call.
        tool_choice: whether it may.
    """

    messages: tuple[LLMMessage, ...]
    tools: tuple[ToolSpec, ...]
    tool_choice: ToolChoice

    @property
    def system(self) -> str:
        """The instructions; empty if there are none."""
        return "".join(m.text for m in self.messages if isinstance(m, SystemMessage))

    @property
    def caller(self) -> str:
        """What the caller said last; empty if nothing."""
        return next((m.text for m in reversed(self.messages) if isinstance(m, CallerMessage)), "")

    @property
    def results(self) -> dict[str, str]:
        """What tools have answered, by the calls' ids."""
        return {m.call_id: m.text for m in self.messages if isinstance(m, ToolMessage)}


def tool_call(name: str, /, *, id: str = "", **arguments: object) -> ToolCall:  # noqa: A002 - the vendors' name
    """Make a tool call for a script; its arguments are written as JSON."""
    return ToolCall(id, name, json.dumps(arguments, ensure_ascii=False))


class ScriptedLLM(LLM):
    """Answers by its script: one answer after the other, or what a function of the request returns.

    Each text is given as one delta, each call in two, as vendors stream them. When the script is at its end, the
    answer is the caller's last words.

    Args:
        answers: in the order of asking, or a function that returns the answer to a request.
        usage: given with each answer, if not None.

    Attributes:
        requests: what it was asked, in order.
        finished: how many answers came to their end.
        cut: how many were closed or cancelled before.
    """

    def __init__(
        self, answers: Sequence[Answer] | Callable[[LLMRequest], Answer] = (), *, usage: Usage | None = None
    ) -> None:
        self.requests: list[LLMRequest] = []
        self.finished = 0
        self.cut = 0
        self._answers = answers
        self._usage = usage
        self._closed = False

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        if self._closed:
            raise ClosedError("this ScriptedLLM was closed; make a new one")
        request = LLMRequest(tuple(messages), tuple(tools), tool_choice)
        answer = self._answer(request)
        self.requests.append(request)
        calls = 0
        try:
            for step in [answer] if isinstance(answer, (str, ToolCall)) else answer:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, (int, float)):
                    await asyncio.sleep(step)
                    continue
                for chunk in _chunks(step, calls):
                    yield chunk
                calls += isinstance(step, ToolCall)
            if self._usage is not None:
                yield self._usage
            yield Finished(FinishReason.TOOL_CALLS if calls else FinishReason.STOP)
        except (asyncio.CancelledError, GeneratorExit):
            self.cut += 1
            raise
        self.finished += 1

    async def aclose(self) -> None:
        self._closed = True

    def _answer(self, request: LLMRequest) -> Answer:
        if callable(self._answers):
            return self._answers(request)
        asked = len(self.requests)
        return self._answers[asked] if asked < len(self._answers) else request.caller


def _chunks(step: str | ToolCall, index: int) -> Iterator[LLMChunk]:
    if isinstance(step, str):
        yield TextDelta(step)
        return
    half = len(step.arguments) // 2
    yield ToolCallDelta(index, step.id, step.name, step.arguments[:half])
    yield ToolCallDelta(index, arguments=step.arguments[half:])
