"""What the Messages API answers: prompts read, caches kept, events made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

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
from beluga_voice_simulators.anthropic.request import (
    Counted,
    MessagesRequest,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    merged,
)
from beluga_voice_simulators.thinking import Prompt, Thought, as_calls, tokens

CHOICES = {
    "auto": ToolChoice.AUTO,
    "none": ToolChoice.NONE,
    "any": ToolChoice.REQUIRED,
    "tool": ToolChoice.REQUIRED,
}

LEAST_CACHED = 1024
"""Tokens below which a beginning is not kept; the vendor has a least for each model."""


def prompt_of(request: Counted) -> Prompt:
    """Return what the model is asked."""
    messages: list[LLMMessage] = []
    if request.system:
        messages.append(SystemMessage("\n\n".join(block.text for block in request.system)))
    names: dict[str, str] = {}
    for role, blocks in merged(request.messages):
        text = "\n".join(block.text for block in blocks if isinstance(block, TextBlock))
        if role == "assistant":
            used = [block for block in blocks if isinstance(block, ToolUseBlock)]
            names |= {block.id: block.name for block in used}
            calls = tuple(ToolCall(block.id, block.name, json.dumps(block.input)) for block in used)
            messages.append(AssistantMessage(text, calls))
            continue
        for block in blocks:
            if isinstance(block, ToolResultBlock):
                result = "\n".join(part.text for part in block.content if isinstance(part, TextBlock))
                name = names[block.tool_use_id]
                messages.append(ToolMessage(block.tool_use_id, name, result, block.is_error))
        if text:
            messages.append(SystemMessage(text) if role == "system" else CallerMessage(text))
    choice = request.tool_choice
    tools = tuple(
        ToolSpec(tool.name, tool.description, tool.input_schema.model_dump())
        for tool in request.tools
        if choice is None or choice.type != "tool" or choice.name == tool.name
    )
    return Prompt(tuple(messages), tools, CHOICES[choice.type if choice else "auto"], request.model)


def parts_of(request: Counted) -> list[str]:
    """Return the parts of what is read, in the order in which the vendor reads and keeps them."""
    parts = [each.model_dump_json(exclude={"cache_control"}) for each in (*request.tools, *request.system)]
    for message in request.messages:
        parts += [f"{message.role} {b.model_dump_json(exclude={'cache_control'})}" for b in message.content]
    return parts


def size(part: str) -> int:
    """Return the tokens of a part."""
    return 3 + len(tokens(part))


class Cache:
    """What the vendor keeps of what it has read, to the last part; times to live do not end here."""

    def __init__(self) -> None:
        self._kept: set[tuple[str, ...]] = set()

    def usage(self, request: Counted) -> dict[str, int]:
        """Count a request's tokens: those read anew, kept from now on, and kept from before."""
        parts = tuple(parts_of(request))
        total = sum(map(size, parts))
        if not _asks(request) or total < LEAST_CACHED:
            return _counts(total, 0, 0)
        known = next((n for n in range(len(parts), 0, -1) if parts[:n] in self._kept), 0)
        self._kept.add(parts)
        before = sum(map(size, parts[:known]))
        return _counts(0, total - before, before)


def _counts(anew: int, kept: int, cached: int) -> dict[str, int]:
    return {"input_tokens": anew, "cache_creation_input_tokens": kept, "cache_read_input_tokens": cached}


def _asks(request: Counted) -> bool:
    """Whether it is asked to be kept: as a whole, or at any part of it."""
    blocks = [block for message in request.messages for block in message.content]
    marked = (request, *request.tools, *request.system, *blocks)
    return any(getattr(each, "cache_control", None) is not None for each in marked)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to be sent.

    Attributes:
        blocks: of content.
        reason: why it stops.
        sequence: that stopped it.
        written: its tokens.
    """

    blocks: tuple[Mapping[str, object], ...]
    reason: str
    sequence: str | None
    written: int


class Writer:
    """Makes answers, and counts them."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def name(self, prefix: str) -> str:
        """Return a new id."""
        return f"{prefix}_01{next(self._numbers):022d}"

    def answer(self, thought: Thought, request: MessagesRequest) -> Answer:
        """Make an answer of a thought, as long as the request allows."""
        text, sequence = _until(thought.text, request.stop_sequences)
        words = tokens(text)
        if len(words) > request.max_tokens:
            cut = "".join(words[: request.max_tokens])
            return Answer(({"type": "text", "text": cut},), "max_tokens", None, request.max_tokens)
        blocks: list[Mapping[str, object]] = [{"type": "text", "text": text}] if text else []
        calls = [] if sequence is not None else as_calls(thought, lambda: self.name("toolu"))
        if request.tool_choice is not None and request.tool_choice.disable_parallel_tool_use:
            calls = calls[:1]
        for call in calls:
            given = json.loads(call.arguments)
            blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
        reason = "tool_use" if calls else "end_turn" if sequence is None else "stop_sequence"
        written = len(words) + sum(5 + len(tokens(call.arguments)) for call in calls)
        return Answer(tuple(blocks), reason, sequence, max(written, 1))

    def whole(self, answer: Answer, model: str, read: Mapping[str, int]) -> dict[str, object]:
        """Return an answer that is not streamed."""
        return {
            **self._message(model, {**read, "output_tokens": answer.written}),
            "content": list(answer.blocks),
            "stop_reason": answer.reason,
            "stop_sequence": answer.sequence,
        }

    def events(self, answer: Answer, model: str, read: Mapping[str, int]) -> Iterator[dict[str, object]]:
        """Yield the events of a streamed answer; each one's type is its name as well."""
        yield {"type": "message_start", "message": self._message(model, {**read, "output_tokens": 1})}
        for index, block in enumerate(answer.blocks):
            empty: dict[str, object] = {"text": ""} if block["type"] == "text" else {"input": {}}
            yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty}}
            if not index:
                yield {"type": "ping"}
            for delta in _deltas(block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": answer.reason, "stop_sequence": answer.sequence},
            "usage": {**read, "output_tokens": answer.written},
        }
        yield {"type": "message_stop"}

    def _message(self, model: str, usage: Mapping[str, object]) -> dict[str, object]:
        return {
            "id": self.name("msg"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage, "service_tier": "standard"},
        }


def _until(text: str, sequences: list[str]) -> tuple[str, str | None]:
    found = [(text.index(each), each) for each in sequences if each and each in text]
    if not found:
        return text, None
    place, sequence = min(found)
    return text[:place], sequence


def _deltas(block: Mapping[str, object]) -> Iterator[dict[str, str]]:
    if block["type"] == "text":
        for token in tokens(str(block["text"])):
            yield {"type": "text_delta", "text": token}
        return
    yield {"type": "input_json_delta", "partial_json": ""}
    if block["input"]:
        for token in tokens(json.dumps(block["input"])):
            yield {"type": "input_json_delta", "partial_json": token}
