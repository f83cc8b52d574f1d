"""``/v1/speech-to-text/realtime``: Scribe."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from beluga_voice_simulators.dictation import Dictation, Passage
from beluga_voice_simulators.finals import Finals
from beluga_voice_simulators.hearing import Heard
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

LEAST = 0.3
"""Seconds of audio below which a commit is refused."""

LONGEST = 1 << 20
"""Characters of base64 in one message."""


class Listening:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line) -> None:
        self._simulator = simulator
        self._line = line
        query = self._query = line.request.query
        self._rate = int(query.get("audio_format", "pcm_16000").removeprefix("pcm_"))
        silence = float(query.get("vad_silence_threshold_secs", "1.5"))
        self._commits_itself = query.get("commit_strategy") == "vad"
        self._dictation = Dictation(self._rate, silence)
        self._finals: Finals[Heard] = Finals(simulator.faults, self._commit, lambda _: Heard())
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()

    async def run(self) -> None:
        """Serve it until either side ends.

        Raises:
            Gone: always, in a group: it has ended.
        """
        await self._line.send({"message_type": "session_started", **self._session()})
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            while True:
                await self._take(await self._line.receive())

    def _session(self) -> dict[str, object]:
        config = {
            "sample_rate": self._rate,
            "audio_format": f"pcm_{self._rate}",
            "language_code": self._query.get("language_code"),
            "model_id": self._query.get("model_id"),
            "commit_strategy": self._query.get("commit_strategy", "manual"),
            "include_timestamps": self._query.get("include_timestamps") == "true",
        }
        return {"session_id": uuid.uuid4().hex, "config": config}

    async def _answer(self) -> None:
        while True:
            await (await self._work.get())()

    async def _take(self, message: str | bytes) -> None:
        try:
            order = json.loads(message)
            data = order.get("audio_base_64") or ""
            audio = base64.b64decode(data, validate=True)
        except (ValueError, AttributeError, TypeError):
            await self._fail("input_error", "The message is no input_audio_chunk.")
        if order.get("message_type") != "input_audio_chunk":
            await self._fail("input_error", f"Unknown message_type {order.get('message_type')}.")
        if len(data) > LONGEST:
            await self._fail("chunk_size_exceeded", "The audio chunk is too long.")
        if order.get("sample_rate", self._rate) != self._rate:
            await self._fail("input_error", "sample_rate does not fit audio_format.")
        for started, _ in self._dictation.feed(audio):
            if started:
                self._work.put_nowait(self._finals.speech_started)
            elif self._commits_itself:
                self._recognize()
        if order.get("commit"):
            if self._dictation.waiting < LEAST:
                text = "Committing needs at least 0.3 s of audio."
                throttled = {"message_type": "commit_throttled", "error": text}
                self._work.put_nowait(lambda: self._line.send(throttled))
                return
            self._dictation.end_speech()
            self._recognize()

    def _recognize(self) -> None:
        passage = self._dictation.take()
        self._work.put_nowait(lambda: self._tell(passage))

    async def _tell(self, passage: Passage) -> None:
        await self._simulator.wait(self._simulator.delays.final)
        heard = await passage.hear(self._simulator.backends.ear)
        if heard.words:
            begun = heard.until(max(passage.start + passage.duration / 2, heard.words[0].end))
            await self._line.send({"message_type": "partial_transcript", "text": begun.text})
        await self._finals.give(heard)

    async def _commit(self, heard: Heard) -> None:
        await self._line.send({"message_type": "committed_transcript", "text": heard.text})
        if self._query.get("include_timestamps") != "true":
            return
        words: list[dict[str, object]] = []
        for word in heard.words:
            if words:
                end = words[-1]["end"]
                words.append({"text": " ", "start": end, "end": round(word.start, 3), "type": "spacing"})
            times = {"start": round(word.start, 3), "end": round(word.end, 3)}
            words.append({"text": word.text, **times, "type": "word", "logprob": 0.0})
        await self._line.send(
            {
                "message_type": "committed_transcript_with_timestamps",
                "text": heard.text,
                "language_code": self._query.get("language_code", "en"),
                "words": words,
            }
        )

    async def _fail(self, kind: str, error: str) -> None:
        await self._line.send({"message_type": kind, "error": error})
        await self._line.close(1008, error)
