"""A call as tools and hooks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, cast

from beluga_voice.contracts.agent import Spoken
from beluga_voice.conversation import Message
from beluga_voice.events import WhileCallerSpeaks

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from beluga_voice.agent.context import AgentContext
    from beluga_voice.agent.definition import Agent
    from beluga_voice.agent.instance import AgentInstance

    D = TypeVar("D", default=None)
else:
    from typing import TypeVar

    D = TypeVar("D")


class Call(Generic[D]):
    """One call, in which an agent answers one caller. Given to tools and hooks; `D` is the type of its `deps`."""

    def __init__(self, instance: AgentInstance, utterance: int = 0) -> None:
        self._instance = instance
        self._utterance = utterance

    @property
    def deps(self) -> D:
        """What the host gave for this call, or the agent's factory made for it."""
        return cast("D", self._instance.deps)

    @property
    def session_id(self) -> str:
        """The session's name."""
        return self._instance.control.session_id

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation as both sides heard it, oldest first."""
        return self._instance.control.history

    @property
    def context(self) -> AgentContext:
        """What the agent knows of the session: tool results, plan, the latest reply."""
        return self._instance.context

    @property
    def agent(self) -> Agent:
        """The agent that answers now."""
        return self._instance.agent

    def say(
        self,
        text: str,
        *,
        allow_interruptions: bool = True,
        priority: int = 0,
        while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT,
        voice: str | None = None,
        speed: float | None = None,
        volume: float | None = None,
    ) -> Spoken:
        """Queue `text` to be said, and return its handle at once; await it to wait until the caller has heard it.

        Inside a tool it plays after what the reply has given so far, without waiting for the reply's end.

        Args:
            text: what to say; holds at least one word.
            allow_interruptions: whether the caller may cut it by speaking.
            priority: higher is said first; equal ones in the order of asking.
            while_caller_speaks: wait for the close of their turn, speak all the same, or drop it.
            voice: the TTS's name of a voice, in place of the agent's.
            speed: times as fast as the TTS's settings say, 0.5 to 2, in place of the agent's.
            volume: times as loud, 0 to 1, in place of the agent's.

        Raises:
            SessionError: `session_not_active`, `empty_text`, or `invalid_options`: a value is out of bounds, or the
                TTS has no choice of voice or speed.
        """
        return self._instance.control.say(
            text,
            allow_interruptions=allow_interruptions,
            priority=priority,
            while_caller_speaks=while_caller_speaks,
            inside=self._utterance,
            voice=voice,
            speed=speed,
            volume=volume,
        )

    def reply(self, instructions: str = "", *, allow_interruptions: bool = True) -> Spoken:
        """Have the agent say something now, though nobody asked; returns its handle at once, as `say` does.

        Args:
            instructions: for this reply, after the agent's own.
            allow_interruptions: whether the caller may cut it by speaking.

        Raises:
            SessionError: `session_not_active`.
        """
        return self._instance.speak_up(instructions, allow_interruptions, inside=self._utterance)

    def interrupt(self) -> None:
        """Cut what the agent says, the reply that is being made, and what is queued, but nothing protected.

        Tools go on, the one that calls this included.
        """
        self._instance.control.interrupt()

    def transfer(self, agent: Agent) -> None:
        """Let another agent answer from now on: it goes on with this reply after its tools, or takes the next turn.

        It has the whole conversation and the same `deps`, and speaks with its own voice, if it has one.

        Raises:
            ConfigurationError: its language model is not one of the session's.
        """
        self._instance.transfer(agent)

    def end(self) -> None:
        """End the call once what plays and what is protected was heard. Idempotent.

        Within a tool, the model is not asked again.
        """
        self._instance.end()
