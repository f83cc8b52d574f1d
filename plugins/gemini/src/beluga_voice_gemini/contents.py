"""A conversation as the Gemini API wants it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from beluga_voice_gemini.settings import GeminiSettings

Object: TypeAlias = dict[str, object]

BEGIN = "(The call begins.)"
GO_ON = "(Go on.)"
SILENCE = "(Silence.)"
"""What stands where the vendor wants words and there are none: a conversation begins and ends with the caller, and
no part is empty."""

UNSIGNED = "skip_thought_signature_validator"
"""The signature that the vendor takes of a call which none of its models has made, or whose signature is lost."""

CHOICES = {ToolChoice.AUTO: "AUTO", ToolChoice.NONE: "NONE", ToolChoice.REQUIRED: "ANY"}


def body_of(
    settings: GeminiSettings,
    messages: Sequence[LLMMessage],
    tools: Sequence[ToolSpec],
    tool_choice: ToolChoice,
    signature: Callable[[str], str | None],
) -> Object:
    """Return the body of the call that answers `messages`.

    Args:
        signature: gives the signature of a call by its id; None if it is not known, empty if it had none.
    """
    generation: Object = {"maxOutputTokens": settings.max_output_tokens}
    if settings.temperature is not None:
        generation["temperature"] = settings.temperature
    if settings.thinking_level != "default":
        generation["thinkingConfig"] = {"thinkingLevel": settings.thinking_level.upper()}
    elif settings.thinking_budget is not None:
        generation["thinkingConfig"] = {"thinkingBudget": settings.thinking_budget}
    body: Object = {"contents": contents(messages, signature), "generationConfig": generation}
    system = "\n\n".join(m.text for m in messages if isinstance(m, SystemMessage) and m.text.strip())
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if tools:
        body["tools"] = [{"functionDeclarations": declarations(tools)}]
        body["toolConfig"] = {"functionCallingConfig": {"mode": CHOICES[tool_choice]}}
    return body


def declarations(tools: Iterable[ToolSpec]) -> list[Object]:
    """Return what the model is told of tools."""
    return [
        {"name": t.name, "description": t.description, "parametersJsonSchema": dict(t.parameters)}
        for t in tools
    ]


def contents(messages: Iterable[LLMMessage], signature: Callable[[str], str | None]) -> list[Object]:
    """Return the turns of both sides: they alternate, the caller's come first and last, and none is empty."""
    found: list[tuple[str, list[Object]]] = []
    for message in messages:
        role = "model" if isinstance(message, AssistantMessage) else "user"
        parts = list(_parts(message, signature))
        if not parts:
            continue
        if not found and role == "model":
            found.append(("user", [{"text": BEGIN}]))
        if found and _joins(found[-1], role, message):
            found[-1][1].extend(parts)
        else:
            found.append((role, parts))
    if not found:
        found.append(("user", [{"text": BEGIN}]))
    if found[-1][0] == "model":
        found.append(("user", [{"text": GO_ON}]))
    return [{"role": role, "parts": parts} for role, parts in found]


def _joins(last: tuple[str, list[Object]], role: str, message: LLMMessage) -> bool:
    """Whether a message belongs to the turn before it: results of tools have one of their own."""
    results = "functionResponse" in last[1][-1]
    return last[0] == role and (role == "model" or results == isinstance(message, ToolMessage))


def _parts(message: LLMMessage, signature: Callable[[str], str | None]) -> Iterable[Object]:
    if isinstance(message, CallerMessage):
        yield {"text": message.text if message.text.strip() else SILENCE}
    elif isinstance(message, ToolMessage):
        yield {"functionResponse": response_of(message)}
    elif isinstance(message, AssistantMessage):
        if message.text.strip():
            yield {"text": message.text}
        for number, call in enumerate(message.calls):
            part: Object = {"functionCall": {"id": call.id, "name": call.name, "args": _arguments(call)}}
            signed = signature(call.id)
            if signed is None and not number:
                signed = UNSIGNED
            if signed:
                part["thoughtSignature"] = signed
            yield part


def response_of(result: ToolMessage) -> Object:
    """Return the result of a call."""
    return {
        "id": result.call_id,
        "name": result.name,
        "response": {"error" if result.failed else "output": result.text},
    }


def _arguments(call: ToolCall) -> Mapping[str, object]:
    """The arguments; none where a model wrote no object, for which its result has told it off."""
    try:
        given = json.loads(call.arguments)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
