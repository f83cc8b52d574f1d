"""``/stt/turns/websocket``: Ink, which finds the ends of turns."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from beluga_voice_simulators.dictation import Dictation, Passage
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.finals import Finals
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

STOPPED = 0.2
"""Seconds of silence after which the words before are known, and the turn may be over."""

OVER = 0.5
"""Seconds of silence after which it is."""


class Turns:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        self._dictation = Dictation(int(line.request.query["sample_rate"]), STOPPED)
        self._finals: Finals[str] = Finals(simulator.faults, self._end_turn, lambda _: "")
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._request = str(uuid.uuid4())
        self._texts: list[str] = []
        self._open = False
        self._paused_at: float | None = None

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        await self._say("connected")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            while True:
                await self._take(await self._line.receive())

    async def _answer(self) -> None:
        while True:
            await (await self._work.get())()

    async def _say(self, kind: str, **more: object) -> None:
        await self._line.send({"type": kind, "request_id": self._request, **more})

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._take_audio(message)
            return
        try:
            kind = json.loads(message).get("type")
        except (ValueError, AttributeError):
            kind = None
        if kind == "close":
            if self._open:
                self._finish()
            self._work.put_nowait(self._close)
        elif kind != "config":
            error = {"title": "Invalid command", "message": "Send close or config.", "status_code": 400}
            await self._say("error", **error)

    def _take_audio(self, data: bytes) -> None:
        for started, time in self._dictation.feed(data):
            if started:
                self._start()
            else:
                self._paused_at = time
                passage = self._dictation.take()
                self._work.put_nowait(lambda passage=passage: self._update(passage))  # type: ignore[misc]
        if self._paused_at is not None and self._dictation.seconds - self._paused_at >= OVER:
            self._finish()

    def _start(self) -> None:
        if not self._open:
            self._open = True
            self._work.put_nowait(self._finals.speech_started)
            self._work.put_nowait(lambda: self._say("turn.start"))
        elif self._paused_at is not None:
            self._work.put_nowait(lambda: self._say("turn.resume"))
        self._paused_at = None

    async def _update(self, passage: Passage) -> None:
        await self._simulator.wait(self._simulator.delays.final)
        heard = await passage.hear(self._simulator.backends.ear)
        self._texts.append(heard.text)
        await self._say("turn.update", transcript=self._text())
        await self._say("turn.eager_end", transcript=self._text())

    def _text(self) -> str:
        return " ".join(text for text in self._texts if text)

    def _finish(self) -> None:
        if self._dictation.speaking:
            passage = self._dictation.take()
            self._work.put_nowait(lambda: self._update(passage))
        self._dictation.end_speech()
        self._open, self._paused_at = False, None
        self._work.put_nowait(self._end)

    async def _end(self) -> None:
        text, self._texts = self._text(), []
        if self._simulator.faults.take(Fault.HALF_ANSWER):
            error = {
                "title": "Internal error",
                "message": "The simulator was told to fail.",
                "status_code": 500,
            }
            await self._say("error", **error)
            await self._line.close(1011)
        await self._finals.give(text)

    async def _end_turn(self, text: str) -> None:
        await self._say("turn.end", transcript=text)

    async def _close(self) -> None:
        await self._finals.flush()
        await self._line.close(1000)
