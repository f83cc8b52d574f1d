from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import ConnectionPolicy, Message, Ready, Request, STTAnswer, WebSocketSTT
from beluga_voice.contracts import STTStream, Transcript, Word
from beluga_voice.errors import ClosedError, ContractError, ProviderError, ProviderTimeoutError
from beluga_voice.testing import check_stt, sounds
from beluga_voice.testing.wire import Caller, MemoryServer

RATE = 16000
WORD = 0.2
"""Seconds of one word: the vendor counts them in the audio's level."""


class WordSTT(WebSocketSTT[str]):
    """A vendor whose words are levels: each 200 ms of level n is the word ``wn``."""

    sample_rate = RATE
    finalizes = True
    word_timestamps = True
    policy = ConnectionPolicy(jitter=0)

    def request(self) -> Request:
        return Request("wss://words.example/listen", headers={"Authorization": self.settings})

    def encode(self, frame: AudioFrame) -> Message:
        return frame.tobytes()

    def encode_finalize(self) -> Message:
        return "finalize"

    def encode_close(self) -> Message:
        return "close"

    def encode_keep_alive(self) -> Message:
        return "alive"

    def decode(self, message: Message) -> Iterable[STTAnswer]:
        answer = json.loads(message)
        if answer["type"] == "ready":
            yield Ready()
        elif answer["type"] == "error":
            raise ProviderError(answer["text"], retryable=answer["retryable"])
        else:
            words = tuple(Word(*word) for word in answer["words"])
            yield Transcript(
                " ".join(word.text for word in words),
                final=True,
                start=answer["start"],
                end=answer["end"],
                words=words,
                answers_finalize=answer["type"] == "answer",
            )


def speech(*levels: int) -> list[AudioFrame]:
    """Frames of 20 ms: a word for each level."""
    samples = np.repeat(np.array(levels, np.int16) * 100, round(WORD * RATE))
    return list(sounds.frames(samples, RATE))


class Ears:
    """What the vendor makes of one connection's audio."""

    def __init__(self) -> None:
        self.samples = np.zeros(0, np.int16)
        self.done = 0

    def feed(self, data: bytes) -> None:
        self.samples = np.concatenate([self.samples, np.frombuffer(data, "<i2")])

    def final(self, kind: str = "final") -> str:
        """The words since the last final."""
        start, self.done = self.done, len(self.samples)
        words, size = [], round(WORD * RATE)
        for first in range(start, self.done, size):
            level = int(self.samples[first]) // 100
            if level:
                words.append([f"w{level}", first / RATE, min(first + size, self.done) / RATE])
        return json.dumps({"type": kind, "words": words, "start": start / RATE, "end": self.done / RATE})


async def obey(caller: Caller) -> None:
    """Answer each finalize."""
    ears = Ears()
    while True:
        message = await caller.receive()
        if isinstance(message, bytes):
            ears.feed(message)
        elif message == "finalize":
            await caller.send(ears.final("answer"))


async def finals(stream: STTStream, answers: int = 1) -> list[Transcript]:
    """Receive up to the answers."""
    heard: list[Transcript] = []
    async with asyncio.timeout(60):
        while sum(t.answers_finalize for t in heard) < answers:
            heard.append(await stream.receive())
    return heard


def text(heard: list[Transcript]) -> str:
    return " ".join(t.text for t in heard if t.text)


def vendor(serve: object, **attributes: object) -> tuple[WordSTT, MemoryServer]:
    stt = WordSTT("key")
    server = MemoryServer(serve)  # type: ignore[arg-type]
    stt.connector = server
    for name, value in attributes.items():
        setattr(stt, name, value)
    return stt, server


async def send_all(stream: STTStream, frames: Iterable[AudioFrame], pace: float = 0.0) -> None:
    for frame in frames:
        await stream.send(frame)
        await asyncio.sleep(pace)


async def test_keeps_the_whole_contract_of_a_recognizer() -> None:
    def make() -> WordSTT:
        return vendor(obey)[0]

    samples = np.repeat(np.array([1, 2, 3], np.int16) * 100, round(WORD * RATE))
    await check_stt(make, speech=AudioFrame(samples, RATE), words="w1 w2 w3")


async def test_a_lost_connection_loses_and_doubles_no_word() -> None:
    async def serve(caller: Caller) -> None:
        ears = Ears()
        while True:
            message = await caller.receive()
            if isinstance(message, bytes):
                ears.feed(message)
                if caller.number == 1 and len(ears.samples) == 3 * WORD * RATE:
                    await caller.send(ears.final())  # of three words
                if caller.number < 3 and len(ears.samples) >= 5 * WORD * RATE:
                    await caller.close()
            elif message == "finalize":
                await caller.send(ears.final("answer"))

    stt, server = vendor(serve)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(*range(1, 9)), pace=0.02)
        await stream.finalize()
        heard = await finals(stream)
        await stream.aclose()
    assert text(heard) == "w1 w2 w3 w4 w5 w6 w7 w8"
    words = [word for transcript in heard for word in transcript.words]
    assert [round(word.start, 2) for word in words] == [round(i * WORD, 2) for i in range(8)]
    assert len(server.callers) == 3


async def test_a_finalize_that_was_not_answered_is_asked_again() -> None:
    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            while await caller.receive() != "finalize":
                pass
            await caller.close()
        else:
            await obey(caller)

    stt, _ = vendor(serve)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(4, 5))
        await stream.finalize()
        assert text(await finals(stream)) == "w4 w5"
        await stream.aclose()


async def test_a_vendor_that_accepts_and_never_reads_is_cut_and_its_audio_goes_to_the_next_connection() -> (
    None
):
    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            await caller.stop_reading()
        await obey(caller)

    stt, server = vendor(serve, policy=ConnectionPolicy(send_deadline=0.5, jitter=0))
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(1, 2, 3, 4, 5, 6), pace=0.02)
        await stream.finalize()
        assert text(await finals(stream)) == "w1 w2 w3 w4 w5 w6"
        await stream.aclose()
    assert len(server.callers) == 2


async def test_a_final_that_comes_twice_is_given_once() -> None:
    async def serve(caller: Caller) -> None:
        ears = Ears()
        while True:
            message = await caller.receive()
            if isinstance(message, bytes):
                ears.feed(message)
            elif message == "finalize":
                answer = ears.final("answer")
                await caller.send(answer)
                await caller.send(answer)

    stt, _ = vendor(serve)
    async with stt:
        stream = await stt.open_stream()
        for levels in ((1, 2), (3,)):
            await send_all(stream, speech(*levels))
            await stream.finalize()
            heard = await finals(stream)
            assert text(heard) == " ".join(f"w{level}" for level in levels)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await stream.receive()
        await stream.aclose()


async def test_a_vendor_that_is_silent_when_there_are_no_words_is_answered_for() -> None:
    async def serve(caller: Caller) -> None:
        while True:
            await caller.receive()

    stt, _ = vendor(serve, finalize_silence=0.4)
    loop = asyncio.get_running_loop()
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(0))
        asked = loop.time()
        await stream.finalize()
        (answer,) = await finals(stream)
        assert (answer.text, round(loop.time() - asked, 3)) == ("", 0.4)
        await stream.aclose()


@pytest.mark.parametrize("speaks", [True, False])
async def test_a_vendor_that_tells_progress_is_answered_for_only_once_it_has(speaks: bool) -> None:
    async def serve(caller: Caller) -> None:
        while True:
            if await caller.receive() == "finalize" and speaks:
                await caller.send('{"type": "ready"}')

    stt, server = vendor(serve, finalize_silence=0.4, tells_progress=True)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(1))
        await stream.finalize()
        if speaks:
            (answer,) = await finals(stream)
            assert answer.text == ""
        else:
            with pytest.raises(ProviderError, match="did not answer"):
                await stream.receive()
        assert (len(server.callers) == 1) is speaks
        await stream.aclose()


async def test_a_finalize_without_new_audio_needs_no_vendor() -> None:
    stt, server = vendor(obey)
    async with stt:
        stream = await stt.open_stream()
        await stream.finalize()
        await stream.finalize()
        assert [t.text for t in await finals(stream, 2)] == ["", ""]
        assert "finalize" not in server.callers[0].sent
        await stream.aclose()


async def test_audio_waits_until_the_vendor_says_that_it_is_ready() -> None:
    before: list[Message] = []

    async def serve(caller: Caller) -> None:
        assert await caller.receive() == "hello"
        await asyncio.sleep(0.3)
        before.extend(caller.sent)
        await caller.send('{"type": "ready"}')
        await obey(caller)

    class Greeting(WordSTT):
        awaits_ready = True

        def encode_start(self) -> Iterable[Message]:
            yield "hello"

    stt = Greeting("key")
    stt.connector = MemoryServer(serve)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(1))
        await stream.finalize()
        assert text(await finals(stream)) == "w1"
        await stream.aclose()
    assert before == ["hello"]


async def test_each_connection_has_to_get_ready_anew() -> None:
    early: list[Message] = []

    async def serve(caller: Caller) -> None:
        if caller.number == 1:
            await caller.send('{"type": "ready"}')
            await caller.receive()
            await caller.cut()
        await asyncio.sleep(0.3)
        early.extend(caller.sent)
        await caller.send('{"type": "ready"}')
        await obey(caller)

    stt, _ = vendor(serve, awaits_ready=True)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(1))
        await stream.finalize()
        assert text(await finals(stream)) == "w1"
        await stream.aclose()
    assert early == []


async def test_a_vendor_that_never_gets_ready_is_given_up() -> None:
    async def serve(caller: Caller) -> None:
        while True:
            await caller.receive()

    stt, server = vendor(serve, awaits_ready=True, policy=ConnectionPolicy(open_deadline=1, tries=2))
    async with stt:
        with pytest.raises(ProviderTimeoutError, match="Word did not say that it is ready within 1 s"):
            await stt.open_stream()
    assert len(server.callers) == 2


async def test_a_vendor_that_drops_each_connection_is_given_up_and_the_error_tells() -> None:
    async def serve(caller: Caller) -> None:
        await caller.close()

    stt, server = vendor(serve)
    async with stt:
        stream = await stt.open_stream()
        with pytest.raises(ProviderError, match="closed the connection") as raised:
            await stream.receive()
        assert raised.value.retryable
        with pytest.raises(ProviderError):
            await stream.send(speech(1)[0])
        await stream.aclose()
    assert len(server.callers) == stt.policy.tries


async def test_a_refused_key_is_told_at_once() -> None:
    stt, server = vendor(obey)
    server.refuse(401)
    async with stt:
        with pytest.raises(ProviderError, match="refused the key"):
            await stt.open_stream()


async def test_what_the_vendor_says_failed_ends_the_stream_if_it_is_final() -> None:
    async def serve(caller: Caller) -> None:
        await caller.send('{"type": "error", "text": "out of credit", "retryable": false}')

    stt, server = vendor(serve)
    async with stt:
        stream = await stt.open_stream()
        with pytest.raises(ProviderError, match="out of credit"):
            await stream.receive()
        await stream.aclose()
    assert len(server.callers) == 1


async def test_a_message_that_is_none_is_an_error_that_does_not_repeat_it() -> None:
    async def serve(caller: Caller) -> None:
        await caller.send("<html>my secret words</html>")

    stt, _ = vendor(serve, policy=ConnectionPolicy(tries=1))
    async with stt:
        stream = await stt.open_stream()
        with pytest.raises(ProviderError, match="Word sent a message that cannot be read") as raised:
            await stream.receive()
        assert "secret" not in str(raised.value)
        await stream.aclose()


async def test_an_idle_connection_is_kept_by_the_vendor_s_own_message() -> None:
    stt, server = vendor(obey, policy=ConnectionPolicy(keep_alive=5))
    async with stt:
        stream = await stt.open_stream()
        await asyncio.sleep(16)
        await stream.aclose()
    assert server.callers[0].sent == ["alive"] * 3 + ["close"]


async def test_a_vendor_that_owes_an_answer_and_is_silent_is_cut() -> None:
    async def serve(caller: Caller) -> None:
        if caller.number > 1:
            await obey(caller)

    stt, server = vendor(serve, policy=ConnectionPolicy(answer_deadline=2))
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(7))
        await stream.finalize()
        assert text(await finals(stream)) == "w7"
        await stream.aclose()
    assert len(server.callers) == 2


async def test_messages_hold_the_least_of_audio_that_the_vendor_takes_and_a_finalize_sends_the_rest() -> None:
    stt, server = vendor(obey, message_duration=0.05)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(1, 2)[:-1])
        await stream.finalize()
        await finals(stream)
        await stream.aclose()
    sizes = [len(m) / 2 / RATE for m in server.callers[0].sent if isinstance(m, bytes)]
    assert sizes == [pytest.approx(0.06)] * 6 + [pytest.approx(0.02)]


async def test_a_codec_that_promises_to_finalize_and_cannot_is_told_so() -> None:
    class Forgetful(WordSTT):
        def encode_finalize(self) -> None:  # type: ignore[override]
            return None

    stt = Forgetful("key")
    stt.connector = MemoryServer(obey)
    async with stt:
        stream = await stt.open_stream()
        await send_all(stream, speech(1))
        await stream.finalize()
        with pytest.raises(ContractError, match="finalizes is True, but"):
            await stream.receive()
        await stream.aclose()


async def test_each_stream_has_a_codec_of_its_own() -> None:
    class Counting(WordSTT):
        def begin(self) -> None:
            self.count = 0

        def encode(self, frame: AudioFrame) -> Message:
            self.count += 1
            return str(self.count)

    stt = Counting("key")
    server = MemoryServer(obey)
    stt.connector = server
    async with stt:
        streams = [await stt.open_stream() for _ in range(2)]
        for stream in streams:
            await send_all(stream, speech(1)[:3], pace=0.02)
        for stream in streams:
            await stream.aclose()
    assert [caller.sent[:3] for caller in server.callers] == [["1", "2", "3"]] * 2


async def test_a_closed_provider_opens_nothing() -> None:
    stt, _ = vendor(obey)
    await stt.aclose()
    with pytest.raises(ClosedError):
        await stt.open_stream()


async def test_a_request_never_prints_its_secrets() -> None:
    request = Request(
        "wss://user:pw@x.example/v1?key=s3cret", params={"token": "s3cret"}, headers={"A": "s3cret"}
    )
    assert "s3cret" not in repr(request)
    assert request.shown == "wss://x.example/v1"
    assert request.full_url.endswith("/v1?key=s3cret&token=s3cret")
