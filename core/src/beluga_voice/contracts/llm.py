"""Language models: text and tool calls, streamed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

from beluga_voice.contracts.provider import Provider
from beluga_voice.conversation import ToolCall

# -- what a model is given --


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """How the model is to behave. At most one, and it is the first message."""

    text: str


@dataclass(frozen=True, slots=True)
class CallerMessage:
    """What the caller said; vendors call it the user's."""

    text: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the model said or asked for before; `text` is as far as the caller has heard it, and may be empty."""

    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The result of one call of the assistant's message before it.

    Attributes:
        call_id: the `ToolCall.id` that it answers.
        name: the tool's.
        text: the result, or a sentence on what went wrong.
        failed: whether it is an error.
    """

    call_id: str
    name: str
    text: str
    failed: bool = False


LLMMessage: TypeAlias = SystemMessage | CallerMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: what it does, and when to use it.
        parameters: JSON schema of its arguments, of type object. Not to be changed.
    """

    name: str
    description: str
    parameters: Mapping[str, object]


class ToolChoice(StrEnum):
    """Whether the model may call tools."""

    AUTO = "auto"
    NONE = "none"
    """Answer by text. The tools are still given: vendors refuse a history with calls of tools they do not know."""

    REQUIRED = "required"


# -- what a model gives --


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text, of any length."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a tool call. The deltas of one `index` make one call, which is complete when the stream ends.

    A vendor that streams arguments gives them on as they come; one that gives whole calls gives one delta each.

    Attributes:
        index: counts the calls of this answer from 0.
        id: the vendor's name of the call, given once; empty otherwise, and if the vendor has none.
        name: the tool's, given once; empty otherwise.
        arguments: the next piece of the arguments' JSON.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class FinishReason(StrEnum):
    """Why a model's answer ended."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that one answer took.

    Attributes:
        input_tokens: all that was read, `cached_tokens` included.
        output_tokens: all that was written, hidden reasoning included.
        cached_tokens: of what was read, what the vendor had kept from before.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The last chunk of an answer."""

    reason: FinishReason


LLMChunk: TypeAlias = TextDelta | ToolCallDelta | Usage | Finished


class LLM(Provider):
    """A language model. One serves all sessions of a process, with any number of answers at a time."""

    kind: ClassVar[str] = "llm"

    provider_name: str = ""
    """Whose model it is, for telemetry: a name of OpenTelemetry's ``gen_ai.provider.name``, as in ``openai``."""

    model_name: str = ""
    """The model's name, for telemetry."""

    @abstractmethod
    def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        """Answer `messages`, yielding each chunk as soon as it is there; the last is `Finished`.

        Closing the generator (`aclose`) or cancelling the task that iterates ends the answer, and lets go of its
        connection.

        Args:
            messages: oldest first. They may end with any kind of message; an assistant's with calls is followed
                by one `ToolMessage` for each. Texts may hold any Unicode, and may be empty.
            tools: what the model may call.
            tool_choice: whether it may, or must.

        Raises:
            ProviderError: the vendor failed or refused, when iterated; `retryable` tells whether to try again.
            ClosedError: after `aclose`, when iterated.
        """
