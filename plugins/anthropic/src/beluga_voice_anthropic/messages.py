"""A conversation as the Messages API wants it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    SystemMessage,
    ToolCall,
    ToolChoice,
    ToolMessage,
    ToolSpec,
)
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice_anthropic.settings import AnthropicSettings

Block: TypeAlias = dict[str, object]

BEGIN = "(The call begins.)"
GO_ON = "(Go on.)"
SILENCE = "(Silence.)"
"""What stands where the vendor wants words and there are none: a conversation begins and ends with the caller, and
no text is blank."""

CHOICES = {ToolChoice.AUTO: "auto", ToolChoice.NONE: "none", ToolChoice.REQUIRED: "any"}


def body_of(
    settings: AnthropicSettings,
    messages: Sequence[LLMMessage],
    tools: Sequence[ToolSpec],
    tool_choice: ToolChoice,
) -> dict[str, object]:
    """Return the body of the call that answers `messages`, streamed."""
    body: dict[str, object] = {
        "model": settings.model,
        "max_tokens": settings.max_tokens,
        "stream": True,
        "messages": turns(messages),
    }
    system = "\n\n".join(m.text for m in messages if isinstance(m, SystemMessage) and m.text.strip())
    if system:
        body["system"] = system
    if settings.caching != "off":
        body["cache_control"] = {"type": "ephemeral", "ttl": settings.caching}
    if settings.thinking != "default":
        body["thinking"] = {"type": settings.thinking}
    if settings.effort != "default":
        body["output_config"] = {"effort": settings.effort}
    return body | _tools(settings, messages, tools, tool_choice)


def turns(messages: Iterable[LLMMessage]) -> list[Block]:
    """Return the turns of both sides: they alternate, the caller's come first and last, and none is blank."""
    found: list[tuple[str, list[Block]]] = []
    for message in messages:
        if isinstance(message, SystemMessage):
            continue
        role = "assistant" if isinstance(message, AssistantMessage) else "user"
        blocks = list(_blocks(message))
        if not found and role == "assistant":
            found.append(("user", [_text(BEGIN)]))
        if not blocks:
            continue
        if found and found[-1][0] == role:
            found[-1][1].extend(blocks)
        else:
            found.append((role, blocks))
    if not found:
        found.append(("user", [_text(BEGIN)]))
    if found[-1][0] == "assistant":
        found.append(("user", [_text(GO_ON)]))
    return [{"role": role, "content": _results_first(content)} for role, content in found]


def _results_first(blocks: list[Block]) -> list[Block]:
    """The vendor wants results of tools before a turn's other words."""
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _blocks(message: LLMMessage) -> Iterable[Block]:
    if isinstance(message, ToolMessage):
        yield {
            "type": "tool_result",
            "tool_use_id": tool_id(message.call_id),
            "content": message.text if message.text.strip() else "(empty)",
            "is_error": message.failed,
        }
    elif isinstance(message, CallerMessage):
        yield _text(message.text if message.text.strip() else SILENCE)
    elif isinstance(message, AssistantMessage):
        if message.text.strip():
            yield _text(message.text.rstrip())
        for call in message.calls:
            yield {
                "type": "tool_use",
                "id": tool_id(call.id),
                "name": call.name,
                "input": _input(call),
            }


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def tool_id(name: str) -> str:
    """Return an id that the vendor takes: other vendors' may hold other letters than its ``[a-zA-Z0-9_-]``."""
    return re.sub(r"[^a-zA-Z0-9_-]", lambda found: f"_{ord(found[0]):x}", name) or "_"


def _input(call: ToolCall) -> Mapping[str, object]:
    """The arguments; none where the model wrote no object, for which its result has told it off."""
    try:
        given = json.loads(call.arguments)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _tools(
    settings: AnthropicSettings,
    messages: Sequence[LLMMessage],
    tools: Sequence[ToolSpec],
    tool_choice: ToolChoice,
) -> dict[str, object]:
    if not tools:
        tools = _called(messages)
        tool_choice = ToolChoice.NONE
    if not tools:
        return {}
    choice: dict[str, object] = {"type": CHOICES[tool_choice]}
    if tool_choice is not ToolChoice.NONE and not settings.parallel_tool_calls:
        choice["disable_parallel_tool_use"] = True
    specs = [
        {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)} for t in tools
    ]
    return {"tools": specs, "tool_choice": choice}


def _called(messages: Iterable[LLMMessage]) -> list[ToolSpec]:
    """Tools that were called before and are not given any more: the vendor refuses calls without any tools."""
    names = {call.name: None for m in messages if isinstance(m, AssistantMessage) for call in m.calls}
    return [ToolSpec(name, "Not available any more.", {"type": "object"}) for name in names]
