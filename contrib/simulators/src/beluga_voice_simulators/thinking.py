"""What a simulated language model answers: the lines of a script, or plain rules."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from beluga_voice.contracts import CallerMessage, SystemMessage, ToolCall, ToolChoice, ToolMessage, ToolSpec
from beluga_voice.contracts.llm import LLMMessage

REPEATED = 1000
"""Characters of what the caller said that are repeated."""

_VERBATIM = re.compile(r"\bword for word\b[^:]*:\s*(.+)", re.DOTALL)
"""Instructions to say something as it is."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked, in the words of beluga-voice's own contract."""

    messages: tuple[LLMMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    model: str = ""

    @property
    def caller(self) -> str:
        """What the caller said last."""
        return next((m.text for m in reversed(self.messages) if isinstance(m, CallerMessage)), "")

    @property
    def system(self) -> str:
        """How the model is to behave."""
        return next((m.text for m in self.messages if isinstance(m, SystemMessage)), "")

    @property
    def results(self) -> tuple[ToolMessage, ...]:
        """The results of tools at the end of the messages."""
        found: list[ToolMessage] = []
        for message in reversed(self.messages):
            if not isinstance(message, ToolMessage):
                break
            found.insert(0, message)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model answers: a text, tools to be called, or both. Ids of calls are the simulator's to give."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, object]], ...] = ()


class Mind(ABC):
    """Answers prompts, for all connections of a simulator."""

    @abstractmethod
    async def think(self, prompt: Prompt) -> Thought:
        """Return the answer."""


class PlainMind(Mind):
    """Says what it is told to word for word, or repeats the caller; calls tools, and tells of their results."""

    async def think(self, prompt: Prompt) -> Thought:
        if verbatim := _VERBATIM.search(prompt.system):
            return Thought(verbatim[1])
        if prompt.results:
            return Thought(" ".join(f"{each.name} says: {each.text}." for each in prompt.results))
        if prompt.tool_choice is not ToolChoice.NONE:
            wanted = [tool for tool in prompt.tools if _names(prompt.caller, tool.name)]
            if not wanted and prompt.tool_choice is ToolChoice.REQUIRED:
                wanted = list(prompt.tools[:1])
            if wanted:
                return Thought(calls=tuple((tool.name, _arguments(tool, prompt.caller)) for tool in wanted))
        said = prompt.caller[:REPEATED]
        return Thought(f"You said: {said}" if said else "Hello, how can I help you?")


class ScriptedMind(Mind):
    """Answers by a script: each prompt gets the next answer, and those after the last a plain one.

    Args:
        answers: texts, thoughts, or functions of the prompt that return either.
    """

    def __init__(self, answers: Sequence[str | Thought | Callable[[Prompt], str | Thought]]) -> None:
        self._answers = list(answers)
        self._plain = PlainMind()
        self.prompts: list[Prompt] = []

    async def think(self, prompt: Prompt) -> Thought:
        self.prompts.append(prompt)
        if not self._answers:
            return await self._plain.think(prompt)
        answer = self._answers.pop(0)
        given = answer(prompt) if callable(answer) else answer
        return Thought(given) if isinstance(given, str) else given


def as_calls(thought: Thought, name: Callable[[], str]) -> list[ToolCall]:
    """Return the calls of a thought with an id from `name` each."""
    return [ToolCall(name(), tool, json.dumps(arguments)) for tool, arguments in thought.calls]


def tokens(text: str) -> list[str]:
    """Split a text into what counts as its tokens: words with the space before them."""
    return re.findall(r"\s*\S+|\s+$", text)


def _names(text: str, tool: str) -> bool:
    """Whether the words of a tool's name are all in the text: "look it up" names ``look_up``."""
    said = set(re.findall(r"\w+", text.casefold()))
    return set(re.split(r"[_-]+", tool.casefold())) <= said


def _arguments(tool: ToolSpec, text: str) -> Mapping[str, object]:
    """Make arguments that the tool's schema takes: the caller's text for strings."""
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    if not isinstance(properties, Mapping) or not isinstance(required, Sequence):
        return {}
    return {str(name): _value(properties.get(name), text) for name in required}


def _value(schema: object, text: str) -> object:
    if not isinstance(schema, Mapping):
        return text
    if choices := schema.get("enum"):
        return choices[0]
    plain: dict[object, object] = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
    return plain.get(schema.get("type"), text)
