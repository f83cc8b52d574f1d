"""What a model is given: instructions, the conversation as it was heard, and the tools' results. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from beluga_voice.contracts.llm import (
    AssistantMessage,
    CallerMessage,
    LLMMessage,
    SystemMessage,
    ToolMessage,
)
from beluga_voice.conversation import Message, Role, ToolResult
from beluga_voice.events import ToolOutcome


@dataclass(slots=True)
class ToolStep:
    """One answer of a model that calls tools.

    Attributes:
        utterance: the reply that it is part of.
        turn: the caller's turn that this reply answers.
        text: what the model wrote before the calls.
        results: one for each call, in their order; replaced as the tools end.
        effective: a tool with effects was started.
    """

    utterance: int
    turn: int
    text: str
    results: list[ToolResult] = field(default_factory=list)
    effective: bool = False

    def messages(self, *, with_text: bool) -> Iterator[LLMMessage]:
        """Yield the answer and its results."""
        text = self.text if with_text else ""
        yield AssistantMessage(text, tuple(result.call for result in self.results))
        for result in self.results:
            failed = result.outcome not in (ToolOutcome.DONE, ToolOutcome.RUNNING)
            yield ToolMessage(result.call.id, result.call.name, result.content, failed)


def system_text(instructions: str, summary: str, extra: Iterable[str | None]) -> str:
    """Join instructions, the summary of what is forgotten, and what is added for one reply."""
    forgotten = f"Summary of the conversation before: {summary}" if summary else ""
    return "\n\n".join(part for part in (instructions, forgotten, *extra) if part)


def build(
    system: str, history: Sequence[Message], steps: Sequence[ToolStep], utterance: int, asked: str = ""
) -> list[LLMMessage]:
    """Write all that a model is given for its next answer.

    The steps of replies that are over stand after the caller's words that they answer; what their text came to
    stands in the history, as far as it was heard. Those of the reply `utterance` stand last, with their text.

    Args:
        system: of `system_text`.
        history: the messages that are not forgotten.
        steps: all that is known.
        utterance: the reply in the making.
        asked: the caller's words that it answers, where the history does not have them yet.
    """
    messages: list[LLMMessage] = [SystemMessage(system)] if system else []
    past = [step for step in steps if step.utterance != utterance]
    for message in history:
        if message.role is Role.CALLER:
            messages.append(CallerMessage(message.text))
            for step in past:
                if step.turn == message.turn:
                    messages.extend(step.messages(with_text=False))
        else:
            messages.append(AssistantMessage(message.text))
    if asked:
        messages.append(CallerMessage(asked))
    for step in steps:
        if step.utterance == utterance:
            messages.extend(step.messages(with_text=True))
    return messages


def split_old(history: Sequence[Message], most: int) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Part the history in what is to be forgotten and what is kept, between two turns.

    Nothing is forgotten of `most` messages or fewer; of more, so many turns that half of `most` or fewer are left,
    but never the latest turn.
    """
    if len(history) <= most:
        return (), tuple(history)
    latest = max(message.turn for message in history)
    first = next(
        (m.turn for i, m in enumerate(history) if len(history) - i <= most // 2 and m.role is Role.CALLER),
        latest,
    )
    old = tuple(message for message in history if message.turn < first)
    return old, tuple(message for message in history if message.turn >= first)
