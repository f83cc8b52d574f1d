"""``/v1/speak``: Aura."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

LONGEST = 2000
"""Characters that a Speak may have."""

FLUSHES, WITHIN = 20, 60.0
"""How many Flushes within how many seconds are heeded."""


class Speaking:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        query = line.request.query
        self._model = query.get("model", "aura-asteria-en")
        self._rate = int(query.get("sample_rate", 24000))
        self._speed = float(query.get("speed", 1.0))
        self._text = ""
        self._work: asyncio.Queue[str | None] = asyncio.Queue()
        self._cleared = 0
        self._sequence = 0
        self._flushes: deque[float] = deque(maxlen=FLUSHES)

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        if self._simulator.faults.take(Fault.AUDIO_BEFORE_READY):
            await self._line.send(bytes(960))
        await self._line.send(
            {
                "type": "Metadata",
                "request_id": str(uuid.uuid4()),
                "model_name": self._model,
                "model_version": "2026-01-01.0",
                "model_uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, self._model)),
                "additional_model_uuids": [],
            }
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._speak_all())
            while True:
                await self._take(await self._line.receive())

    async def _take(self, message: str | bytes) -> None:
        try:
            read = json.loads(message) if isinstance(message, str) else {}
            kind = read.get("type")
        except (ValueError, AttributeError):
            kind = None
        if kind == "Speak" and isinstance(read.get("text"), str) and len(read["text"]) <= LONGEST:
            self._text += read["text"]
        elif kind == "Flush":
            await self._flush()
        elif kind == "Clear":
            await self._clear()
        elif kind == "Close":
            if self._text:
                self._work.put_nowait(self._text)
            self._work.put_nowait(None)
        else:
            await self._warn("UNPARSABLE_MESSAGE", "The message could not be read, or its text is too long.")

    async def _flush(self) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._flushes) == FLUSHES and now - self._flushes[0] < WITHIN:
            await self._warn("EXCESSIVE_FLUSH", "Too many Flush messages within 60 seconds: not processed.")
            return
        self._flushes.append(now)
        text, self._text = self._text, ""
        self._work.put_nowait(text)

    async def _clear(self) -> None:
        self._text = ""
        self._cleared += 1
        while not self._work.empty():
            self._work.get_nowait()
        await self._line.send({"type": "Cleared", "sequence_id": self._next()})

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    async def _warn(self, code: str, description: str) -> None:
        await self._line.send({"type": "Warning", "code": code, "description": description})

    async def _speak_all(self) -> None:
        while (text := await self._work.get()) is not None:
            before = self._cleared
            await self._simulator.wait(self._simulator.delays.first_audio)
            if before == self._cleared:
                await self._speak(text, before)
        await self._line.close(1000)

    async def _speak(self, text: str, before: int) -> None:
        voice = self._simulator.backends.voice
        pieces = voice.speak(text, self._rate, voice=self._model, speed=self._speed)
        async with aclosing(pieces) as said:
            async for piece in said:
                if before != self._cleared:
                    return
                await self._line.send(piece.samples.astype("<i2").tobytes())
                await asyncio.sleep(0)  # so that a Clear is read in between
                if self._simulator.faults.take(Fault.HALF_ANSWER):
                    await self._line.close(1011, "DATA-0000")
        if before == self._cleared:
            await self._line.send({"type": "Flushed", "sequence_id": self._next()})
