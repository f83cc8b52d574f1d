"""``/tts/websocket``: Sonic, with contexts."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

MODELS = ("sonic-3", "sonic-latest", "sonic-2", "sonic-turbo")
VOICES = (
    "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "f786b574-daa5-4673-aa0c-cbe3e8534c02",
    "a0e99841-438c-4a64-b679-ae501e7d6091",
)
"""Some of the vendor's models and voices."""

RATES = (8000, 16000, 22050, 24000, 44100, 48000)


class Wrong(Exception):
    """A request is refused; the text is the vendor's."""


@dataclass(frozen=True, slots=True)
class Order:
    """A text to be spoken."""

    context: str
    text: str
    rate: int
    voice: str
    speed: float
    timestamps: bool
    last: bool


@dataclass(slots=True)
class Progress:
    """How far a context has come, in seconds of its audio."""

    seconds: float = 0.0
    cancelled: bool = False


class Speaking:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        self._contexts: dict[str, Progress] = {}
        self._work: asyncio.Queue[tuple[Progress, Order]] = asyncio.Queue()

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._speak_all())
            while True:
                await self._take(await self._line.receive())

    async def _take(self, message: str | bytes) -> None:
        context = ""
        try:
            given = json.loads(message)
            context = str(given.get("context_id", ""))
            if given.get("cancel"):
                if context in self._contexts:
                    self._contexts.pop(context).cancelled = True
                return
            order = _order(given)
        except Wrong as wrong:
            await self._fail(context, str(wrong), 400)
            return
        except (ValueError, AttributeError, TypeError, KeyError):
            await self._fail(context, "The request could not be read.", 400)
            return
        progress = self._contexts.setdefault(order.context, Progress())
        self._work.put_nowait((progress, order))

    async def _fail(self, context: str, message: str, status: int) -> None:
        await self._line.send(
            {
                "type": "error",
                "context_id": context,
                "title": "Invalid request" if status < 500 else "Internal error",
                "message": message,
                "error_code": "invalid_request" if status < 500 else "internal_error",
                "status_code": status,
                "done": True,
            }
        )

    async def _speak_all(self) -> None:
        while True:
            progress, order = await self._work.get()
            await self._simulator.wait(self._simulator.delays.first_audio)
            await self._speak(progress, order)
            if order.last and not progress.cancelled:
                self._contexts.pop(order.context, None)
                await self._tell(order, "done", done=True)

    async def _speak(self, progress: Progress, order: Order) -> None:
        pieces = self._simulator.backends.voice.speak(
            order.text, order.rate, voice=order.voice, speed=order.speed
        )
        before = progress.seconds
        async with aclosing(pieces) as said:
            async for piece in said:
                if progress.cancelled:
                    return
                audio = base64.b64encode(piece.samples.astype("<i2").tobytes()).decode()
                await self._tell(order, "chunk", data=audio, step_time=1.0)
                progress.seconds += len(piece.samples) / order.rate
                if order.timestamps and piece.words:
                    times = {
                        "words": [word.text for word in piece.words],
                        "start": [round(word.start + before, 3) for word in piece.words],
                        "end": [round(word.end + before, 3) for word in piece.words],
                    }
                    await self._tell(order, "timestamps", word_timestamps=times)
                await asyncio.sleep(0)  # so that a cancel is read in between
                if self._simulator.faults.take(Fault.HALF_ANSWER):
                    await self._fail(order.context, "The simulator was told to fail.", 500)
                    progress.cancelled = True

    async def _tell(self, order: Order, kind: str, *, done: bool = False, **more: object) -> None:
        head = {"type": kind, "context_id": order.context, "status_code": 206, "done": done}
        await self._line.send({**head, **more})


def _order(given: Mapping[str, Any]) -> Order:
    form, voice, config = given["output_format"], given["voice"], given.get("generation_config") or {}
    if given["model_id"] not in MODELS:
        raise Wrong(f"Unknown model {given['model_id']}")
    if voice.get("mode") != "id" or voice.get("id") not in VOICES:
        raise Wrong(f"Unknown voice {voice.get('id')}")
    if (
        form.get("container") != "raw"
        or form.get("encoding") != "pcm_s16le"
        or form["sample_rate"] not in RATES
    ):
        raise Wrong("The simulator speaks raw pcm_s16le only.")
    speed = config.get("speed", 1.0)
    if not 0.6 <= speed <= 1.5 or not 0.5 <= config.get("volume", 1.0) <= 2.0:
        raise Wrong("generation_config is out of bounds: speed 0.6 to 1.5, volume 0.5 to 2")
    if not given["context_id"] or not isinstance(given["transcript"], str):
        raise Wrong("context_id and transcript are required")
    return Order(
        str(given["context_id"]),
        given["transcript"],
        int(form["sample_rate"]),
        str(voice["id"]),
        float(speed),
        bool(given.get("add_timestamps")),
        not given.get("continue", False),
    )
