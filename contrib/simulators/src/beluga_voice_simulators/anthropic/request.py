"""What the Messages API takes: fields as the vendor checks them, and its rules on conversations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

SAMPLING = ("temperature", "top_p", "top_k")
"""Fields that API version 2026-10-21 has removed."""

NEWEST = "2026-10-21"
VERSIONS = ("2023-06-01", NEWEST)

R = TypeVar("R", bound=BaseModel)

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
Id = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]


class WrongRequest(Exception):
    """The vendor refuses a body, by status 400; the text says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CacheControl(_Strict):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class _Block(_Strict):
    cache_control: CacheControl | None = None


class TextBlock(_Block):
    type: Literal["text"]
    text: str
    citations: list[dict[str, Any]] | None = None


class SourceBlock(_Block):
    type: Literal["image", "document"]
    source: dict[str, Any]
    title: str | None = None
    context: str | None = None


class ToolUseBlock(_Block):
    type: Literal["tool_use"]
    id: Id
    name: Name
    input: dict[str, Any]
    caller: dict[str, Any] | None = None


class ThinkingBlock(_Strict):
    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(_Strict):
    type: Literal["redacted_thinking"]
    data: str


def _as_blocks(content: Any) -> Any:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


ResultBlock = Annotated[TextBlock | SourceBlock, Field(discriminator="type")]


class ToolResultBlock(_Block):
    type: Literal["tool_result"]
    tool_use_id: Id
    content: Annotated[list[ResultBlock], BeforeValidator(_as_blocks)] = []
    is_error: bool = False


Block: TypeAlias = (
    TextBlock | SourceBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock | RedactedThinkingBlock
)


class Message(_Strict):
    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Annotated[Block, Field(discriminator="type")]], BeforeValidator(_as_blocks)]


class InputSchema(BaseModel):
    model_config = ConfigDict(extra="allow")
    type: Literal["object"]


class Tool(_Block):
    name: Name
    description: str = ""
    input_schema: InputSchema
    type: Literal["custom"] | None = None
    strict: bool = False
    defer_loading: bool = False
    eager_input_streaming: bool | None = None
    input_examples: list[dict[str, Any]] = []


class Choice(_Strict):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class Thinking(_Strict):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = Field(default=None, ge=1024)
    display: Literal["summarized", "omitted"] | None = None


class OutputConfig(_Strict):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: dict[str, Any] | None = None


class Counted(_Strict):
    """What is read of a call: all that ``count_tokens`` takes."""

    model: str = Field(min_length=1)
    messages: list[Message]
    system: Annotated[list[TextBlock], BeforeValidator(_as_blocks)] = []
    tools: list[Tool] = []
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None


class MessagesRequest(Counted):
    """The body of ``/v1/messages``."""

    max_tokens: int = Field(ge=1)
    stream: bool = False
    stop_sequences: list[str] = []
    metadata: dict[str, Any] | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    container: Any = None
    diagnostics: Any = None
    inference_geo: str | None = None
    speed: Literal["standard", "fast"] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0)


def read(body: object, version: str) -> MessagesRequest:
    """Read the body of ``/v1/messages``.

    Raises:
        WrongRequest: the vendor would refuse it.
    """
    _refuse_sampling(body, version)
    request = _validated(MessagesRequest, body)
    check(request)
    return request


def read_counted(body: object, version: str) -> Counted:
    """Read the body of ``/v1/messages/count_tokens``.

    Raises:
        WrongRequest: the vendor would refuse it.
    """
    _refuse_sampling(body, version)
    request = _validated(Counted, body)
    check(request)
    return request


def _refuse_sampling(body: object, version: str) -> None:
    if version == NEWEST and isinstance(body, Mapping):
        for name in SAMPLING:
            if name in body:
                raise WrongRequest(f"{name}: Extra inputs are not permitted")


def _validated(kind: type[R], body: object) -> R:
    try:
        return kind.model_validate(body)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise WrongRequest(f"{place}: {first['msg']}" if place else first["msg"]) from None


# -- conversations --


def check(request: Counted) -> None:
    """Hold the vendor's rules on conversations and tools.

    Raises:
        WrongRequest: one is broken.
    """
    if not request.messages:
        raise WrongRequest("messages: at least one message is required")
    if request.messages[0].role == "assistant":
        raise WrongRequest('messages: first message must use the "user" role')
    for number, message in enumerate(request.messages):
        _check_texts(message, number)
    turns = merged(request.messages)
    for number, (role, blocks) in enumerate(turns):
        before = turns[number - 1][1] if number else ()
        after = turns[number + 1][1] if number + 1 < len(turns) else ()
        _check_calls(number, role, blocks, before, after)
    _check_tools(request)


def merged(messages: Sequence[Message]) -> list[tuple[str, list[Block]]]:
    """Join messages of one role that follow each other, as the vendor does."""
    turns: list[tuple[str, list[Block]]] = []
    for message in messages:
        if turns and turns[-1][0] == message.role:
            turns[-1][1].extend(message.content)
        else:
            turns.append((message.role, list(message.content)))
    return turns


def _check_texts(message: Message, number: int) -> None:
    if not message.content:
        raise WrongRequest(f"messages.{number}: all messages must have non-empty content")
    for block in message.content:
        if isinstance(block, TextBlock) and not block.text:
            raise WrongRequest("messages: text content blocks must be non-empty")
        if isinstance(block, TextBlock) and not block.text.strip():
            raise WrongRequest("messages: text content blocks must contain non-whitespace text")
        if message.role == "user" and isinstance(block, ToolUseBlock):
            raise WrongRequest(f"messages.{number}: `tool_use` blocks can only be in `assistant` messages")
        if message.role == "assistant" and isinstance(block, ToolResultBlock):
            raise WrongRequest(f"messages.{number}: `tool_result` blocks can only be in `user` messages")


def _check_calls(
    number: int, role: str, blocks: Sequence[Block], before: Sequence[Block], after: Sequence[Block]
) -> None:
    asked = [block.id for block in before if isinstance(block, ToolUseBlock)]
    strange = [each for each in _answered(blocks) if each not in asked]
    if strange:
        raise WrongRequest(
            f"messages.{number}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {strange[0]}. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
        )
    answered = list(_answered(after))
    owed = [block.id for block in blocks if isinstance(block, ToolUseBlock) and block.id not in answered]
    if role == "assistant" and owed:
        raise WrongRequest(
            f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(owed)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )


def _answered(blocks: Sequence[Block]) -> Iterator[str]:
    """Ids of the results that a turn begins with; the vendor overlooks those after other words."""
    for block in blocks:
        if not isinstance(block, ToolResultBlock):
            return
        yield block.tool_use_id


def _check_tools(request: Counted) -> None:
    names = [tool.name for tool in request.tools]
    if len(set(names)) < len(names):
        raise WrongRequest("tools: Tool names must be unique.")
    calls = any(
        isinstance(block, (ToolUseBlock, ToolResultBlock))
        for message in request.messages
        for block in message.content
    )
    if calls and not names:
        raise WrongRequest("Requests which include `tool_use` or `tool_result` blocks must define tools")
    choice = request.tool_choice
    if choice is None:
        return
    if not names:
        raise WrongRequest("tool_choice may only be specified while providing tools")
    if choice.type == "tool" and choice.name not in names:
        raise WrongRequest(f"Tool '{choice.name}' not found in provided tools")
