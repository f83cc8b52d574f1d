from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import numpy as np
import pytest

from beluga_voice.codecs import Audio, ConnectionPolicy, Done, Message, Request, TTSAnswer, WebSocketTTS
from beluga_voice.contracts import Speech
from beluga_voice.errors import ProviderError
from beluga_voice.testing import check_tts
from beluga_voice.testing.wire import Caller, MemoryServer
from beluga_voice.words import Word

RATE = 16000
PER_LETTER = 320
"""Samples that the vendor makes of each letter."""


class LetterTTS(WebSocketTTS[str]):
    """A vendor that speaks each letter for 20 ms, at a level that is the letter's code."""

    sample_rate = RATE
    policy = ConnectionPolicy(jitter=0)

    def request(self) -> Request:
        return Request("wss://letters.example/speak")

    def encode(self, text: str, context: str) -> Iterable[Message]:
        yield json.dumps({"say": text, "context": context})

    def encode_close(self) -> Message:
        return '{"close": true}'

    def decode(self, message: Message) -> Iterable[TTSAnswer]:
        if isinstance(message, bytes):
            yield Audio(message)
            return
        answer = json.loads(message)
        context = answer.get("context", "")
        if answer["type"] == "audio":
            yield Audio(bytes.fromhex(answer["hex"]), context=context)
        elif answer["type"] == "words":
            yield Audio(b"", tuple(Word(*word) for word in answer["words"]))
        elif answer["type"] == "done":
            yield Done(context)
        else:
            raise ProviderError(answer["text"], retryable=answer["retryable"])


class ContextTTS(LetterTTS):
    """The same, with contexts that may be cancelled."""

    contexts = True

    def encode_cancel(self, context: str) -> Message:
        return json.dumps({"cancel": context})


def audio_of(text: str) -> bytes:
    levels = np.array([ord(c) % 97 + 1 for c in text if not c.isspace()], "<i2")
    return np.repeat(levels, PER_LETTER).tobytes()


def pieces(data: bytes, size: int = 1001) -> list[bytes]:
    """Cut in mid-sample, as vendors do."""
    return [data[i : i + size] for i in range(0, len(data), size)]


async def obey(caller: Caller) -> None:
    """Speak each text to its end."""
    while True:
        order = json.loads(await caller.receive())
        if "close" in order:
            return
        for piece in pieces(audio_of(order["say"])):
            await caller.send(piece)
        await caller.send('{"type": "done"}')


async def obey_contexts(caller: Caller) -> None:
    """Speak each text to its end, unless it is cancelled."""
    tasks: dict[str, asyncio.Task[None]] = {}

    async def speak(text: str, context: str) -> None:
        for piece in pieces(audio_of(text)):
            await caller.send(json.dumps({"type": "audio", "hex": piece.hex(), "context": context}))
            await asyncio.sleep(0.005)
        await caller.send(json.dumps({"type": "done", "context": context}))

    async with asyncio.TaskGroup() as group:
        while True:
            order = json.loads(await caller.receive())
            if "close" in order:
                return
            if "cancel" in order:
                tasks.pop(order["cancel"]).cancel()
            else:
                tasks[order["context"]] = group.create_task(speak(order["say"], order["context"]))


def vendor(
    serve: object, kind: type[LetterTTS] = LetterTTS, **attributes: object
) -> tuple[LetterTTS, MemoryServer]:
    tts = kind("key")
    server = MemoryServer(serve)  # type: ignore[arg-type]
    tts.connector = server
    for name, value in attributes.items():
        setattr(tts, name, value)
    return tts, server


async def spoken(speech: AsyncGenerator[Speech, None]) -> bytes:
    async with aclosing(speech):
        return b"".join([part.frame.tobytes() async for part in speech])


@pytest.mark.parametrize(
    ("kind", "serve", "one_text"),
    [(LetterTTS, obey, False), (LetterTTS, obey, True), (ContextTTS, obey_contexts, False)],
)
async def test_keeps_the_whole_contract_of_a_voice(
    kind: type[LetterTTS], serve: object, one_text: bool
) -> None:
    def make() -> LetterTTS:
        return vendor(serve, kind, one_text=one_text)[0]

    await check_tts(make, text="a sentence of some plain words")


async def test_samples_that_are_cut_in_two_are_joined() -> None:
    tts, _ = vendor(obey)
    async with tts:
        stream = await tts.open_stream()
        assert await spoken(stream.synthesize("hello there")) == audio_of("hello there")
        await stream.aclose()


async def test_words_that_come_after_the_last_audio_are_given() -> None:
    async def serve(caller: Caller) -> None:
        await caller.receive()
        await caller.send(audio_of("ab"))
        await asyncio.sleep(0.1)
        await caller.send('{"type": "words", "words": [["ab", 0.0, 0.04]]}')
        await caller.send('{"type": "done"}')

    tts, _ = vendor(serve)
    async with tts:
        stream = await tts.open_stream()
        parts = [part async for part in stream.synthesize("ab")]
        await stream.aclose()
    assert b"".join(part.frame.tobytes() for part in parts) == audio_of("ab")
    assert [word.text for part in parts for word in part.words] == ["ab"]


async def test_a_text_that_was_cut_leaves_no_audio_in_the_next() -> None:
    for tts, server in (vendor(obey), vendor(obey_contexts, ContextTTS)):
        async with tts:
            stream = await tts.open_stream()
            cut = stream.synthesize("something quite long that nobody wants to hear")
            await anext(cut)
            await cut.aclose()
            assert await spoken(stream.synthesize("next")) == audio_of("next")
            await stream.aclose()
        assert len(server.callers) == (1 if isinstance(tts, ContextTTS) else 2)


async def test_a_connection_that_is_lost_before_any_audio_is_not_noticed() -> None:
    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            await caller.receive()
            await caller.close()
        else:
            await obey(caller)

    tts, server = vendor(serve)
    async with tts:
        stream = await tts.open_stream()
        assert await spoken(stream.synthesize("hello")) == audio_of("hello")
        await stream.aclose()
    assert len(server.callers) == 2


async def test_a_connection_that_is_lost_in_mid_speech_fails_that_text_and_the_next_is_whole() -> None:
    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            await caller.receive()
            await caller.send(audio_of("hel"))
            await caller.close()
        else:
            await obey(caller)

    tts, _ = vendor(serve)
    async with tts:
        stream = await tts.open_stream()
        speech = stream.synthesize("hello")
        heard = (await anext(speech)).frame.tobytes()
        with pytest.raises(ProviderError, match="broke off in mid-speech") as raised:
            await anext(speech)
        assert raised.value.retryable
        assert audio_of("hel").startswith(heard)
        assert await spoken(stream.synthesize("again")) == audio_of("again")
        await stream.aclose()


async def test_a_vendor_that_gives_nothing_is_cut_and_asked_again_and_at_last_given_up() -> None:
    async def serve(caller: Caller) -> None:
        while True:
            await caller.receive()

    tts, server = vendor(serve, policy=ConnectionPolicy(answer_deadline=1, tries=3))
    async with tts:
        stream = await tts.open_stream()
        with pytest.raises(ProviderError, match="did not answer within 1 s"):
            await spoken(stream.synthesize("hello"))
        assert len(server.callers) == 3
        await stream.aclose()


async def test_a_connection_that_is_lost_while_nothing_is_said_is_opened_again_when_something_is() -> None:
    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            await asyncio.sleep(1)
            await caller.close()
        await obey(caller)

    tts, server = vendor(serve)
    async with tts:
        stream = await tts.open_stream()
        await asyncio.sleep(30)
        assert len(server.callers) == 1
        assert await spoken(stream.synthesize("hello")) == audio_of("hello")
        assert len(server.callers) == 2
        await stream.aclose()


async def test_a_stream_that_was_given_up_is_tried_again_with_the_next_text() -> None:
    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            await asyncio.sleep(0.05)
            await caller.close()
        await obey(caller)

    tts, server = vendor(serve, policy=ConnectionPolicy(tries=1))
    async with tts:
        stream = await tts.open_stream()
        await asyncio.sleep(0.1)
        server.refuse(503)
        with pytest.raises(ProviderError, match="overloaded or down"):
            await spoken(stream.synthesize("one"))
        assert await spoken(stream.synthesize("two")) == audio_of("two")
        await stream.aclose()


async def test_a_vendor_that_is_down_for_a_moment_delays_the_opening_and_one_that_stays_down_fails_it() -> (
    None
):
    tts, server = vendor(obey)
    async with tts:
        server.refuse(503, 503)
        stream = await tts.open_stream()
        assert len(server.callers) == 1
        await stream.aclose()
        server.refuse(503, 503, 503, 503)
        with pytest.raises(ProviderError, match="503"):
            await tts.open_stream()


async def test_closing_says_goodbye() -> None:
    tts, server = vendor(obey)
    async with tts:
        stream = await tts.open_stream()
        await stream.aclose()
    assert server.callers[0].sent == ['{"close": true}']
