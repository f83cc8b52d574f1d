"""``/v1/listen``: Nova."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from beluga_voice.contracts import Word
from beluga_voice_simulators.dictation import Dictation, Passage
from beluga_voice_simulators.finals import Finals
from beluga_voice_simulators.hearing import Heard
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

IDLE = 10.0
"""Seconds without audio or KeepAlive after which the vendor closes a connection."""

NOTHING = 0.1
"""Seconds of audio below which a Finalize is not answered: there is nothing to finalize."""

SHORTEST = 0.3
"""Seconds of silence that end a phrase at least: the vendor's 10 ms are of its words, ours of any sound."""

QUIET = 3.0
"""Seconds of silence after which an empty result tells that it was heard."""

Result = dict[str, object]


class Listening:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        self._query = query = line.request.query
        self._dictation = Dictation(int(query["sample_rate"]), _endpointing(query.get("endpointing")))
        self._finals: Finals[Result] = Finals(simulator.faults, line.send, _without_words)
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._last_word = -1.0
        self._ended_at: float | None = None
        self._request = str(uuid.uuid4())

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            while True:
                await self._take(await self._receive())

    async def _receive(self) -> str | bytes:
        try:
            async with asyncio.timeout(IDLE):
                return await self._line.receive()
        except TimeoutError:
            await self._line.close(
                1011,
                "Deepgram did not receive audio data or a text message within the timeout window. NET-0001",
            )

    async def _answer(self) -> None:
        while True:
            await (await self._work.get())()

    # -- what comes --

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._take_audio(message)
            return
        kind = _kind(message)
        if kind == "Finalize":
            if self._dictation.waiting >= NOTHING:
                self._recognize(from_finalize=True)
        elif kind == "CloseStream":
            if self._dictation.waiting:
                self._recognize()
            self._work.put_nowait(self._close)
        elif kind != "KeepAlive":
            description = "Could not deserialize last text message."
            await self._line.send(
                {"type": "Error", "variant": "SchemaError", "description": description, "message": message}
            )

    def _take_audio(self, data: bytes) -> None:
        for started, time in self._dictation.feed(data):
            if started:
                self._work.put_nowait(lambda time=time: self._speech_started(time))  # type: ignore[misc]
            else:
                self._ended_at = time
                self._recognize(speech_final=True)
        if not self._dictation.speaking and self._dictation.waiting >= QUIET:
            self._recognize()
        if self._is_over():
            self._ended_at = None
            self._work.put_nowait(self._utterance_end)

    def _is_over(self) -> bool:
        """Whether an UtteranceEnd is due."""
        gap, ended = self._query.get("utterance_end_ms"), self._ended_at
        if gap is None or ended is None or self._dictation.speaking:
            return False
        return self._dictation.seconds - ended >= int(gap) / 1000

    # -- what is answered --

    def _recognize(self, *, speech_final: bool = False, from_finalize: bool = False) -> None:
        passage = self._dictation.take()
        if from_finalize:
            self._dictation.end_speech()
        self._work.put_nowait(lambda: self._tell(passage, speech_final, from_finalize))

    async def _tell(self, passage: Passage, speech_final: bool, from_finalize: bool) -> None:
        await self._simulator.wait(self._simulator.delays.final)
        heard = await passage.hear(self._simulator.backends.ear)
        if heard.words and self._query.get("interim_results") == "true":
            half = passage.start + passage.duration / 2
            begun = heard.until(max(half, heard.words[0].end))
            await self._line.send(self._result(begun, passage.start, half - passage.start, False))
        self._last_word = heard.words[-1].end if heard.words else self._last_word
        final = self._result(heard, passage.start, passage.duration, True)
        await self._finals.give({**final, "speech_final": speech_final, "from_finalize": from_finalize})

    async def _speech_started(self, time: float) -> None:
        await self._finals.speech_started()
        if self._query.get("vad_events") == "true":
            await self._line.send({"type": "SpeechStarted", "channel": [0], "timestamp": round(time, 3)})

    async def _utterance_end(self) -> None:
        last = round(self._last_word, 3)
        await self._line.send({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last})

    async def _close(self) -> None:
        await self._finals.flush()
        await self._line.send(
            {
                "type": "Metadata",
                "transaction_key": "deprecated",
                "request_id": self._request,
                "sha256": "0" * 64,
                "created": "2026-01-01T00:00:00.000Z",
                "duration": self._dictation.seconds,
                "channels": 1,
            }
        )
        await self._line.close(1000)

    def _result(self, heard: Heard, start: float, duration: float, final: bool) -> Result:
        marks = self._query.get("punctuate") == "true" or self._query.get("smart_format") == "true"
        model = self._query.get("model", "nova-2")
        alternative = {
            "transcript": heard.text if marks else heard.text.lower(),
            "confidence": 0.98 if heard.words else 0.0,
            "words": [_word(word, marks) for word in heard.words],
        }
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": round(start, 3),
            "duration": round(duration, 3),
            "is_final": final,
            "speech_final": False,
            "channel": {"alternatives": [alternative]},
            "metadata": {
                "request_id": self._request,
                "model_info": {
                    "name": model,
                    "version": "2026-01-01.0",
                    "arch": model.rpartition("-")[0] or model,
                },
                "model_uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, model)),
            },
            "from_finalize": False,
        }


def _endpointing(given: str | None) -> float:
    if given == "false":
        return 1e9
    return SHORTEST if given in (None, "true") else max(SHORTEST, int(given) / 1000)


def _kind(message: str) -> object:
    try:
        read = json.loads(message)
    except ValueError:
        return None
    return read.get("type") if isinstance(read, dict) else None


def _word(word: Word, marks: bool) -> dict[str, object]:
    plain = word.text.lower().strip(".,;:!?")
    times = {"start": round(word.start, 3), "end": round(word.end, 3), "confidence": 0.98}
    return {"word": plain, **times, **({"punctuated_word": word.text} if marks else {})}


def _without_words(result: Result) -> Result:
    alternative = {"transcript": "", "confidence": 0.0, "words": []}
    return {**result, "channel": {"alternatives": [alternative]}}
