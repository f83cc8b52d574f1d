"""What an agent knows of one session beside the conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from beluga_voice.contracts.llm import Usage
from beluga_voice.conversation import Message, ToolResult

MAX_TOOL_RESULTS = 50
"""Tool results that are kept; beyond, the oldest give way."""


@dataclass(slots=True)
class StreamingState:
    """The text of the latest reply.

    Attributes:
        active: the model gives text, or owes it.
        interrupted: the caller cut the reply.
        last_chunk_at: when text came last, on the session's clock; None if none has come.
        text: the reply's text so far, as the model wrote it.
    """

    active: bool = False
    interrupted: bool = False
    last_chunk_at: float | None = None
    text: str = ""


@dataclass(slots=True)
class AgentContext:
    """An agent's view of one session. Times are on the session's clock.

    Attributes:
        session_id: the session's name.
        started_at: when the session's run began; None before.
        last_activity: when the caller's turn closed last, or the agent gave text, or a tool ended.
        last_interruption: when the caller took the floor last; None if never.
        streaming: the text of the latest reply.
        tool_results: what came of the latest 50 tool calls, oldest first, whichever replies they were of.
        usage: tokens that all answers of the session's models took.
        plan: steps that the agent has in mind; for tools to write and read.
    """

    session_id: str
    read_history: Callable[[], tuple[Message, ...]] = field(repr=False)
    started_at: float | None = None
    last_activity: float | None = None
    last_interruption: float | None = None
    streaming: StreamingState = field(default_factory=StreamingState)
    tool_results: deque[ToolResult] = field(default_factory=lambda: deque(maxlen=MAX_TOOL_RESULTS))
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    plan: list[str] = field(default_factory=list)

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation as both sides heard it, oldest first."""
        return self.read_history()

    @property
    def streaming_active(self) -> bool:
        """Whether the model gives text, or owes it."""
        return self.streaming.active

    def add_usage(self, more: Usage) -> None:
        """Count the tokens of one answer."""
        total = self.usage
        self.usage = Usage(
            total.input_tokens + more.input_tokens,
            total.output_tokens + more.output_tokens,
            total.cached_tokens + more.cached_tokens,
        )
