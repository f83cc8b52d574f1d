"""Prompts read, and answers made."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

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
from beluga_voice_simulators.gemini.request import Content, GenerateRequest, Tool
from beluga_voice_simulators.thinking import Prompt, Thought, tokens

CHOICES = {"ANY": ToolChoice.REQUIRED, "NONE": ToolChoice.NONE}


def prompt_of(request: GenerateRequest, model: str) -> Prompt:
    """Return what the model is asked."""
    config = request.tool_config.function_calling_config if request.tool_config else None
    allowed = config.allowed_function_names if config else []
    tools = tuple(tool for tool in tools_of(request.tools) if not allowed or tool.name in allowed)
    messages = (*system_of(request.system_instruction), *messages_of(request.contents))
    return Prompt(messages, tools, CHOICES.get(config.mode if config else "AUTO", ToolChoice.AUTO), model)


def system_of(content: Content | None) -> Iterator[LLMMessage]:
    """Yield the instructions, if any."""
    if content is not None:
        yield SystemMessage("\n\n".join(part.text for part in content.parts if part.text))


def messages_of(contents: Iterable[Content]) -> Iterator[LLMMessage]:
    """Yield what was said, in this project's own words."""
    for content in contents:
        text = "\n".join(part.text for part in content.parts if part.text and not part.thought)
        if content.role == "model":
            calls = [part.function_call for part in content.parts if part.function_call is not None]
            yield AssistantMessage(text, tuple(ToolCall(c.id, c.name, json.dumps(c.args)) for c in calls))
            continue
        for part in content.parts:
            if part.function_response is not None:
                yield result_of(part.function_response.model_dump())
        if text:
            yield CallerMessage(text)


def result_of(response: Mapping[str, object]) -> ToolMessage:
    """Return the result of a call."""
    given = response["response"]
    values = given if isinstance(given, dict) else {}
    text = values.get("output", values.get("error", values))
    shown = text if isinstance(text, str) else json.dumps(text)
    return ToolMessage(str(response["id"]), str(response["name"]), shown, "error" in values)


def tools_of(tools: Iterable[Tool]) -> Iterator[ToolSpec]:
    """Yield the functions that may be called."""
    for tool in tools:
        for each in tool.function_declarations:
            schema = each.parameters_json_schema or each.parameters or {}
            yield ToolSpec(each.name, each.description, _lowered(schema))


def _lowered(schema: Mapping[str, object]) -> dict[str, object]:
    """The vendor's own schemas name types in capitals."""
    found: dict[str, object] = {}
    for name, value in schema.items():
        if name == "type" and isinstance(value, str):
            found[name] = value.lower()
        else:
            found[name] = _lowered(value) if isinstance(value, dict) else value
    return found


def size(messages: Sequence[LLMMessage]) -> int:
    """Return the tokens of what is read."""
    return sum(4 + len(tokens(message.text)) for message in messages)


class Writer:
    """Makes answers.

    Attributes:
        signatures: that were given with calls.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self.signatures: set[str] = set()

    def name(self) -> str:
        """Return a new id."""
        return f"{next(self._numbers):08x}"

    def calls(self, thought: Thought) -> list[dict[str, object]]:
        """Return the calls of a thought, each with an id."""
        return [{"id": self.name(), "name": name, "args": dict(args)} for name, args in thought.calls]

    def chunks(self, thought: Thought, prompt: Prompt, most: int | None) -> Iterator[dict[str, object]]:
        """Yield the chunks of an answer of at most `most` tokens."""
        words = tokens(thought.text)
        cut = most is not None and len(words) > most
        parts: list[dict[str, object]] = [{"text": word} for word in words[:most]]
        if not cut:
            parts += self._signed(thought)
        if not parts:
            parts = [{"text": ""}]
        read, written = size(prompt.messages), len(parts)
        name = self.name()
        for number, part in enumerate(parts, 1):
            last = number == len(parts)
            candidate: dict[str, object] = {"content": {"role": "model", "parts": [part]}, "index": 0}
            if last:
                candidate["finishReason"] = "MAX_TOKENS" if cut else "STOP"
            yield {
                "candidates": [candidate],
                "usageMetadata": _usage(read, written if last else number),
                "modelVersion": prompt.model,
                "responseId": name,
            }

    def _signed(self, thought: Thought) -> Iterator[dict[str, object]]:
        for number, call in enumerate(self.calls(thought)):
            part: dict[str, object] = {"functionCall": call}
            if not number:
                signature = base64.b64encode(f"signed {call['id']}".encode()).decode()
                self.signatures.add(signature)
                part["thoughtSignature"] = signature
            yield part


def joined(chunks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the chunks of an answer as one, for who does not stream."""
    parts: list[dict[str, object]] = []
    for chunk in chunks:
        for part in chunk["candidates"][0]["content"]["parts"]:
            if parts and "text" in part and "text" in parts[-1]:
                parts[-1] = {"text": f"{parts[-1]['text']}{part['text']}"}
            else:
                parts.append(part)
    last = chunks[-1]
    whole = {**last["candidates"][0], "content": {"role": "model", "parts": parts}}
    return {**last, "candidates": [whole]}


def _usage(read: int, written: int) -> dict[str, object]:
    return {
        "promptTokenCount": read,
        "candidatesTokenCount": written,
        "totalTokenCount": read + written,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": read}],
    }
