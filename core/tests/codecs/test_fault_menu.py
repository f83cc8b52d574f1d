"""Every fault that vendors' servers have shown, in memory and over a real socket: no hang, no word lost or doubled.

Over the socket nothing is left open either: files are counted.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import (
    Audio,
    ConnectionPolicy,
    Done,
    Message,
    Ready,
    Request,
    STTAnswer,
    TTSAnswer,
    WebSocketSTT,
    WebSocketTTS,
)
from beluga_voice.contracts import Transcript
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing import sounds
from beluga_voice.testing.wire import Caller, LocalServer, MemoryServer, Serve

RATE, WORD = 16000, 0.1
QUICK = ConnectionPolicy(
    send_deadline=0.2, answer_deadline=0.3, close_deadline=0.1, open_deadline=0.5, jitter=0
)
WORDS = ["w1", "w2", "w3", "w4", "w5", "w6"]


class FaultySTT(WebSocketSTT[str]):
    """Each 100 ms of level n is the word ``wn``; settings are the address."""

    sample_rate = RATE
    finalizes = True
    awaits_ready = True
    policy = QUICK
    padding = 0

    def request(self) -> Request:
        return Request(self.settings)

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes() + bytes(self.padding)

    def encode_finalize(self) -> Message:
        return "finalize"

    def encode_close(self) -> Message:
        return "close"

    def decode(self, message: Message) -> Iterable[STTAnswer]:
        answer = json.loads(message)
        if answer == "ready":
            yield Ready()
        elif "error" in answer:
            raise ProviderError(answer["error"], retryable=True)
        else:
            yield Transcript(
                " ".join(answer["words"]),
                answer.get("final", True),
                answer["start"],
                answer["end"],
                answers_finalize=answer.get("answers", False),
            )


class Ears:
    """What one connection has heard."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.samples = np.zeros(0, np.int16)
        self.done = 0

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    async def next(self) -> Message:
        message = await self.caller.receive()
        if message == "close":
            raise ClosedError("it was asked to close")
        if isinstance(message, bytes):
            self.samples = np.concatenate([self.samples, np.frombuffer(message[:640], "<i2")])
        return message

    async def hear(self, seconds: float) -> None:
        while self.seconds < seconds - 0.001:
            await self.next()

    def final(self, *, answers: bool = False) -> str:
        start, self.done = self.done, len(self.samples)
        size = round(WORD * RATE)
        words = [f"w{round(self.samples[i] / 100)}" for i in range(start, self.done, size)]
        return json.dumps(
            {"words": words, "start": start / RATE, "end": self.done / RATE, "answers": answers}
        )

    async def obey(self) -> None:
        while True:
            if await self.next() == "finalize":
                await self.caller.send(self.final(answers=True))


async def greet(caller: Caller) -> Ears:
    await caller.send('"ready"')
    return Ears(caller)


Fault = Callable[[Ears], Awaitable[None]]


async def never_reads(ears: Ears) -> None:
    await ears.hear(0.2)
    await ears.caller.stop_reading()


async def closes_without_close_frame(ears: Ears) -> None:
    await ears.hear(0.3)
    await ears.caller.send(ears.final())
    await ears.hear(0.4)
    await ears.caller.cut()


async def ends_an_idle_connection(ears: Ears) -> None:
    await ears.hear(0.3)
    await ears.caller.close(1011)


async def ends_a_long_session(ears: Ears) -> None:
    await ears.hear(0.3)
    await ears.caller.close(1000)


async def answers_slowly(ears: Ears) -> None:
    while await ears.next() != "finalize":
        pass
    await asyncio.sleep(0.25)
    await ears.caller.send(ears.final(answers=True))
    await ears.obey()


async def never_answers(ears: Ears) -> None:
    while True:
        await ears.next()


async def gives_half_an_answer(ears: Ears) -> None:
    while await ears.next() != "finalize":
        pass
    await ears.caller.send(ears.final(answers=True)[:20])
    await ears.caller.cut()


async def reports_an_error(ears: Ears) -> None:
    await ears.hear(0.2)
    await ears.caller.send('{"error": "internal"}')
    await ears.obey()


async def repeats_its_finals(ears: Ears) -> None:
    await ears.hear(0.3)
    final = ears.final()
    await ears.caller.send(final)
    await ears.caller.send(final)
    while await ears.next() != "finalize":
        pass
    answer = ears.final(answers=True)
    await ears.caller.send(answer)
    await ears.caller.send(final)
    await ears.caller.send(answer)
    await ears.obey()


async def sends_an_empty_final(ears: Ears) -> None:
    await ears.hear(0.2)
    await ears.caller.send(json.dumps({"words": [], "start": 0.0, "end": 0.0}))
    await ears.obey()


async def sends_what_nobody_knows(ears: Ears) -> None:
    await ears.caller.send(b"\x00\x01")
    await ears.obey()


FAULTS: list[Fault] = [
    never_reads,
    closes_without_close_frame,
    ends_an_idle_connection,
    ends_a_long_session,
    answers_slowly,
    never_answers,
    gives_half_an_answer,
    reports_an_error,
    repeats_its_finals,
    sends_an_empty_final,
    sends_what_nobody_knows,
]

WIRES = [pytest.param("memory"), pytest.param("socket", marks=pytest.mark.real_time)]


@asynccontextmanager
async def opened(wire: str, serve: Serve) -> AsyncIterator[tuple[FaultySTT, MemoryServer | LocalServer]]:
    """A recognizer and its vendor's server; nothing of either is left open."""
    if wire == "memory":
        server = MemoryServer(serve)
        stt = FaultySTT("ws://memory.example")
        stt.connector = server
        async with stt:
            yield stt, server
        return
    before = open_files()
    async with LocalServer(serve) as local, FaultySTT(local.url) as stt:
        yield stt, local
    gc.collect()
    assert open_files() <= before


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def speech() -> Iterable[AudioFrame]:
    samples = np.repeat(np.arange(1, 7, dtype=np.int16) * 100, round(WORD * RATE))
    return sounds.frames(samples, RATE)


async def hear_all(stt: FaultySTT) -> list[str]:
    """Speak six words, and return what was heard."""
    async with asyncio.timeout(5):
        stream = await stt.open_stream()
        for frame in speech():
            await stream.send(frame)
            await asyncio.sleep(0.005)
        await stream.finalize()
        words: list[str] = []
        answered = False
        while not answered:
            transcript = await stream.receive()
            words += transcript.text.split()
            answered = transcript.answers_finalize
        await stream.finalize()
        last = await stream.receive()
        assert (last.text, last.answers_finalize) == ("", True)
        await stream.aclose()
    return words


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_no_fault_of_the_first_connection_loses_or_doubles_a_word(wire: str, fault: Fault) -> None:
    async def serve(caller: Caller) -> None:
        ears = await greet(caller)
        await (fault(ears) if caller.number == 1 else ears.obey())

    async with opened(wire, serve) as (stt, _):
        if fault is never_reads:
            stt.padding = 1 << 20  # what the system's buffers do not hold
        assert await hear_all(stt) == WORDS


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("statuses", [(503,), (500, 502), (429,), (408, 409)])
async def test_a_handshake_that_is_refused_for_now_is_tried_again(
    wire: str, statuses: tuple[int, ...]
) -> None:
    async def serve(caller: Caller) -> None:
        await (await greet(caller)).obey()

    async with opened(wire, serve) as (stt, server):
        server.refuse(*statuses, retry_after=0.1)
        assert await hear_all(stt) == WORDS
        assert not server.refusals


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refused the key"), (403, "not allow"), (402, "credit"), (404, "no such model")],
)
async def test_a_handshake_that_is_refused_for_good_is_told_at_once(
    wire: str, status: int, words: str
) -> None:
    async def serve(caller: Caller) -> None:
        await caller.close()

    async with opened(wire, serve) as (stt, server):
        server.refuse(status)
        with pytest.raises(ProviderError, match=words) as raised:
            await stt.open_stream()
        assert not raised.value.retryable
        assert ("BELUGA_VOICE_STT__API_KEY" in str(raised.value)) == (status in (401, 403))
        assert not server.callers


@pytest.mark.parametrize("wire", WIRES)
async def test_finals_out_of_order_are_all_given_once(wire: str) -> None:
    async def serve(caller: Caller) -> None:
        ears = await greet(caller)
        await ears.hear(0.2)
        first = ears.final()
        await ears.hear(0.4)
        await caller.send(ears.final())
        await caller.send(first)
        await ears.obey()

    async with opened(wire, serve) as (stt, _):
        assert sorted(await hear_all(stt)) == WORDS


@pytest.mark.parametrize("wire", WIRES)
async def test_a_vendor_that_drops_all_connections_is_given_up(wire: str) -> None:
    async def serve(caller: Caller) -> None:
        await greet(caller)
        await caller.cut()

    async with opened(wire, serve) as (stt, server):
        with pytest.raises(ProviderError) as raised:
            await hear_all(stt)
        assert raised.value.retryable
        assert len(server.callers) == QUICK.tries


@pytest.mark.parametrize("wire", WIRES)
async def test_closing_does_not_wait_for_a_vendor_that_does_not_answer(wire: str) -> None:
    async def serve(caller: Caller) -> None:
        await greet(caller)
        await caller.stop_reading()

    loop = asyncio.get_running_loop()
    async with opened(wire, serve) as (stt, _):
        stream = await stt.open_stream()
        begun = loop.time()
        await stream.aclose()
        assert loop.time() - begun <= 2 * QUICK.close_deadline + 0.1


# -- voices --


class FaultyTTS(WebSocketTTS[str]):
    """Gives back each text's letters as levels; settings are the address."""

    sample_rate = RATE
    policy = QUICK

    def request(self) -> Request:
        return Request(self.settings)

    def encode(self, text: str, context: str) -> Iterable[Message]:
        yield text

    def decode(self, message: Message) -> Iterable[TTSAnswer]:
        if isinstance(message, bytes):
            yield Audio(message)
        else:
            yield Done()


AUDIO = np.repeat(np.arange(1, 101, dtype="<i2"), 160).tobytes()


async def drops_before_audio(caller: Caller) -> None:
    await caller.receive()
    await caller.cut()


async def gives_no_audio(caller: Caller) -> None:
    while True:
        await caller.receive()


async def speak_well(caller: Caller) -> None:
    while True:
        await caller.receive()
        for start in range(0, len(AUDIO), 999):
            await caller.send(AUDIO[start : start + 999])
        await caller.send("done")


@pytest.mark.real_time
@pytest.mark.parametrize("fault", [drops_before_audio, gives_no_audio], ids=lambda fault: fault.__name__)
async def test_a_voice_whose_connection_fails_before_its_audio_is_not_noticed(fault: Serve) -> None:
    async def serve(caller: Caller) -> None:
        await (fault(caller) if caller.number == 1 else speak_well(caller))

    before = open_files()
    async with LocalServer(serve) as server, FaultyTTS(server.url) as tts, asyncio.timeout(5):
        stream = await tts.open_stream()
        heard = b"".join([part.frame.tobytes() async for part in stream.synthesize("text")])
        await stream.aclose()
    gc.collect()
    assert heard == AUDIO
    assert open_files() <= before


@pytest.mark.real_time
async def test_half_of_the_audio_and_then_an_end_is_an_error_after_what_came() -> None:
    async def serve(caller: Caller) -> None:
        await caller.receive()
        await caller.send(AUDIO[:9000])
        await asyncio.sleep(0.05)
        await caller.cut()

    async with LocalServer(serve) as server, FaultyTTS(server.url) as tts, asyncio.timeout(5):
        stream = await tts.open_stream()
        speech = stream.synthesize("text")
        heard = (await anext(speech)).frame.tobytes()
        with pytest.raises(ProviderError, match="broke off in mid-speech"):
            await anext(speech)
        await stream.aclose()
    assert AUDIO.startswith(heard)
    assert len(heard) >= 8990
