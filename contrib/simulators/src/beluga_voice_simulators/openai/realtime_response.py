"""One response of a realtime conversation: its audio, words and calls, until it is complete, cut or failed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from beluga_voice.contracts import SystemMessage, ToolCall
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.openai.chat import choice_of, counted
from beluga_voice_simulators.openai.fields import check_names, choose, take
from beluga_voice_simulators.openai.realtime_items import RATE, Item, messages_of, read_item
from beluga_voice_simulators.openai.realtime_session import tools_of
from beluga_voice_simulators.thinking import Prompt, as_calls, tokens

if TYPE_CHECKING:
    from beluga_voice_simulators.openai.realtime import Conversation

FIELDS = (
    *("audio", "conversation", "input", "instructions", "max_output_tokens", "metadata", "output_modalities"),
    *("parallel_tool_calls", "prompt", "reasoning", "tool_choice", "tools"),
)


class Cut(Exception):
    """The response ends early; the reason is its text, and empty for a failure."""


class Response:
    """A response in the making.

    Args:
        conversation: that it belongs to.
        asked: what the client says of it.

    Raises:
        WrongField: the vendor would refuse it.

    Attributes:
        in_conversation: whether it becomes part of it.
        over: set when it has ended.
    """

    def __init__(self, conversation: Conversation, asked: Mapping[str, Any]) -> None:
        check_names(asked, FIELDS, (), "response.")
        self._talk = conversation
        self._vendor = conversation.vendor
        self._given = asked
        settings = conversation.settings
        own = asked.get("tools")
        self._tools = settings.tools if own is None else tools_of(own)
        self._choice = choice_of(
            {"tool_choice": asked.get("tool_choice") or settings.given["tool_choice"]}, self._tools
        )
        self._input = [
            read_item(each, self._vendor.names.new("item"), set(conversation.calls))
            for each in take(asked, "input", "an array", [], "response.")
        ]
        where = choose(asked, "conversation", ("auto", "none"), "auto", "response.")
        self.in_conversation = where == "auto"
        self.id = self._vendor.names.new("resp")
        self.over = asyncio.Event()
        self._output: list[dict[str, Any]] = []
        self._cut = ""

    def cancel(self, reason: str) -> None:
        """End it early."""
        self._cut = self._cut or reason

    async def begin(self) -> None:
        """Tell that it begins."""
        await self._talk.send("response.created", response=self._shown("in_progress"))

    async def run(self) -> None:
        """Think, speak and call; and tell how it ended."""
        status, details, usage = "completed", None, None
        try:
            usage = await self._answer()
        except Cut as cut:
            status = "cancelled" if cut.args[0] else "failed"
            details = {"type": status, "reason": cut.args[0]} if cut.args[0] else _failed()
        shown = self._shown(status) | {"status_details": details, "usage": usage}
        if self._talk.response is self:
            self._talk.response = None
        self.over.set()
        await self._talk.send("response.done", response=shown)

    async def _answer(self) -> dict[str, Any]:
        prompt = await self._prompt()
        thought = await self._vendor.backends.mind.think(prompt)
        await self._vendor.wait(self._vendor.delays.first_token)
        self._check()
        if thought.text:
            await self._speak(thought.text)
        for call in as_calls(thought, lambda: self._vendor.names.new("call")):
            await self._call(call)
        read, written = counted(thought, prompt)
        return {
            "total_tokens": read + written,
            "input_tokens": read,
            "output_tokens": written,
            "input_token_details": {"cached_tokens": 0, "text_tokens": read, "audio_tokens": 0},
            "output_token_details": {"text_tokens": written, "audio_tokens": 0},
        }

    async def _prompt(self) -> Prompt:
        settings = self._talk.settings
        items = self._input if self._given.get("input") is not None else list(self._talk.items)
        instructions = self._given.get("instructions") or settings.given["instructions"]
        messages = (SystemMessage(instructions), *await messages_of(items))
        return Prompt(messages, self._tools, self._choice, settings.model)

    # -- speech --

    async def _speak(self, text: str) -> None:
        content: dict[str, Any] = {"type": "output_audio", "transcript": ""}
        item = Item(self._new("message", role="assistant", content=[]))
        place = await self._add(item)
        at = {**place, "content_index": 0}
        part = {"type": "audio", "transcript": ""}
        await self._talk.send("response.content_part.added", **at, part=part)
        item.shown["content"] = [content]
        try:
            await self._say(text, item, content, at)
        except Cut:
            item.shown["status"] = "incomplete"
            await self._end_speech(item, content, at)
            raise
        item.shown["status"] = "completed"
        await self._end_speech(item, content, at)

    async def _say(self, text: str, item: Item, content: dict[str, Any], at: Mapping[str, object]) -> None:
        output = self._talk.settings.output
        self._talk.settings.spoken = True
        breaks = self._vendor.faults.take(Fault.HALF_ANSWER)
        await self._vendor.wait(self._vendor.delays.first_audio)
        speech = self._vendor.backends.voice.speak(
            text, RATE, voice=output["voice"], speed=output["speed"] or 1.0
        )
        async with aclosing(speech) as pieces:
            async for said in pieces:
                self._check()
                for word in said.words:
                    delta = word.text if not item.words else f" {word.text}"
                    item.words.append(word)
                    content["transcript"] += delta
                    await self._talk.send("response.output_audio_transcript.delta", **at, delta=delta)
                if len(said.samples):
                    data = base64.b64encode(said.samples.astype("<i2").tobytes()).decode()
                    item.samples += len(said.samples)
                    await self._talk.send("response.output_audio.delta", **at, delta=data)
                if breaks:
                    raise Cut("")
                pace = self._vendor.pace
                await asyncio.sleep(len(said.samples) / RATE / pace if pace else 0.0)

    async def _end_speech(self, item: Item, content: Mapping[str, Any], at: Mapping[str, object]) -> None:
        transcript = content["transcript"]
        await self._talk.send("response.output_audio.done", **at)
        await self._talk.send("response.output_audio_transcript.done", **at, transcript=transcript)
        part = {"type": "audio", "transcript": transcript}
        await self._talk.send("response.content_part.done", **at, part=part)
        await self._done(item)

    # -- calls --

    async def _call(self, call: ToolCall) -> None:
        self._check()
        item = Item(self._new("function_call", call_id=call.id, name=call.name, arguments=""))
        self._talk.calls.add(call.id)
        place = await self._add(item)
        for token in tokens(call.arguments):
            await self._talk.send(
                "response.function_call_arguments.delta", **place, call_id=call.id, delta=token
            )
        await self._talk.send(
            "response.function_call_arguments.done",
            **place,
            call_id=call.id,
            name=call.name,
            arguments=call.arguments,
        )
        item.shown |= {"arguments": call.arguments, "status": "completed"}
        await self._done(item)

    # -- items --

    def _new(self, kind: str, **fields: object) -> dict[str, Any]:
        name = self._vendor.names.new("item")
        return {"id": name, "object": "realtime.item", "type": kind, "status": "in_progress", **fields}

    async def _add(self, item: Item) -> dict[str, object]:
        index = len(self._output)
        self._output.append(item.shown)
        await self._talk.send(
            "response.output_item.added", response_id=self.id, output_index=index, item=item.shown
        )
        if self.in_conversation:
            await self._talk.add(item)
        return {"response_id": self.id, "item_id": item.id, "output_index": index}

    async def _done(self, item: Item) -> None:
        index = self._output.index(item.shown)
        await self._talk.send(
            "response.output_item.done", response_id=self.id, output_index=index, item=item.shown
        )
        if self.in_conversation:
            await self._talk.tell_done(item)

    def _check(self) -> None:
        if self._cut:
            raise Cut(self._cut)

    def _shown(self, status: str) -> dict[str, Any]:
        output = self._talk.settings.output
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": None,
            "output": list(self._output),
            "conversation_id": "conv_1" if self.in_conversation else None,
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": None,
            "metadata": self._given.get("metadata"),
        }


def _failed() -> dict[str, Any]:
    words = "The server had an error while processing your request. Sorry about that!"
    return {"type": "failed", "error": {"type": "server_error", "code": "server_error", "message": words}}
