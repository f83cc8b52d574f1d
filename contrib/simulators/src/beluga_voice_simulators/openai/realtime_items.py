"""The items of a realtime conversation, and what a model is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    Word,
)
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice_simulators.hearing import Heard
from beluga_voice_simulators.openai.fields import WrongField, check_names, choose, take

RATE = 24000
"""Hz of all audio."""

CONTENT = {
    "user": ("input_text", "input_audio"),
    "assistant": ("output_text", "output_audio"),
    "system": ("input_text",),
}


@dataclass(slots=True)
class Item:
    """An item.

    Attributes:
        shown: as events have it.
        hearing: ends with the words of a caller's speech.
        words: what the model says in it, with their times.
        samples: of the model's audio.
        heard_until: seconds of it that count, once it was truncated.
    """

    shown: dict[str, Any]
    hearing: asyncio.Task[Heard] | None = None
    words: list[Word] = field(default_factory=list)
    samples: int = 0
    heard_until: float | None = None

    @property
    def id(self) -> str:
        """Its name."""
        return str(self.shown["id"])

    def truncate(self, content_index: int, end_ms: int) -> None:
        """Forget what was said after `end_ms`.

        Raises:
            WrongField: it is no audio of the model's, or ends before.
        """
        if self.shown.get("role") != "assistant" or not self.samples:
            raise WrongField("Only model output audio messages can be truncated", code="invalid_value")
        whole = self.samples * 1000 // RATE
        if content_index != 0 or not 0 <= end_ms <= whole:
            raise WrongField(
                f"Audio content of {whole}ms is already shorter than {end_ms}ms", code="invalid_value"
            )
        self.heard_until = end_ms / 1000

    def said(self) -> str:
        """Return what the model knows to have been heard of it."""
        if self.heard_until is None:
            return " ".join(word.text for word in self.words)
        return " ".join(word.text for word in self.words if word.end <= self.heard_until)


async def messages_of(items: Iterable[Item]) -> list[LLMMessage]:
    """Return what a model is told of the items; waits for speech to be understood."""
    messages: list[LLMMessage] = []
    names: dict[str, str] = {}
    for item in items:
        shown = item.shown
        if shown["type"] == "function_call":
            names[shown["call_id"]] = shown["name"]
            call = ToolCall(shown["call_id"], shown["name"], shown["arguments"])
            messages.append(AssistantMessage("", (call,)))
        elif shown["type"] == "function_call_output":
            messages.append(ToolMessage(shown["call_id"], names.get(shown["call_id"], ""), shown["output"]))
        elif item.hearing is not None:
            messages.append(CallerMessage((await item.hearing).text))
        else:
            text = item.said() if item.samples else _text(shown)
            kind = {"user": CallerMessage, "assistant": AssistantMessage}.get(shown["role"], SystemMessage)
            messages.append(kind(text))
    return messages


def _text(shown: dict[str, Any]) -> str:
    return "".join(part.get("text") or part.get("transcript") or "" for part in shown["content"])


def read_item(given: Any, name: str, calls: set[str]) -> Item:
    """Read an item that the client makes.

    Args:
        given: as it came.
        name: if it has none of its own.
        calls: the ids of the calls that there are; grows by one that is made.

    Raises:
        WrongField: the vendor would refuse it.
    """
    if not isinstance(given, dict):
        raise WrongField("Invalid type for 'item': expected an object.", param="item", code="invalid_type")
    kind = choose(given, "type", ("message", "function_call", "function_call_output"), where="item.")
    if kind is None:
        check_names(given, given, ("type",), "item.")
    shown = {"object": "realtime.item", "status": "completed", **given}
    shown["id"] = take(given, "id", "a string", name, "item.")
    if kind == "message":
        _check_message(given)
    elif kind == "function_call":
        own = ("id", "type", "object", "status", "call_id", "name", "arguments")
        check_names(given, own, ("name", "arguments"), "item.")
        shown["call_id"] = take(given, "call_id", "a string", name.replace("item", "call"), "item.")
        calls.add(shown["call_id"])
    else:
        check_names(
            given, ("id", "type", "object", "status", "call_id", "output"), ("call_id", "output"), "item."
        )
        take(given, "output", "a string", where="item.")
        if given["call_id"] not in calls:
            raise WrongField(
                f"Tool call ID '{given['call_id']}' not found in conversation.",
                param="item.call_id",
                code="invalid_tool_call_id",
            )
    return Item(shown)


def _check_message(given: dict[str, Any]) -> None:
    check_names(
        given, ("id", "type", "object", "status", "role", "content", "phase"), ("role", "content"), "item."
    )
    role = choose(given, "role", tuple(CONTENT), where="item.")
    for number, part in enumerate(take(given, "content", "an array", where="item.")):
        where = f"item.content[{number}]."
        if not isinstance(part, dict):
            raise WrongField(f"Invalid type for '{where}'.", param=where, code="invalid_type")
        check_names(part, ("type", "text", "audio", "transcript"), ("type",), where)
        choose(part, "type", CONTENT[role], where=where)
        take(part, "text", "a string", where=where)
