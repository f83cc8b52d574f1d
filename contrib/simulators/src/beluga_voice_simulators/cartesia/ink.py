"""``/stt/websocket``: Ink, which finalizes when it is told to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from beluga_voice_simulators.dictation import Dictation, Passage
from beluga_voice_simulators.finals import Finals
from beluga_voice_simulators.hearing import Heard
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

PAUSE = 0.5
"""Seconds of silence after which a piece of the words is final, unasked."""


class Listening:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        self._dictation = Dictation(int(line.request.query["sample_rate"]), PAUSE)
        self._finals: Finals[Heard] = Finals(simulator.faults, self._give, lambda _: Heard())
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._request = str(uuid.uuid4())
        self._told = False

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            while True:
                await self._take(await self._line.receive())

    async def _answer(self) -> None:
        while True:
            await (await self._work.get())()

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            for started, _ in self._dictation.feed(message):
                if started:
                    self._work.put_nowait(self._finals.speech_started)
                else:
                    self._recognize()
        elif message == "finalize":
            self._dictation.end_speech()
            self._recognize()
            self._work.put_nowait(lambda: self._acknowledge("flush_done"))
        elif message in ("close", "done"):
            self._recognize()
            self._work.put_nowait(self._close)
        else:
            error = {"title": "Invalid command", "message": "Send finalize or close.", "status_code": 400}
            await self._line.send({"type": "error", "request_id": self._request, **error})

    def _recognize(self) -> None:
        passage = self._dictation.take()
        if len(passage.samples):
            self._work.put_nowait(lambda: self._tell(passage))

    async def _tell(self, passage: Passage) -> None:
        await self._simulator.wait(self._simulator.delays.final)
        heard = await passage.hear(self._simulator.backends.ear)
        if not heard.words:
            return
        begun = heard.until(max(passage.start + passage.duration / 2, heard.words[0].end))
        await self._transcript(begun, passage.duration / 2, final=False)
        await self._finals.give(heard)

    async def _give(self, heard: Heard) -> None:
        await self._transcript(heard, heard.words[-1].end if heard.words else 0.0, final=True)
        self._told = self._told or bool(heard.words)

    async def _transcript(self, heard: Heard, duration: float, *, final: bool) -> None:
        words = [{"word": w.text, "start": round(w.start, 3), "end": round(w.end, 3)} for w in heard.words]
        text = f" {heard.text}" if self._told and heard.words else heard.text  # pieces are joined as they are
        answer = {"type": "transcript", "request_id": self._request, "is_final": final, "text": text}
        await self._line.send({**answer, "duration": round(duration, 3), "language": "en", "words": words})

    async def _acknowledge(self, kind: str) -> None:
        await self._line.send({"type": kind, "request_id": self._request})

    async def _close(self) -> None:
        await self._finals.flush()
        await self._acknowledge("done")
        await self._line.close(1000)
