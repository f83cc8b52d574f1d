"""A conversation over the Live API, as the vendor holds it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from contextlib import suppress
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from beluga_voice.contracts import AssistantMessage, CallerMessage, ToolCall, ToolMessage
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.delays import Delays
from beluga_voice_simulators.faults import Fault, Faults
from beluga_voice_simulators.gemini.answer import Writer, messages_of, result_of, size, system_of, tools_of
from beluga_voice_simulators.gemini.request import (
    ClientContent,
    ClientMessage,
    RealtimeInput,
    Setup,
    ToolResponse,
    WrongRequest,
    check_tools,
    read,
)
from beluga_voice_simulators.hearing import SpeechGate
from beluga_voice_simulators.line import Gone, Line
from beluga_voice_simulators.thinking import Prompt, Thought, tokens

HEARS = 16000
SPEAKS = 24000

SILENCE = 0.5
"""Seconds after speech at which the vendor's own detection takes it for over."""


class Conversation:
    """One connection."""

    def __init__(
        self, line: Line, setup: Setup, backends: Backends, faults: Faults, writer: Writer, delays: Delays
    ) -> None:
        self._line = line
        self._setup = setup
        self._backends = backends
        self._faults = faults
        self._writer = writer
        self._delays = delays
        self._history: list[LLMMessage] = []
        self._awaits_history = setup.history_config.initial_history_in_client_content
        self._audio: list[NDArray[np.int16]] = []
        self._texts: list[str] = []
        self._owed: dict[str, str] = {}
        self._answer: asyncio.Task[None] | None = None
        self._manual = setup.realtime_input_config.automatic_activity_detection.disabled
        self._gate = SpeechGate(HEARS, SILENCE)
        self._speaking = False

    async def hold(self) -> None:
        """Hold it until either side ends.

        Raises:
            Gone: it has ended.
        """
        try:
            if self._faults.take(Fault.AUDIO_BEFORE_READY):
                await self._send({"serverContent": {"modelTurn": _audio(np.zeros(480, np.int16))}})
            await self._send({"setupComplete": {}})
            while True:
                await self._take(await self._line.receive())
        finally:
            await self._stop()

    async def _take(self, data: str | bytes) -> None:
        try:
            message = read(ClientMessage, json.loads(data))
        except ValueError:
            await self._refuse("Request contains an invalid argument.")
        except WrongRequest as wrong:
            await self._refuse(str(wrong))
        if message.realtime_input is not None:
            await self._realtime(message.realtime_input)
        elif message.client_content is not None:
            await self._client_content(message.client_content)
        elif message.tool_response is not None:
            await self._tool_response(message.tool_response)
        else:
            await self._refuse("setup must be the first message and only the first")

    # -- what the caller says --

    async def _realtime(self, given: RealtimeInput) -> None:
        if self._awaits_history:
            await self._refuse("Initial history is to be sent before realtime input.")
        if (given.activity_start is not None or given.activity_end is not None) and not self._manual:
            await self._refuse(
                "Explicit activity control is not supported when automatic activity detection is enabled."
            )
        if given.activity_start is not None:
            self._speaking = True
            await self._interrupt()
        for blob in (given.audio, *given.media_chunks):
            if blob is not None:
                await self._hear(blob.mime_type, blob.data)
        if given.text is not None:
            self._texts.append(given.text)
            if not self._manual:
                await self._interrupt()
                self._begin_answer()
        if given.activity_end is not None:
            self._speaking = False
            self._begin_answer()

    async def _hear(self, mime_type: str, data: str) -> None:
        if not mime_type.startswith("audio/pcm"):
            await self._refuse(f"Unsupported MIME type {mime_type!r}: audio/pcm is expected.")
        samples = np.frombuffer(_bytes(data), np.int16)
        if self._manual:
            if self._speaking:
                self._audio.append(samples)
            return
        self._audio.append(samples)
        for started, _ in self._gate.feed(samples):
            if started:
                await self._interrupt()
            else:
                self._begin_answer()

    async def _client_content(self, given: ClientContent) -> None:
        turns = list(messages_of(given.turns))
        if self._awaits_history:
            self._history += turns
            self._awaits_history = not given.turn_complete
            return
        await self._interrupt()
        self._history += turns
        if given.turn_complete:
            self._begin_answer()

    async def _tool_response(self, given: ToolResponse) -> None:
        for response in given.function_responses:
            name = self._owed.pop(response.id, None)
            if name is None:
                await self._refuse(f"Function response id {response.id!r} does not match any function call.")
            result = result_of(response.model_dump())
            self._history.append(ToolMessage(response.id, name, result.text, result.failed))
        if not self._owed:
            self._begin_answer()

    # -- what the model says --

    def _begin_answer(self) -> None:
        audio, self._audio = self._audio, []
        texts, self._texts = self._texts, []
        self._answer = asyncio.ensure_future(self._unless_gone(self._answer_to(audio, texts)))

    async def _unless_gone(self, answer: Coroutine[object, object, None]) -> None:
        with suppress(Gone):  # whoever receives is told as well
            await answer

    async def _interrupt(self) -> None:
        if self._owed:
            await self._send({"toolCallCancellation": {"ids": list(self._owed)}})
            for call, name in self._owed.items():
                self._history.append(ToolMessage(call, name, "cancelled", failed=True))
            self._owed = {}
        if self._answer is not None and not self._answer.done():
            await self._stop()
            await self._send({"serverContent": {"interrupted": True}})
            await self._send({"serverContent": {"turnComplete": True}})

    async def _stop(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.cancel()
            await asyncio.wait([answer])
            if not answer.cancelled():
                answer.exception()

    async def _answer_to(self, audio: list[NDArray[np.int16]], texts: list[str]) -> None:
        if audio:
            heard = await self._backends.ear.hear(np.concatenate(audio))
            if heard.text:
                texts = [heard.text, *texts]
                if self._setup.input_audio_transcription is not None:
                    for word in tokens(heard.text):
                        await self._send({"serverContent": {"inputTranscription": {"text": word}}})
        self._history += [CallerMessage(text) for text in texts]
        messages = (*system_of(self._setup.system_instruction), *self._history)
        prompt = Prompt(messages, tuple(tools_of(self._setup.tools)), model=self._setup.model)
        thought = await self._backends.mind.think(prompt)
        await self._speak(thought)
        calls = self._writer.calls(thought)
        asked = tuple(ToolCall(str(c["id"]), str(c["name"]), json.dumps(c["args"])) for c in calls)
        self._history.append(AssistantMessage(thought.text, asked))
        if calls:
            self._owed = {call.id: call.name for call in asked}
            await self._send({"toolCall": {"functionCalls": calls}})
            return
        await self._send({"serverContent": {"generationComplete": True}})
        counted, written = size(messages), len(tokens(thought.text))
        usage = {
            "promptTokenCount": counted,
            "responseTokenCount": written,
            "totalTokenCount": counted + written,
        }
        await self._send({"serverContent": {"turnComplete": True}, "usageMetadata": usage})

    async def _speak(self, thought: Thought) -> None:
        if not thought.text:
            return
        pieces = [said async for said in self._backends.voice.speak(thought.text, SPEAKS)]
        broken = len(pieces) // 2 if self._faults.take(Fault.HALF_ANSWER) else len(pieces)
        for number, said in enumerate(pieces):
            if number == broken:
                await self._line.close(1011, "Internal error encountered.")
            content: dict[str, object] = {"modelTurn": _audio(said.samples)}
            words = " ".join(word.text for word in said.words)
            if words and self._setup.output_audio_transcription is not None:
                content["outputTranscription"] = {"text": f"{words} "}
            await self._send({"serverContent": content})
            await asyncio.sleep(0)

    async def _send(self, message: dict[str, object]) -> None:
        """The vendor's JSON comes in binary messages."""
        await self._line.send(json.dumps(message).encode())

    async def _refuse(self, reason: str) -> NoReturn:
        await self._line.close(1007, reason[:120])


async def setup_of(line: Line) -> Setup:
    """Wait for the first message, which is the setup.

    Raises:
        Gone: the client is gone, or was refused.
    """
    try:
        message = read(ClientMessage, json.loads(await line.receive()))
        if message.setup is None:
            raise WrongRequest("setup must be the first message and only the first")
        check_tools(message.setup.tools)
    except (ValueError, WrongRequest) as wrong:
        await line.close(1007, str(wrong)[:120])
    return message.setup


def _bytes(data: str) -> bytes:
    """Either alphabet of base64 is taken, with padding or without, as in all of the vendor's JSON."""
    return base64.b64decode(data.translate(str.maketrans("-_", "+/")) + "=" * (-len(data) % 4))


def _audio(samples: NDArray[np.int16]) -> dict[str, object]:
    data = base64.b64encode(samples.tobytes()).decode()
    return {"parts": [{"inlineData": {"mimeType": f"audio/pcm;rate={SPEAKS}", "data": data}}]}
