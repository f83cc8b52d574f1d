from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import ConnectionPolicy, Message, Reply, Request, S2SAnswer, WebSocketS2S
from beluga_voice.contracts import CallerMessage, s2s
from beluga_voice.contracts.llm import AssistantMessage
from beluga_voice.errors import ClosedError, ContractError, ProviderError
from beluga_voice.testing.wire import Caller, MemoryServer, Serve

RATE = 24000
SETUP = s2s.S2SSetup(instructions="Be brief.")


class EchoS2S(WebSocketS2S[str]):
    """A model that says the levels that it hears, by the simplest protocol there is."""

    truncates = says = calls_tools = updates = False
    policy = ConnectionPolicy(jitter=0, answer_deadline=1)

    def begin(self) -> None:
        self.requests: list[int] = []

    def request(self) -> Request:
        return Request("wss://echo.example")

    def encode_setup(self, setup: s2s.S2SSetup) -> Iterable[Message]:
        yield json.dumps({"setup": setup.instructions})

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_commit(self, number: int) -> Iterable[Message]:
        yield json.dumps({"commit": number})

    def encode_respond(self, request: int, instructions: str) -> Iterable[Message]:
        self.requests.append(request)
        yield '{"respond": true}'

    def encode_cancel(self, response: str) -> Iterable[Message]:
        yield json.dumps({"cancel": response})

    def encode_message(self, message: CallerMessage | AssistantMessage) -> Iterable[Message]:
        yield json.dumps({"add": message.text})

    def decode(self, message: Message) -> Iterable[S2SAnswer]:
        if isinstance(message, bytes):
            yield s2s.ResponseAudio("r", AudioFrame.from_bytes(message, RATE))
            return
        kind, _, value = message.partition(" ")
        if kind == "ready":
            yield s2s.Ready()
        elif kind == "ping":
            yield Reply(f"pong {value}")
        elif kind == "started":
            yield s2s.ResponseStarted("r", self.requests.pop(0))
        elif kind == "done":
            yield s2s.ResponseDone("r", s2s.ResponseOutcome(value))
        elif kind == "heard":
            yield s2s.InputTranscript(value, final=True, commit=1)
        elif kind == "odd":
            yield "words"  # type: ignore[misc]


async def obey(caller: Caller) -> None:
    heard = b""
    assert json.loads(await caller.receive()) == {"setup": "Be brief."}
    await caller.send("ready")
    while True:
        message = await caller.receive()
        if isinstance(message, bytes):
            heard += message
            continue
        order = json.loads(message)
        if "commit" in order:
            await caller.send(f"heard {len(heard) // 2}")
        elif "respond" in order:
            await caller.send("started")
            await caller.send(heard)
            await caller.send("done completed")


def model(serve: Serve, kind: type[EchoS2S] = EchoS2S) -> tuple[EchoS2S, MemoryServer]:
    made, server = kind("key"), MemoryServer(serve)
    made.connector = server
    return made, server


async def events_until(stream: s2s.S2SStream, kind: type) -> list[s2s.S2SEvent]:
    seen: list[s2s.S2SEvent] = []
    async with asyncio.timeout(60):
        while not seen or not isinstance(seen[-1], kind):
            seen.append(await stream.receive())
    return seen


def frames(seconds: float) -> Iterable[AudioFrame]:
    for number in range(round(seconds / 0.02)):
        yield AudioFrame(np.full(480, number, np.int16), RATE, number * 480)


async def test_a_conversation_goes_in_the_order_in_which_it_was_asked_for() -> None:
    made, server = model(obey)
    async with made:
        stream = await made.open_stream(SETUP)
        assert await stream.receive() == s2s.Ready()
        for frame in frames(0.5):
            await stream.send(frame)
        await stream.commit(1)
        await stream.respond(7)
        events = await events_until(stream, s2s.ResponseDone)
        await stream.add(CallerMessage("hello"))
        await stream.cancel("r")
        await asyncio.sleep(0.1)
        await stream.aclose()
        with pytest.raises(ClosedError):
            await stream.receive()
        with pytest.raises(ClosedError):
            await stream.respond(8)
    assert events[0] == s2s.InputTranscript("12000", final=True, commit=1)
    assert events[1] == s2s.ResponseStarted("r", 7)
    audio = [event.frame.samples for event in events if isinstance(event, s2s.ResponseAudio)]
    assert np.array_equal(np.concatenate(audio), np.repeat(np.arange(25, dtype=np.int16), 480))
    assert events[-1] == s2s.ResponseDone("r")
    assert server.callers[0].sent[-2:] == ['{"add": "hello"}', '{"cancel": "r"}']


async def test_a_connection_that_is_lost_ends_the_stream_after_what_it_gave_and_is_not_opened_again() -> None:
    async def serve(caller: Caller) -> None:
        await caller.receive()
        await caller.send("ready")
        await caller.send("heard 1")
        await caller.cut()

    made, server = model(serve)
    async with made:
        stream = await made.open_stream(SETUP)
        await events_until(stream, s2s.InputTranscript)
        with pytest.raises(ProviderError) as raised:
            await stream.receive()
        assert raised.value.retryable
        with pytest.raises(ProviderError):
            await stream.send(next(iter(frames(1))))
        await stream.aclose()
    assert len(server.callers) == 1


async def test_opening_is_tried_again_as_the_policy_says() -> None:
    made, server = model(obey)
    server.refuse(503, 503)
    async with made:
        stream = await made.open_stream(SETUP)
        assert await stream.receive() == s2s.Ready()
        await stream.aclose()
    assert len(server.callers) == 1


async def test_a_response_that_stands_still_ends_the_stream() -> None:
    async def serve(caller: Caller) -> None:
        await caller.send("ready")
        while await caller.receive() != '{"respond": true}':
            pass
        await caller.send("started")
        await asyncio.sleep(60)

    made, _ = model(serve)
    async with made:
        stream = await made.open_stream(SETUP)
        await stream.respond(1)
        await events_until(stream, s2s.ResponseStarted)
        with pytest.raises(ProviderError, match="did not answer within 1 s"):
            await stream.receive()
        await stream.aclose()


async def test_a_vendor_s_ping_is_answered_before_what_waits() -> None:
    async def serve(caller: Caller) -> None:
        await caller.send("ready")
        await caller.send("ping 1")
        await caller.send("ready")
        while await caller.receive() != "pong 1":
            pass
        await caller.send("heard 1")

    made, _ = model(serve)
    async with made:
        stream = await made.open_stream(SETUP)
        events = await events_until(stream, s2s.InputTranscript)
        await stream.aclose()
    assert [type(event) for event in events] == [s2s.Ready, s2s.InputTranscript]


async def test_who_gives_audio_faster_than_the_vendor_takes_it_has_to_wait() -> None:
    async def serve(caller: Caller) -> None:
        await caller.send("ready")
        await caller.stop_reading()

    made, _ = model(serve)
    async with made:
        stream = await made.open_stream(SETUP)
        await asyncio.sleep(0.1)
        sent: list[AudioFrame] = []

        async def push() -> None:
            for frame in frames(10):
                await stream.send(frame)
                sent.append(frame)

        with pytest.raises(ProviderError, match="did not take a message within 2 s"):
            await push()
        assert 0.4 <= len(sent) * 0.02 <= 0.7
        await stream.aclose()


async def test_a_codec_that_gives_no_event_or_lacks_what_it_promises_is_told() -> None:
    async def serve(caller: Caller) -> None:
        await caller.send("ready")
        await caller.send("odd")

    class Boasting(EchoS2S):
        says = True

    made, _ = model(serve, Boasting)
    async with made:
        stream = await made.open_stream(SETUP)
        with pytest.raises(ContractError, match="says is True, but it has no encode_say"):
            await stream.say(1, "hello")
        assert await stream.receive() == s2s.Ready()
        with pytest.raises(ContractError, match="gave a str, which is no event"):
            await stream.receive()
        await stream.aclose()
