"""An agent in a session, whose state and context a test sets as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from beluga_voice.agent import AgentContext, AgentState, StreamingState
from beluga_voice.contracts import Agent, Turn
from beluga_voice.conversation import Message


class FakeAgentInstance(Agent):
    """Stands for an `AgentInstance`: its state may be set to any, in any order.

    Args:
        state: its state.
        context: what it knows of its session; an empty one if None.
        chunks: what each reply yields; numbers are seconds to wait.

    Attributes:
        state: its state; nothing checks what it is set to.
        context: what it knows of its session.
        interruptions: how many replies were closed or cancelled before their end.
        turns: all turns that were asked, in order.
    """

    def __init__(
        self,
        state: AgentState = AgentState.IDLE,
        *,
        context: AgentContext | None = None,
        chunks: Sequence[str | float] = (),
    ) -> None:
        self.state = state
        self.context = make_agent_context() if context is None else context
        self.chunks = tuple(chunks)
        self.interruptions = 0
        self.turns: list[Turn] = []

    @property
    def streaming_active(self) -> bool:
        """Whether a reply is being given; also what a test has set in the context."""
        return self.context.streaming_active

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        self.turns.append(turn)
        self.context.streaming = StreamingState(active=True)
        try:
            for chunk in self.chunks:
                if isinstance(chunk, str):
                    self.context.streaming.text += chunk
                    yield chunk
                else:
                    await asyncio.sleep(chunk)
        except (asyncio.CancelledError, GeneratorExit):
            self.interruptions += 1
            self.context.streaming.interrupted = True
            raise
        finally:
            self.context.streaming.active = False


def make_agent_context(
    session_id: str = "test-session",
    history: Sequence[Message] = (),
    *,
    streaming: StreamingState | None = None,
) -> AgentContext:
    """Make what an agent knows of a session in which `history` was said."""
    messages = tuple(history)
    context = AgentContext(session_id, lambda: messages)
    if streaming is not None:
        context.streaming = streaming
    return context


def make_streaming_state(text: str = "", *, active: bool = True, interrupted: bool = False) -> StreamingState:
    """Make the state of a reply of which `text` was given."""
    return StreamingState(active=active, interrupted=interrupted, text=text)
