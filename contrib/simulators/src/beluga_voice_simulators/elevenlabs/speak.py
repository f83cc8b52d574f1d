"""``stream-input``, and ``multi-stream-input`` with its contexts."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beluga_voice.contracts import Word
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.line import Line

if TYPE_CHECKING:
    from beluga_voice_simulators.server import Simulator

MOST = 5
"""Contexts that may be open at once."""


@dataclass(slots=True)
class Context:
    """Texts that belong together.

    Attributes:
        name: of the client's; empty where there is one only.
        text: that waits for a flush.
        speed: of the voice settings.
        closing: it was told to close.
        cancelled: it was told so twice: what is left is not spoken.
    """

    name: str
    text: str = ""
    speed: float = 1.0
    closing: bool = False
    cancelled: bool = False


class Speaking:
    """One connection."""

    def __init__(self, simulator: Simulator, line: Line, rate: int, *, several: bool) -> None:
        self._simulator = simulator
        self._line = line
        self._rate = rate
        self._several = several
        self._contexts: dict[str, Context] = {}
        self._work: asyncio.Queue[tuple[Context, str | None] | None] = asyncio.Queue()

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
        try:
            order = json.loads(message)
            text = order.get("text")
        except (ValueError, AttributeError):
            await self._fail("invalid_message", "Messages must be JSON objects.")
        if order.get("close_socket"):
            self._work.put_nowait(None)
            return
        context = await self._context(str(order.get("context_id") or order.get("contextId") or ""))
        if text is not None and not isinstance(text, str):
            await self._fail("invalid_message", "text must be a string")
        if order.get("close_context"):
            self._close(context)
            return
        settings = order.get("voice_settings")
        if isinstance(settings, Mapping):
            context.speed = float(settings.get("speed") or 1.0)
        if not 0.7 <= context.speed <= 1.2:
            await self._fail("invalid_voice_settings", "speed must be between 0.7 and 1.2")
        context.text += text or ""
        if order.get("flush") or (text == "" and not self._several):
            self._flush(context)
        if text == "" and not self._several:
            self._close(context)

    async def _context(self, name: str) -> Context:
        found = self._contexts.get(name)
        if found is None:
            if sum(not each.closing for each in self._contexts.values()) >= MOST:
                await self._fail("max_active_contexts", f"Maximum simultaneous contexts exceeded ({MOST}).")
            found = self._contexts[name] = Context(name)
        return found

    def _flush(self, context: Context) -> None:
        text, context.text = context.text, ""
        if text.strip():
            self._work.put_nowait((context, text))

    def _close(self, context: Context) -> None:
        if context.closing:
            context.cancelled = True
            return
        context.closing = True
        self._work.put_nowait((context, None))

    async def _speak_all(self) -> None:
        while (job := await self._work.get()) is not None:
            context, text = job
            if text is not None:
                await self._simulator.wait(self._simulator.delays.first_audio)
                await self._speak(context, text)
                continue
            self._contexts.pop(context.name, None)
            await self._line.send(self._named(context, {"audio": None, "isFinal": True}))
            if not self._several:
                break
        await self._line.close(1000)

    async def _speak(self, context: Context, text: str) -> None:
        voice = self._line.request.match_info["voice"]
        speech = self._simulator.backends.voice.speak(text, self._rate, voice=voice, speed=context.speed)
        held, sent = np.zeros(0, np.int16), 0
        async with aclosing(speech) as said:
            async for piece in said:
                held = np.concatenate((held, piece.samples))
                until = round(piece.words[-1].end * self._rate) - sent if piece.words else 0
                cut = until if piece.words else len(held) if len(held) > self._rate else 0
                if cut > 0:
                    await self._give(context, held[:cut], piece.words, sent)
                    held, sent = held[cut:], sent + cut
                if context.cancelled:
                    return
        if len(held):
            await self._give(context, held, (), sent)

    async def _give(
        self, context: Context, samples: NDArray[np.int16], words: Sequence[Word], at: int
    ) -> None:
        """Send audio that ends with its words."""
        audio = base64.b64encode(samples.astype("<i2").tobytes()).decode()
        alignment = _alignment(words, at / self._rate) if words else None
        answer = {"audio": audio, "alignment": alignment, "normalizedAlignment": alignment}
        await self._line.send(self._named(context, {**answer, "isFinal": None}))
        await asyncio.sleep(0)  # so that a close is read in between
        if self._simulator.faults.take(Fault.HALF_ANSWER):
            await self._fail("internal_server_error", "The simulator was told to fail.", 1011)

    def _named(self, context: Context, answer: Mapping[str, object]) -> Mapping[str, object]:
        return {**answer, "contextId": context.name} if self._several else answer

    async def _fail(self, error: str, message: str, code: int = 1008) -> None:
        await self._line.send({"message": message, "error": error, "code": code})
        await self._line.close(code, message)


def _alignment(words: Sequence[Word], since: float) -> dict[str, list[object]]:
    """Return the times of the characters of words, in milliseconds from the beginning of their audio."""
    chars: list[object] = []
    starts: list[object] = []
    lengths: list[object] = []
    for word in words:
        each = (word.end - word.start) / len(word.text)
        for number, char in enumerate(f"{word.text} "):
            chars.append(char)
            starts.append(max(0, round(1000 * (word.start + each * number - since))))
            lengths.append(round(1000 * each) if number < len(word.text) else 0)
    return {"chars": chars, "charStartTimesMs": starts, "charDurationsMs": lengths}
