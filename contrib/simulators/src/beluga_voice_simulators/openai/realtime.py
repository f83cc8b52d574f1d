"""Realtime conversations and transcriptions: the WebSocket ``/v1/realtime``."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.delays import Delay, Delays
from beluga_voice_simulators.faults import Fault, Faults
from beluga_voice_simulators.finals import Finals
from beluga_voice_simulators.hearing import Heard, SpeechGate, at_16_khz
from beluga_voice_simulators.line import Line
from beluga_voice_simulators.openai.fields import Names, WrongField, choose, take
from beluga_voice_simulators.openai.realtime_items import RATE, Item, read_item
from beluga_voice_simulators.openai.realtime_response import Response
from beluga_voice_simulators.openai.realtime_session import Settings
from beluga_voice_simulators.thinking import tokens

SHORTEST = 0.1
"""Seconds of audio that can be committed."""

SILENCE = 0.5
"""Seconds of silence that end a turn for semantic VAD, whose judgement is not simulated."""


class Vendor(Protocol):
    """What a conversation needs of its simulator."""

    backends: Backends
    delays: Delays
    faults: Faults
    names: Names
    pace: float

    async def wait(self, delay: Delay) -> None:
        """Let a delay pass."""


class Conversation:
    """One connection.

    Args:
        vendor: the simulator.
        line: the WebSocket.
        settings: of the session, which the client changes.
    """

    def __init__(self, vendor: Vendor, line: Line, settings: Settings) -> None:
        self.vendor = vendor
        self.settings = settings
        self.items: list[Item] = []
        self.calls: set[str] = set()
        self.response: Response | None = None
        self._line = line
        self._name = vendor.names.new("sess")
        self._gate = SpeechGate(RATE)
        self._audio: list[NDArray[np.int16]] = []
        self._speech = ""
        self._fresh = True
        self._finals: Finals[tuple[Item, Heard]] = Finals(
            vendor.faults, self._send_final, lambda final: (final[0], Heard())
        )
        self._group = asyncio.TaskGroup()

    async def run(self) -> None:
        """Serve the client until it goes.

        Raises:
            ExceptionGroup: of `Gone`: it has.
        """
        async with self._group:
            if self.vendor.faults.take(Fault.AUDIO_BEFORE_READY):
                await self.send(
                    "response.output_audio.delta",
                    response_id="resp_early",
                    item_id="item_early",
                    output_index=0,
                    content_index=0,
                    delta=_base64(np.zeros(RATE // 50, np.int16)),
                )
            await self.send("session.created", session=self.settings.shown(self._name))
            while True:
                await self._take(await self._line.receive())

    async def send(self, kind: str, **fields: object) -> None:
        """Send an event."""
        await self._line.send({"type": kind, "event_id": self.vendor.names.new("event"), **fields})

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Run something beside, as long as the connection lasts."""
        return self._group.create_task(work)

    async def add(self, item: Item) -> None:
        """Put an item at the end of the conversation, and tell."""
        before = self.items[-1].id if self.items else None
        self.items.append(item)
        await self.send("conversation.item.added", previous_item_id=before, item=item.shown)

    async def tell_done(self, item: Item) -> None:
        """Tell that an item is complete."""
        index = self.items.index(item) if item in self.items else 0
        before = self.items[index - 1].id if index else None
        await self.send("conversation.item.done", previous_item_id=before, item=item.shown)

    # -- what the client says --

    async def _take(self, message: str | bytes) -> None:
        event: Any = None
        try:
            event = json.loads(message)
            if not isinstance(event, dict):
                raise WrongField("Invalid type for the event: expected an object.", code="invalid_type")
            kind = choose(event, "type", tuple(self._TAKES), where="")
            if kind is None:
                raise WrongField(
                    "Missing required parameter: 'type'.", param="type", code="missing_required_parameter"
                )
            await self._TAKES[kind](self, event)
        except ValueError:
            await self._refuse(WrongField("The event is no JSON.", code="invalid_json"), {})
        except WrongField as wrong:
            await self._refuse(wrong, event if isinstance(event, dict) else {})

    async def _refuse(self, wrong: WrongField, event: Mapping[str, Any]) -> None:
        error = {
            "type": "invalid_request_error",
            "code": wrong.code,
            "message": str(wrong),
            "param": wrong.param,
            "event_id": event.get("event_id"),
        }
        await self.send("error", error=error)

    async def _update(self, event: Mapping[str, Any]) -> None:
        self.settings.update(event.get("session"))
        self._gate.silence = self.settings.vad.get("silence_duration_ms", SILENCE * 1000) / 1000
        await self.send("session.updated", session=self.settings.shown(self._name))

    async def _append(self, event: Mapping[str, Any]) -> None:
        try:
            data = base64.b64decode(take(event, "audio", "a string", ""), validate=True)
            samples = np.frombuffer(data, "<i2").astype(np.int16)
        except (binascii.Error, ValueError):
            raise WrongField("Invalid 'audio': expected base64 of 16-bit samples.", param="audio") from None
        self._audio.append(samples)
        if not self.settings.vad:
            if self._fresh and len(samples):
                self._fresh = False
                await self._finals.speech_started()
            return
        for starts, second in list(self._gate.feed(samples)):
            await (self._speech_started(second) if starts else self._speech_stopped(second))

    async def _speech_started(self, second: float) -> None:
        self._speech = self.vendor.names.new("item")
        start = max(0, round(second * 1000) - self.settings.vad.get("prefix_padding_ms", 300))
        await self.send("input_audio_buffer.speech_started", audio_start_ms=start, item_id=self._speech)
        await self._finals.speech_started()
        if self.response is not None and self.settings.vad["interrupt_response"]:
            self.response.cancel("turn_detected")

    async def _speech_stopped(self, second: float) -> None:
        await self.send(
            "input_audio_buffer.speech_stopped", audio_end_ms=round(second * 1000), item_id=self._speech
        )
        await self._commit_as(self._speech)
        if self.settings.vad["create_response"] and not self.settings.transcribes_only:
            if self.response is not None:
                await self.response.over.wait()
            await self._respond({})

    async def _commit(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002
        seconds = sum(map(len, self._audio)) / RATE
        if seconds < SHORTEST:
            raise WrongField(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but "
                f"buffer only has {seconds * 1000:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        self._gate.reset()
        await self._commit_as(self.vendor.names.new("item"))

    async def _commit_as(self, name: str) -> None:
        samples = np.concatenate(self._audio)
        self._audio, self._fresh = [], True
        item = Item(
            {
                "id": name,
                "object": "realtime.item",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": None}],
            }
        )
        before = self.items[-1].id if self.items else None
        await self.send("input_audio_buffer.committed", previous_item_id=before, item_id=name)
        item.hearing = self.start(self.vendor.backends.ear.hear(at_16_khz(samples, RATE)))
        await self.add(item)
        await self.tell_done(item)
        if self.settings.input["transcription"] is not None:
            self.start(self._transcribe(item))

    async def _transcribe(self, item: Item) -> None:
        assert item.hearing is not None
        heard = await item.hearing
        await self.vendor.wait(self.vendor.delays.final)
        for word in tokens(heard.text):
            await self.send(
                "conversation.item.input_audio_transcription.delta",
                item_id=item.id,
                content_index=0,
                delta=word,
            )
        await self._finals.give((item, heard))

    async def _send_final(self, final: tuple[Item, Heard]) -> None:
        item, heard = final
        count = len(heard.words)
        await self.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item.id,
            content_index=0,
            transcript=heard.text,
            usage={"type": "tokens", "input_tokens": 10, "output_tokens": count, "total_tokens": 10 + count},
        )

    async def _clear(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._audio = []
        self._gate.reset()
        await self.send("input_audio_buffer.cleared")

    async def _create_item(self, event: Mapping[str, Any]) -> None:
        self._hold_conversation()
        item = read_item(event.get("item"), self.vendor.names.new("item"), self.calls)
        await self.add(item)
        await self.tell_done(item)

    async def _truncate(self, event: Mapping[str, Any]) -> None:
        item = self._item(event)
        index, end = (
            take(event, "content_index", "an integer", 0),
            take(event, "audio_end_ms", "an integer", 0),
        )
        item.truncate(index, end)
        await self.send("conversation.item.truncated", item_id=item.id, content_index=index, audio_end_ms=end)

    async def _delete(self, event: Mapping[str, Any]) -> None:
        item = self._item(event)
        self.items.remove(item)
        await self.send("conversation.item.deleted", item_id=item.id)

    async def _retrieve(self, event: Mapping[str, Any]) -> None:
        await self.send("conversation.item.retrieved", item=self._item(event).shown)

    def _item(self, event: Mapping[str, Any]) -> Item:
        name = take(event, "item_id", "a string", "")
        found = next((item for item in self.items if item.id == name), None)
        if found is None:
            raise WrongField(f"Item with item_id '{name}' not found.", param="item_id", code="item_not_found")
        return found

    async def _create_response(self, event: Mapping[str, Any]) -> None:
        self._hold_conversation()
        await self._respond(take(event, "response", "an object", {}))

    async def _respond(self, asked: Mapping[str, Any]) -> None:
        response = Response(self, asked)
        if response.in_conversation:
            if self.response is not None:
                raise WrongField(
                    f"Conversation already has an active response in progress: {self.response.id}. Wait until the "
                    "response is finished before creating a new one.",
                    code="conversation_already_has_active_response",
                )
            self.response = response
        await response.begin()
        self.start(response.run())

    async def _cancel(self, event: Mapping[str, Any]) -> None:
        name = take(event, "response_id", "a string")
        if self.response is None or name not in (None, self.response.id):
            raise WrongField(
                "Cancellation failed: no active response found", code="response_cancel_not_active"
            )
        self.response.cancel("client_cancelled")

    def _hold_conversation(self) -> None:
        if self.settings.transcribes_only:
            raise WrongField("This is not allowed in a transcription session.", code="invalid_value")

    _TAKES = {  # noqa: RUF012 - never changed
        "session.update": _update,
        "input_audio_buffer.append": _append,
        "input_audio_buffer.commit": _commit,
        "input_audio_buffer.clear": _clear,
        "conversation.item.create": _create_item,
        "conversation.item.truncate": _truncate,
        "conversation.item.delete": _delete,
        "conversation.item.retrieve": _retrieve,
        "response.create": _create_response,
        "response.cancel": _cancel,
    }


def _base64(samples: NDArray[np.int16]) -> str:
    return base64.b64encode(samples.astype("<i2").tobytes()).decode()
