"""The vendor itself, for tests and for trying: it hears and speaks the language of parrots.

stt.connector = MemoryServer(ParrotVendor().serve)               # in memory
async with LocalServer(ParrotVendor().serve) as server: ...      # on this machine, at server.url
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress

import numpy as np

from beluga_voice.errors import ClosedError
from beluga_voice.testing import Caller
from beluga_voice_parrot import squawk

RATE = 16000
PAUSE = 0.5
"""Seconds of silence after which a turn is over."""


class ParrotVendor:
    """Serves connections.

    Args:
        key: that it wants to be told; empty for none.
    """

    def __init__(self, key: str = "") -> None:
        self.key = key

    async def serve(self, caller: Caller) -> None:
        """Serve one connection."""
        if self.key and caller.request.headers.get("Authorization") != f"Bearer {self.key}":
            await _send(caller, type="squawk", why="who are you?", retry=False)
            await caller.close(1008)
        await _send(caller, type="perched")
        if "/listen" in caller.request.url:
            await _listen(caller)
        else:
            await _speak(caller)


async def _listen(caller: Caller) -> None:
    ear, words = squawk.Ear(RATE), list[squawk.Word]()
    since = 0.0
    while True:
        message = await caller.receive()
        if isinstance(message, bytes):
            found = list(ear.feed(np.frombuffer(message, "<i2").astype(np.int16)))
            words += found
            if found:
                await _send(caller, type="hearing", text=" ".join(word for word, _, _ in words))
            if not words or ear.quiet < PAUSE:
                continue
            enough = False
        elif json.loads(message)["type"] == "enough":
            words += ear.end()
            enough = True
        else:
            continue
        answer = {"words": words, "from": since, "to": ear.seconds, "enough": enough}
        await _send(caller, type="heard", **answer)
        words, since = [], ear.seconds


async def _speak(caller: Caller) -> None:
    """Say one text after the other; what is hushed ends within one word."""
    texts: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    hushed: set[str] = set()
    saying = asyncio.create_task(_say_all(caller, texts, hushed), name="parrot")
    try:
        while True:
            order = json.loads(await caller.receive())
            if order["type"] == "say":
                texts.put_nowait((order["id"], order["text"]))
            elif order["type"] == "hush":
                hushed.add(order["id"])
    finally:
        saying.cancel()
        await asyncio.wait([saying])


async def _say_all(caller: Caller, texts: asyncio.Queue[tuple[str, str]], hushed: set[str]) -> None:
    with suppress(ClosedError):
        while True:
            name, text = await texts.get()
            at = 0.0
            for word in squawk.plain(text):
                if name in hushed:
                    break
                audio = squawk.speak(word, RATE)
                end = at + len(audio) / RATE
                pcm = base64.b64encode(audio.astype("<i2").tobytes()).decode()
                await _send(caller, type="audio", id=name, pcm=pcm, words=[(word, at, end - squawk.SPACE)])
                at = end
                await asyncio.sleep(0)
            await _send(caller, type="said", id=name)


async def _send(caller: Caller, **message: object) -> None:
    await caller.send(json.dumps(message))
