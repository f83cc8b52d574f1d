"""``/v2/listen``: Flux."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from multidict import MultiDict

from beluga_voice.contracts import Word
from beluga_voice_simulators.deepgram.checks import Wrong, check_thresholds
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

EVERY = 0.25
"""Seconds of audio between two Updates."""

THRESHOLDS = ("eager_eot_threshold", "eot_threshold", "eot_timeout_ms")

Info = dict[str, object]


class Turns:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        query = line.request.query
        self._thresholds = MultiDict({name: query[name] for name in THRESHOLDS if name in query})
        self._keyterms = query.getall("keyterm", [])
        self._dictation = Dictation(int(query["sample_rate"]), STOPPED)
        self._finals: Finals[Info] = Finals(simulator.faults, self._send, _without_words)
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._request = str(uuid.uuid4())
        self._sequence = 0
        self._turn = 0
        self._words: tuple[Word, ...] = ()
        self._since = 0.0
        self._open = False
        self._eager = False
        self._ended_at = 0.0
        self._told_at = 0.0

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        await self._send({"type": "Connected", "request_id": self._request})
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            while True:
                await self._take(await self._line.receive())

    async def _answer(self) -> None:
        while True:
            await (await self._work.get())()

    async def _send(self, message: Mapping[str, object]) -> None:
        numbered = {**message, "sequence_id": self._sequence}
        self._sequence += 1
        await self._line.send(numbered)

    # -- what comes --

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._take_audio(message)
            return
        try:
            read = json.loads(message)
            kind = read["type"]
        except (ValueError, KeyError, TypeError):
            kind = None
        if kind == "ForceEndTurn":
            if self._open:
                self._end("manual")
        elif kind == "Configure":
            self._work.put_nowait(lambda: self._configure(read))
        elif kind == "CloseStream":
            self._work.put_nowait(self._close)
        else:
            await self._fail("UNPARSABLE_CLIENT_MESSAGE", "The client sent a message that is not known.")

    def _take_audio(self, data: bytes) -> None:
        for started, time in self._dictation.feed(data):
            if started:
                self._start(time)
            else:
                self._pause(time)
        now = self._dictation.seconds
        if self._open and not self._dictation.speaking and now - self._ended_at >= self._patience():
            self._end("model" if self._patience() == OVER else "timeout")
        elif now - self._told_at >= EVERY:
            self._tell("Update")

    def _patience(self) -> float:
        timeout = int(self._thresholds.get("eot_timeout_ms", "5000")) / 1000
        manual = float(self._thresholds.get("eot_threshold", "0.7")) >= 1.0
        return timeout if manual else min(OVER, timeout)

    # -- turns --

    def _start(self, time: float) -> None:
        if not self._open:
            self._open, self._since = True, time
            self._work.put_nowait(self._finals.speech_started)
            self._tell("StartOfTurn")
        elif self._eager:
            self._eager = False
            self._tell("TurnResumed")

    def _pause(self, time: float) -> None:
        self._ended_at = time
        eager = "eager_eot_threshold" in self._thresholds
        self._eager = eager
        self._tell("EagerEndOfTurn" if eager else "Update", self._dictation.take())

    def _end(self, trigger: str) -> None:
        passage = self._dictation.take() if self._dictation.speaking else None
        self._dictation.end_speech()
        self._tell("EndOfTurn", passage, trigger=trigger)
        self._open = self._eager = False

    def _tell(self, event: str, passage: Passage | None = None, trigger: str = "") -> None:
        self._told_at = now = self._dictation.seconds
        since = self._since if self._open else now
        self._work.put_nowait(lambda: self._inform(event, passage, trigger, since, now))

    async def _inform(
        self, event: str, passage: Passage | None, trigger: str, since: float, now: float
    ) -> None:
        if passage is not None:
            await self._simulator.wait(self._simulator.delays.final)
            heard = await passage.hear(self._simulator.backends.ear)
            self._words += heard.words
            if event == "EagerEndOfTurn" and not self._words:
                event = "Update"  # an eager end always has words
        info: Info = {
            "type": "TurnInfo",
            "request_id": self._request,
            "event": event,
            "turn_index": self._turn,
            "audio_window_start": round(since, 3),
            "audio_window_end": round(now, 3),
            "transcript": " ".join(word.text for word in self._words),
            "words": [
                {"word": w.text, "confidence": 0.98, "start": round(w.start, 3), "end": round(w.end, 3)}
                for w in self._words
            ],
            "end_of_turn_confidence": {"EndOfTurn": 0.9, "EagerEndOfTurn": 0.6}.get(event, 0.1),
        }
        if event != "EndOfTurn":
            await self._send(info)
            return
        self._words = ()
        self._turn += 1
        if self._simulator.faults.take(Fault.HALF_ANSWER):
            await self._fail("INTERNAL_SERVER_ERROR", "The simulator was told to fail.")
        await self._finals.give({**info, "trigger": trigger})

    # -- the rest --

    async def _configure(self, message: Mapping[str, object]) -> None:
        given = message.get("thresholds") or {}
        asked = {name: str(value) for name, value in given.items() if value is not None}  # type: ignore[attr-defined]
        wanted = MultiDict({**dict(self._thresholds), **asked})
        try:
            check_thresholds(wanted)
        except Wrong as wrong:
            failure = {"type": "ConfigureFailure", "request_id": self._request}
            await self._send({**failure, "code": "INVALID_CONFIGURATION", "description": str(wrong)})
            return
        self._thresholds = wanted
        terms = message.get("keyterms")
        self._keyterms = terms if isinstance(terms, list) else self._keyterms
        await self._send(
            {
                "type": "ConfigureSuccess",
                "request_id": self._request,
                "thresholds": {name: float(value) for name, value in wanted.items()},
                "keyterms": self._keyterms,
            }
        )

    async def _close(self) -> None:
        await self._finals.flush()
        await self._line.close(1000)

    async def _fail(self, code: str, description: str) -> None:
        await self._send({"type": "Error", "code": code, "description": description})
        await self._line.close(1011 if "SERVER" in code else 1008, code)


def _without_words(info: Info) -> Info:
    return {**info, "transcript": "", "words": []}
