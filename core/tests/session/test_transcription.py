"""The session's side of the STT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame, Resampler, RingBuffer
from beluga_voice.contracts import STT, Listens, STTStream, Transcript
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.transcription import Transcription
from beluga_voice.testing import ScriptedSTT, ScriptedSTTStream
from beluga_voice.testing.sounds import noise

RATE = 16000
AUDIO = noise(20)


class Ear:
    """A transcription, the ring before it, and what it heard."""

    def __init__(self, stt: STT, *, pre_roll: float = 0.4, **config: float) -> None:
        self.ring = RingBuffer(2 * RATE)
        self.heard: list[tuple[Transcript, int | None]] = []
        self.transcription = Transcription(
            stt,
            self.ring,
            sample_rate=RATE,
            pre_roll=round(pre_roll * RATE),
            config=SessionConfig(**config),  # type: ignore[arg-type]
            heard=lambda transcript, answers: self.heard.append((transcript, answers)),
        )

    def push(self, samples: int) -> None:
        frame = AudioFrame(AUDIO[self.ring.end : self.ring.end + samples], RATE, self.ring.end)
        self.ring.write(frame.samples)
        self.transcription.hear(frame)


@asynccontextmanager
async def _running(ear: Ear) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(ear.transcription.run())
    await asyncio.sleep(0.01)
    yield task
    task.cancel()
    await asyncio.wait([task])


def _sent(stt: ScriptedSTT) -> np.ndarray:
    frames = [frame.samples for stream in stt.streams for frame in stream.frames]
    return np.concatenate([np.zeros(0, np.int16), *frames])


async def _error(task: asyncio.Task[None]) -> Exception:
    """The one error that a run ended by, out of the group it may come in."""
    await asyncio.wait([task], timeout=100)
    error = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error


async def test_speech_goes_with_its_pre_roll_and_silence_does_not() -> None:
    stt = ScriptedSTT()
    ear = Ear(stt)
    async with _running(ear):
        ear.push(RATE)
        assert not stt.streams[0].frames
        ear.transcription.start(RATE - 1000)
        ear.push(500)
        ear.transcription.stop()
        ear.push(RATE)
        begin = RATE - 1000 - 6400
        assert stt.streams[0].frames[0].position == begin
        assert np.array_equal(_sent(stt), AUDIO[begin : RATE + 500])
    assert stt.streams[0].closed


async def test_what_is_being_heard_as_the_turn_closes_is_sent_too() -> None:
    stt = ScriptedSTT()
    ear = Ear(stt)
    async with _running(ear):
        ear.transcription.start(0)
        ear.push(100)
        ear.ring.write(AUDIO[100:150])
        ear.transcription.stop()
        assert np.array_equal(_sent(stt), AUDIO[:150])


async def test_speech_that_starts_within_what_was_sent_goes_on_from_there() -> None:
    stt = ScriptedSTT()
    ear = Ear(stt)
    async with _running(ear):
        ear.push(RATE)
        ear.transcription.start(RATE)
        ear.transcription.stop()
        ear.push(100)
        ear.transcription.start(RATE + 50)
        ear.push(100)
        assert np.array_equal(_sent(stt), AUDIO[RATE - 6400 : RATE + 200])


async def test_before_the_call_began_there_is_no_pre_roll() -> None:
    stt = ScriptedSTT()
    ear = Ear(stt)
    async with _running(ear):
        ear.push(100)
        ear.transcription.start(0)
        assert np.array_equal(_sent(stt), AUDIO[:100])


@pytest.mark.parametrize("always", ["declared", "asked"])
async def test_a_recognizer_that_listens_to_all_gets_all(always: str) -> None:
    stt = ScriptedSTT(listens=Listens.ALL if always == "declared" else Listens.SPEECH)
    ear = Ear(stt)
    if always == "asked":
        ear.transcription.always()
    ear.push(700)
    async with _running(ear):
        ear.push(RATE)
        ear.transcription.start(100)
        ear.push(1)
        ear.transcription.stop()
        ear.push(319)
        assert np.array_equal(_sent(stt), AUDIO[: 700 + RATE + 320])


@pytest.mark.parametrize("send_delay", [0.0, 0.005])
@pytest.mark.parametrize("rate", [8000, 24000, 44100])
async def test_audio_goes_at_the_recognizer_s_rate_in_frames_that_hold_something(
    rate: int, send_delay: float
) -> None:
    stt = ScriptedSTT(listens=Listens.ALL, sample_rate=rate, send_delay=send_delay)
    ear = Ear(stt)
    async with _running(ear):
        for size in (1, 2, 3, 320, 1, 1, 999, 320, 5):
            ear.push(size)
            await asyncio.sleep(0.01)
    assert np.array_equal(_sent(stt), Resampler(RATE, rate).process(AUDIO[: ear.ring.end]))
    frames = stt.streams[0].frames
    assert all(len(frame) and frame.sample_rate == rate for frame in frames)
    assert [f.position for f in frames[1:]] == [f.position + len(f) for f in frames[:-1]]


async def test_a_frame_that_has_to_wait_is_not_the_caller_s_any_more() -> None:
    stt = ScriptedSTT(listens=Listens.ALL, send_delay=0.1)
    ear = Ear(stt)
    async with _running(ear):
        buffer = AUDIO[:320].copy()
        ear.ring.write(buffer)
        ear.transcription.hear(AudioFrame(buffer, RATE, 0))
        buffer[:] = 0
        await asyncio.sleep(1)
    assert np.array_equal(_sent(stt), AUDIO[:320])


async def test_answers_carry_the_number_of_their_question() -> None:
    stt = ScriptedSTT(["one", "two"], listens=Listens.ALL, delay=0.2)
    ear = Ear(stt)
    async with _running(ear):
        for request in (7, 8, 9):
            ear.push(RATE)
            ear.transcription.finalize(request)
        await asyncio.sleep(1)
    assert [(t.text, answers) for t, answers in ear.heard] == [("one", 7), ("two", 8), ("", 9)]


async def test_a_question_that_is_never_answered_does_not_take_the_answer_to_the_next() -> None:
    stt = _Forgetful(["one", "two", "three"])
    ear = Ear(stt)
    async with _running(ear):
        ear.transcription.start(0)
        for number in (1, 2, 3):
            ear.push(4800)
            ear.transcription.finalize(number)
            await asyncio.sleep(1)
    assert [(t.text, answers) for t, answers in ear.heard] == [("two", 2), ("three", 3)]


class _Forgetful(ScriptedSTT):
    """Leaves the first request unanswered."""

    async def open_stream(self) -> Any:
        stream = await super().open_stream()
        receive = stream.receive

        async def receive_later() -> Transcript:
            found = await receive()
            return await receive() if found.text == "one" else found

        stream.receive = receive_later  # type: ignore[method-assign]
        return stream


async def test_the_question_goes_after_the_audio_before_it() -> None:
    stt = ScriptedSTT(["one"], listens=Listens.ALL, send_delay=0.01)
    ear = Ear(stt)
    async with _running(ear):
        ear.push(3200)
        ear.transcription.finalize(1)
        await asyncio.sleep(1)
        assert ear.heard[0][0].end == pytest.approx(0.2)


async def test_a_recognizer_that_answers_no_question_gets_none_assigned() -> None:
    stt = ScriptedSTT(["one"], listens=Listens.ALL, finalizes=False, ends_after=0.2)
    ear = Ear(stt)
    async with _running(ear):
        ear.transcription.finalize(1)
        await asyncio.sleep(0.1)
        assert len(stt.streams[0].finalized_at) == 1
        assert not ear.transcription._requests


async def test_audio_that_a_failed_stream_had_not_taken_goes_to_the_next_once_and_in_order() -> None:
    stt = ScriptedSTT(listens=Listens.ALL, fails_after=0.5)
    ear = Ear(stt)
    async with _running(ear) as task:
        for _ in range(60):
            ear.push(160)
        assert isinstance(await _error(task), ProviderError)
    stt.fails_after = None
    ear.push(3000)  # while there is none
    async with _running(ear):
        ear.push(200)
        await asyncio.sleep(0.1)
    assert len(stt.streams) == 2
    assert all(stream.closed for stream in stt.streams)
    assert np.array_equal(_sent(stt), AUDIO[: ear.ring.end])
    assert stt.streams[1].frames[0].position == 8000


class _Faulty(STT):
    """Fails in one place."""

    finalizes = True
    listens = Listens.ALL

    def __init__(self, where: str, error: Exception) -> None:
        self.where, self.error = where, error
        self.streams: list[_FaultyStream] = []

    async def open_stream(self) -> STTStream:
        stream = _FaultyStream(self)
        self.streams.append(stream)
        return stream


class _FaultyStream(STTStream):
    def __init__(self, stt: _Faulty) -> None:
        self._stt = stt
        self.closed = False

    def _reach(self, where: str) -> None:
        if self._stt.where == where:
            raise self._stt.error

    async def send(self, frame: AudioFrame) -> None:
        self._reach("send")

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._reach("send_nowait")
        return self._stt.where != "send"

    async def finalize(self) -> None:
        self._reach("finalize")

    async def receive(self) -> Transcript:
        self._reach("receive")
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        self.closed = True
        self._reach("aclose")


@pytest.mark.parametrize("where", ["send", "send_nowait", "finalize", "receive"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [(ProviderError("gone"), ProviderError), (ClosedError("shut"), ProviderError), (KeyError("x"), KeyError)],
)
async def test_whatever_fails_is_raised_by_the_run_and_not_by_who_pushes(
    where: str, error: Exception, kind: type[Exception]
) -> None:
    stt = _Faulty(where, error)
    ear = Ear(stt)
    async with _running(ear) as task:
        ear.push(320)
        ear.push(320)
        ear.transcription.finalize(1)
        assert isinstance(await _error(task), kind)
    assert stt.streams[0].closed


class _Stuck(ScriptedSTT):
    """Never comes back from one call."""

    def __init__(self, where: str) -> None:
        super().__init__(listens=Listens.ALL)
        self.where = where

    async def open_stream(self) -> STTStream:  # type: ignore[override]
        if self.where == "open":
            await asyncio.Event().wait()
        stream = await super().open_stream()

        async def hang(*_: object) -> None:
            await asyncio.Event().wait()

        if self.where == "send":
            stream.send_nowait = lambda _: False  # type: ignore[method-assign]
        setattr(stream, self.where, hang)
        return stream


async def test_a_recognizer_that_stops_taking_audio_is_given_up_at_its_backlog() -> None:
    ear = Ear(_Stuck("send"), hearing_backlog=2)
    async with _running(ear) as task:
        for _ in range(99):
            ear.push(320)
        await asyncio.sleep(0.1)
        assert not task.done()
        for _ in range(20):
            ear.push(320)
            assert ear.transcription._waiting_samples <= 2 * RATE
        error = await _error(task)
        assert isinstance(error, ProviderError)
        assert error.retryable
        assert "2 s behind" in str(error)


async def test_audio_that_waits_while_there_is_no_stream_is_bounded_too() -> None:
    ear = Ear(_Stuck("open"), hearing_backlog=1, open_deadline=5)
    async with _running(ear) as task:
        for _ in range(500):
            ear.push(320)
            assert ear.transcription._waiting_samples <= RATE
        assert isinstance(await _error(task), ProviderTimeoutError)
        assert asyncio.get_running_loop().time() == pytest.approx(5)


async def test_a_stream_that_does_not_close_is_left_at_its_deadline() -> None:
    ear = Ear(_Stuck("aclose"), close_deadline=0.5)
    async with _running(ear) as task:
        task.cancel()
        await asyncio.wait([task])
        assert asyncio.get_running_loop().time() == pytest.approx(0.51)
        assert task.cancelled()


def _spans(stream: ScriptedSTTStream) -> list[tuple[int, int]]:
    """What a stream was sent, as spans without gap."""
    spans: list[tuple[int, int]] = []
    for frame in stream.frames:
        start = spans.pop()[0] if spans and spans[-1][1] == frame.position else frame.position
        spans.append((start, frame.position + len(frame)))
    return spans


@pytest.mark.parametrize("listens", Listens)
async def test_what_a_failed_stream_gave_no_words_of_goes_to_the_next_with_the_question_after_it(
    listens: Listens,
) -> None:
    stt = ScriptedSTT(["one"], listens=listens, delay=0.5)
    ear = Ear(stt, pre_roll=0.1)
    async with _running(ear) as task:
        ear.push(RATE)
        ear.transcription.start(RATE // 2)
        ear.push(RATE // 4)
        ear.transcription.finalize(7)
        await asyncio.sleep(0.01)
        stt.streams[0].break_down()
        assert isinstance(await _error(task), ProviderError)
    async with _running(ear):
        ear.push(160)
        await asyncio.sleep(1)
    assert _spans(stt.streams[1])[0][0] == RATE // 2 - RATE // 10
    assert _spans(stt.streams[1])[0][1] == ear.ring.end
    assert [answers for _, answers in ear.heard] == [7]


async def test_words_that_are_final_are_not_heard_again_by_the_next_stream() -> None:
    stt = ScriptedSTT(["one", "two"], delay=0.01)
    ear = Ear(stt, pre_roll=0.0)
    async with _running(ear) as task:
        ear.transcription.start(0)
        ear.push(RATE // 2)
        ear.transcription.finalize(1)
        await asyncio.sleep(0.1)
        ear.push(RATE // 4)
        await asyncio.sleep(0.1)
        stt.streams[0].break_down()
        assert isinstance(await _error(task), ProviderError)
    async with _running(ear):
        await asyncio.sleep(0.1)
        ear.transcription.stop()
    assert _spans(stt.streams[1]) == [(RATE // 2, RATE // 2 + RATE // 4)]


async def test_the_audio_of_a_turn_that_is_over_is_not_heard_again() -> None:
    stt = ScriptedSTT(["one"], hangs=True)
    ear = Ear(stt, pre_roll=0.0)
    async with _running(ear) as task:
        ear.transcription.start(0)
        ear.push(RATE // 2)
        await asyncio.sleep(0.1)
        ear.transcription.stop()
        stt.streams[0].break_down()
        assert isinstance(await _error(task), ProviderError)
    async with _running(ear):
        await asyncio.sleep(0.1)
    assert _spans(stt.streams[1]) == []
