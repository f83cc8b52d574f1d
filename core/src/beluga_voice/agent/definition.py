"""An agent over a language model: what it is told, what it can do, and to whom it hands over."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from beluga_voice import contracts
from beluga_voice.agent.call import Call, D
from beluga_voice.agent.detached import Detached
from beluga_voice.agent.functions import FunctionTool
from beluga_voice.contracts import LLM, CallControl, SpeechOptions, Tool, ToolSource, ToolSpec, Turn
from beluga_voice.conversation import Message
from beluga_voice.errors import ConfigurationError

if TYPE_CHECKING:
    from beluga_voice.agent.instance import AgentInstance

NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")
F = TypeVar("F", bound=Callable[..., object])


class Decorator(Protocol):
    """Returns the function that it is put on."""

    def __call__(self, function: F, /) -> F:
        """Decorate."""


BOUNDS: Mapping[str, tuple[float, float]] = {
    "max_history": (2, 10_000),
    "max_tool_steps": (1, 100),
    "filler_after": (0.2, 30),
}
"""Of the numbers that an agent is given, inclusive."""


class Agent(contracts.Agent, Generic[D]):
    """Answers calls by a language model, with tools. One agent serves any number of calls at a time.

        agent = Agent("You answer calls for Acme. Be brief.", llm="openai:gpt-4o-mini", deps=Shop)


        @agent.tool
        async def order_status(call: Call[Shop], order: str) -> str:
            \"""Status of an order.\"""
            return await call.deps.orders.status(order)

    Providers that it names stand over those of the settings file and of the defaults; the environment, ``.env``,
    the command line and a profile that is asked for stand over the agent's.

    Attributes:
        name: by which other agents hand over to it.
        description: says to them when to.
        handoffs: the agents that its model may hand over to; may be added to.
        tool_sources: where further tools come from. Opened with a session that the container makes; else by
            whoever made them.
    """

    def __init__(
        self,
        instructions: str | Callable[[Call[D]], str],
        *,
        name: str = "agent",
        description: str = "",
        greeting: str = "",
        llm: str | LLM | None = None,
        stt: str | None = None,
        tts: str | None = None,
        s2s: str | None = None,
        vad: str | None = None,
        turn_detector: str | None = None,
        noise_suppressor: str | None = None,
        interruption_classifier: str | None = None,
        voice: str | None = None,
        speed: float | None = None,
        volume: float | None = None,
        deps: Callable[[], D] | None = None,
        tools: Iterable[Tool | ToolSource | Callable[..., object]] = (),
        handoffs: Iterable[Agent[D]] = (),
        before_reply: Callable[[Call[D], Turn], Awaitable[str | None] | str | None] | None = None,
        speech_text: Callable[[str], str] | None = None,
        summarize: Callable[[Call[D], tuple[Message, ...], str], Awaitable[str] | str] | None = None,
        max_history: int = 100,
        max_tool_steps: int = 8,
        filler_after: float = 1.5,
    ) -> None:
        """Make an agent.

        Args:
            instructions: what the model is told of its task; or a function of the call that writes it, asked for
                each answer of the model.
            name: up to 48 letters, digits, ``_`` and ``-``.
            description: when another agent is to hand over to this one.
            greeting: said when a session starts, unless its settings have one.
            llm: the language model, ``"provider"`` or ``"provider:model"``, or one that is open; the settings'
                by default.
            s2s: the speech-to-speech model that hears, thinks and speaks in place of `stt`, `llm` and `tts`,
                likewise.
            tts: what it speaks with, ``"provider"`` or ``"provider:model"``; an agent that names none speaks with
                what the session started with.
            stt: the recognizer, likewise. It, and the providers that follow, are those of the agent that a session
                starts with.
            vad: likewise.
            turn_detector: likewise.
            noise_suppressor: likewise.
            interruption_classifier: likewise.
            voice: the TTS's name of a voice; that of the settings by default.
            speed: times as fast as the TTS's settings say, 0.5 to 2; that of the settings by default.
            volume: times as loud, 0 to 1; likewise.
            deps: makes `Call.deps` for each call, unless the host gives them.
            tools: functions, as by `tool`; tools; sources of tools.
            handoffs: agents that the model may hand over to.
            before_reply: asked before each reply to a turn; what it returns is added to the instructions of this
                reply. What it raises fails the reply.
            speech_text: how a piece of text is spoken, whatever the history keeps. Must not block.
            summarize: shortens the messages that are about to be forgotten; is given the call, these messages and
                the summary so far, and runs beside a reply.
            max_history: messages of the conversation that the model is given, 2 to 10,000. When there are more,
                the older half is forgotten.
            max_tool_steps: how often in one reply the model may call tools, 1 to 100; then it has to answer.
            filler_after: seconds that tools run before the filler of one is said, 0.2 to 30.

        Raises:
            ConfigurationError: a value is out of bounds, or a function cannot be a tool.
        """
        if NAME.fullmatch(name) is None:
            raise ConfigurationError(
                f"an agent cannot be named {name!r}; allowed: up to 48 letters, digits, '_' and '-'"
            )
        _check_bounds(max_history=max_history, max_tool_steps=max_tool_steps, filler_after=filler_after)
        self.instructions = instructions
        self.name = name
        self.description = description
        self.greeting = greeting
        self.llm = llm
        self.deps = deps
        self.before_reply = before_reply
        self.summarize = summarize
        self.max_history = max_history
        self.max_tool_steps = max_tool_steps
        self.filler_after = filler_after
        self.speech_options = SpeechOptions(voice, speed, volume)
        self.handoffs = list(handoffs)
        self.tool_sources: list[ToolSource] = []
        self._tools: dict[str, Tool] = {}
        self._speech_text = speech_text
        self.tts_name = tts or ""
        self._providers = {
            "stt": stt,
            "tts": tts,
            "s2s": s2s,
            "vad": vad,
            "turn_detector": turn_detector,
            "noise_suppressor": noise_suppressor,
            "interruption_classifier": interruption_classifier,
        }
        for tool in tools:
            self._take(tool)

    # -- what it can do --

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Its own tools, in the order in which they were added, without those of sources and handoffs."""
        return tuple(self._tools.values())

    @overload
    def tool(self, function: F, /) -> F: ...

    @overload
    def tool(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = 30.0,
        filler: str = "",
        effects: bool = True,
    ) -> Decorator: ...

    def tool(
        self,
        function: Callable[..., object] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = 30.0,
        filler: str = "",
        effects: bool = True,
    ) -> object:
        """Give the model a function as a tool; a decorator, with or without arguments. Returns the function.

        Its schema comes from its parameters' types, its description from its docstring, and its parameters' from
        the ``Args:`` section there. A first parameter of type `Call` is given the call. What it raises is told to
        the model. The caller's speech does not stop it.

        Args:
            function: sync, if it does not block, or async.
            name: by which the model calls it; the function's by default.
            description: in place of the docstring's.
            timeout: seconds that it may take, above 0; then it is cancelled and the model is told.
            filler: said when it takes longer than the agent's `filler_after` and nobody speaks.
            effects: whether it changes anything. One that does waits until the caller's turn is surely over; one
                that only looks something up may run for a reply that is prepared before.

        Raises:
            ConfigurationError: the function cannot be a tool, or there is one of that name.
        """

        def add(function: F) -> F:
            self._add(
                FunctionTool(
                    function,
                    name=name,
                    description=description,
                    timeout=timeout,
                    filler=filler,
                    effects=effects,
                )
            )
            return function

        return add if function is None else add(function)

    def _take(self, tool: Tool | ToolSource | Callable[..., object]) -> None:
        if isinstance(tool, ToolSource):
            self.tool_sources.append(tool)
        else:
            self._add(tool if isinstance(tool, Tool) else FunctionTool(tool))

    def _add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise ConfigurationError(
                f"agent {self.name!r} has a tool {tool.name!r} already; name one otherwise"
            )
        self._tools[tool.name] = tool

    def all_tools(self) -> Mapping[str, Tool]:
        """Return what its model may call now, by name: its own tools, handoffs, and those of its sources.

        Raises:
            ClosedError: a source is not open.
        """
        found = dict(self._tools)
        others: list[Tool] = [Handoff(agent) for agent in self.handoffs]
        for source in self.tool_sources:
            others += source.tools()
        for tool in others:
            found.setdefault(tool.name, tool)
        return found

    def reachable(self) -> Iterator[Agent[D]]:
        """Yield this agent and all that a call may be handed over to, each once."""
        seen: list[Agent[D]] = [self]
        for agent in seen:
            yield agent
            seen += [each for each in agent.handoffs if each not in seen]

    # -- what it is made of --

    @property
    def choices(self) -> Mapping[tuple[str, ...], str]:
        """The settings that it chooses, by path; the model among them only if it is chosen by name."""
        named = {**self._providers, "llm": self.llm if isinstance(self.llm, str) else None}
        chosen: dict[tuple[str, ...], str] = {
            (kind,): name for kind, name in named.items() if name is not None
        }
        if self.greeting:
            chosen["session", "greeting"] = self.greeting
        return chosen

    def speech_text(self, text: str) -> str:
        """Return how `text` is spoken."""
        return text if self._speech_text is None else self._speech_text(text)

    # -- answering --

    def enter(self, call: CallControl) -> AgentInstance:
        """Return what answers in one session, and knows its state.

        Raises:
            ConfigurationError: the session has no language model for this agent.
        """
        from beluga_voice.agent.instance import AgentInstance

        return AgentInstance(self, call)

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Answer one turn outside of a session: nothing can be said beside the reply, and tools end with it."""
        async with Detached(turn) as control, aclosing(self.enter(control).reply(turn)) as texts:
            async for text in texts:
                yield text


def _check_bounds(**values: float) -> None:
    for key, value in values.items():
        low, high = BOUNDS[key]
        if not low <= value <= high:
            raise ConfigurationError(f"{key} is {value:g}; it must be {low:g} to {high:g}")


class Handoff(Tool):
    """The tool by which a model hands the call over to another agent."""

    def __init__(self, agent: Agent[Any]) -> None:
        described = f" {agent.description}" if agent.description else ""
        self.spec = ToolSpec(
            f"transfer_to_{agent.name}",
            f"Hand the caller over to {agent.name}.{described}",
            {"type": "object", "properties": {}, "additionalProperties": False},
        )
        self._agent = agent

    def validate(self, arguments: Mapping[str, object]) -> Mapping[str, object]:  # noqa: ARG002
        """Take no arguments, whatever the model gives."""
        return {}

    async def run(self, call: object, arguments: Mapping[str, object]) -> str:  # noqa: ARG002
        """Hand over."""
        assert isinstance(call, Call)
        call.transfer(self._agent)
        return f"{self._agent.name} answers from now on"
