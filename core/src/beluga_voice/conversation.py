"""The conversation as both sides heard it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from beluga_voice.events import ToolOutcome


class Role(StrEnum):
    """Who speaks."""

    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said.

    Attributes:
        role: who said it.
        text: the caller's words as recognised, or the agent's words as *heard* by the caller.
        turn: the caller's turn it is or answers; 0 for what the agent said before any. A session that is
            started again counts from 1 again.
        interrupted: the agent was cut: `text` is what was heard before.
    """

    role: Role
    text: str
    turn: int
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks of a tool.

    Attributes:
        id: names the call; unique within a reply.
        name: the tool's.
        arguments: a JSON object, as the model wrote it; it may be wrong in any way.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a tool call.

    Attributes:
        call: what was asked.
        turn: the caller's turn whose reply asked.
        outcome: how it ended, as far as it has.
        content: what the model is told.
        arguments: what the tool was given; empty if the arguments were wrong.
        started: when it began, on the session's clock.
        duration: seconds that it took so far.
    """

    call: ToolCall
    turn: int
    outcome: ToolOutcome
    content: str
    arguments: Mapping[str, object]
    started: float
    duration: float = 0.0


class Conversation:
    """The messages of one session, oldest first.

    Holds only what is certain: the caller's words once their turn has closed, the agent's once they were heard.
    """

    __slots__ = ("_before", "_messages")

    def __init__(self, before: tuple[Message, ...] = ()) -> None:
        """Begin with what was said `before`, in a session that this one continues."""
        self._before = before
        self._messages: list[Message] = []

    def begin_run(self) -> None:
        """Number turns from 1 again, as the session does when it is started again; what was said stays."""
        self._before = self.messages
        self._messages = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """A snapshot."""
        return (*self._before, *self._messages)

    def holds(self, turn: int) -> bool:
        """Whether the caller's turn of that number, in this run, is over."""
        return any(_is_of(message, turn) for message in self._messages)

    def commit_turn(self, turn: int, text: str, *, late: bool = False) -> None:
        """Add the caller's turn, or replace its words when it went on after it had closed.

        A turn that goes on stands where its last part was said, and the reply that was cut for it is not kept:
        the caller took it back. One whose words came `late`, after its answer, stays where it stands.
        """
        if late and self.holds(turn):
            said = Message(Role.CALLER, text, turn)
            self._messages = [said if _is_of(message, turn) else message for message in self._messages]
        else:
            self._messages = self._with_turn(turn, text)

    def supposing(self, turn: int, text: str) -> tuple[Message, ...]:
        """The messages as they would be if the caller's turn were added; nothing is."""
        return (*self._before, *self._with_turn(turn, text))

    def _with_turn(self, turn: int, text: str) -> list[Message]:
        others = [message for message in self._messages if not _is_of(message, turn)]
        return [*others, Message(Role.CALLER, text, turn)]

    def commit_utterance(self, turn: int, heard: str, *, interrupted: bool) -> None:
        """Add what the caller heard of one utterance; nothing heard adds nothing."""
        if heard:
            self._messages.append(Message(Role.AGENT, heard, turn, interrupted))


def _is_of(message: Message, turn: int) -> bool:
    """Whether it is what the caller said in that turn."""
    return message.turn == turn and message.role is Role.CALLER
