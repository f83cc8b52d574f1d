"""What the recognizer hears, and what a stream promises."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STTStream, Transcript
from beluga_voice.errors import AudioError, ClosedError, ProviderError
from beluga_voice_pocketsphinx.stt import BACKLOG_SAMPLES, PocketSphinxSTT

Say = Callable[[str], list[AudioFrame]]
Make = Callable[..., PocketSphinxSTT]


async def hear(stream: STTStream, frames: Iterable[AudioFrame]) -> Transcript:
    """Send frames without pause and return the final."""
    for frame in frames:
        await stream.send(frame)
    await stream.finalize()
    return [transcript async for transcript in until_final(stream)][-1]


async def until_final(stream: STTStream) -> AsyncIterator[Transcript]:
    async for transcript in stream:
        yield transcript
        if transcript.final:
            return


def quieter(frame: AudioFrame) -> AudioFrame:
    """Take 26 dB off."""
    return AudioFrame((frame.samples / 20).astype(np.int16), frame.sample_rate, frame.position)


async def test_hears_recordings_as_a_session_sends_them(
    make: Make, say: Say, transcript: Callable[[str], str]
) -> None:
    names = [
        "lk_weather_question.wav",
        "ps_tidigits_dhd_2934z.wav",
        "lk_hello_world.wav",
        "ps_goforward.wav",
    ]
    async with make(grammar=None) as stt:
        heard = {}
        for name in names:
            stream = await stt.open_stream()
            heard[name] = (await hear(stream, say(name))).text
            await stream.aclose()
        stream = await stt.open_stream()
        soft = (await hear(stream, [quieter(frame) for frame in say("ps_goforward.wav")])).text
    assert heard == {name: transcript(name) for name in names}
    assert soft == transcript("ps_goforward.wav")


async def test_hears_cards_by_a_grammar(make: Make, cards: Path, say: Say) -> None:
    async with make(grammar=cards) as stt:
        stream = await stt.open_stream()
        assert (await hear(stream, say("ps_cards_005.wav"))).text == (
            "eight of spades four of clubs seven of hearts"
        )
        assert (await hear(stream, say("ps_cards_001.wav"))).text == "ten of clubs"


async def test_rejects_speech_outside_the_grammar_when_asked_to(make: Make, cards: Path, say: Say) -> None:
    other, card = say("librivox_sense_0880.wav"), say("ps_cards_003.wav")
    async with make(grammar=cards, reject=1e-3) as stt:
        stream = await stt.open_stream()
        answer = await hear(stream, other)
        assert (answer.text, answer.words, answer.answers_finalize) == ("", (), True)
        assert (await hear(stream, card)).text == "seven of clubs"
    async with make(grammar=cards) as forcing:
        assert "of" in (await hear(await forcing.open_stream(), other)).text


async def test_spots_keywords(make: Make, say: Say) -> None:
    async with make(grammar=None, keywords={"weather": 1e-10, "go forward": 1e-10}) as stt:
        stream = await stt.open_stream()
        final = await hear(stream, say("lk_weather_question.wav"))
        assert (final.text, len(final.words)) == ("weather", 1)
        assert (await hear(stream, say("lk_hello_world.wav"))).text == ""


async def test_a_later_utterance_of_a_stream_is_timed_in_the_audio_sent(make: Make, say: Say) -> None:
    frames = say("lk_hello_world.wav")
    length = sum(len(frame) for frame in frames) / 16000
    async with make() as stt:
        stream = await stt.open_stream()
        first, second = await hear(stream, frames), await hear(stream, frames)
    assert first.text == second.text == "hello world"
    assert [word.text for word in first.words] == ["hello", "world"]
    assert first.start == first.words[0].start < first.words[0].end <= first.words[1].start
    assert first.words[1].end == first.end <= length
    assert second.start == pytest.approx(first.start + length, abs=0.1)
    assert first.language == "en-US"


async def paced(stt: PocketSphinxSTT, frames: Iterable[AudioFrame]) -> list[tuple[float, str, bool]]:
    """Send a frame every 20 ms of virtual time; return what arrived when."""
    loop = asyncio.get_running_loop()
    stream = await stt.open_stream()
    start = loop.time()
    arrived: list[tuple[float, str, bool]] = []

    async def receive() -> None:
        async for transcript in until_final(stream):
            at = round(loop.time() - start, 6)
            arrived.append((at, transcript.text, transcript.final))

    async with asyncio.TaskGroup() as group:
        group.create_task(receive())
        for frame in frames:
            await asyncio.sleep(0.02)
            assert stream.send_nowait(frame)
        await stream.finalize()
    await stream.aclose()
    return arrived


async def test_interims_come_at_the_same_place_of_the_audio_in_each_run_on_virtual_time(
    make: Make, say: Say
) -> None:
    frames = say("lk_hello_world.wav")
    async with make() as stt:
        first, second = await paced(stt, frames), await paced(stt, frames)
    assert first == second
    assert [final for _, _, final in first] == [False] * (len(first) - 1) + [True]
    assert len(first) > 2
    assert first[-1] == (round(len(frames) * 0.02, 6), "hello world", True)
    texts = [text for _, text, _ in first[:-1]]
    assert all(a != b for a, b in itertools.pairwise(texts))
    assert all(round(at * 1000) % 100 == 0 for at, _, final in first if not final)


async def test_each_finalize_is_answered_once_in_order(make: Make, buzz: list[AudioFrame]) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        for _ in range(3):
            for frame in buzz[:10]:
                await stream.send(frame)
            await stream.finalize()
            await stream.finalize()
        for _ in range(6):
            assert [t async for t in until_final(stream)][-1].answers_finalize
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stream.receive()


async def test_send_waits_while_the_worker_is_two_seconds_behind(make: Make, buzz: list[AudioFrame]) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        accepted = 0
        while stream.send_nowait(buzz[accepted % 50]):
            accepted += 320
        assert accepted == BACKLOG_SAMPLES
        await asyncio.gather(*(stream.send(frame) for frame in buzz))
        await stream.finalize()
        assert [t async for t in until_final(stream)][-1].answers_finalize


async def test_two_streams_at_once_hear_each_its_own(make: Make, say: Say) -> None:
    async with make(streams_per_worker=2) as stt:
        one, two = await stt.open_stream(), await stt.open_stream()
        hello = say("lk_hello_world.wav")
        heard = await asyncio.gather(hear(one, hello), hear(two, [AudioFrame.silence(0.02, 16000)] * 50))
    assert [transcript.text for transcript in heard] == ["hello world", ""]


async def test_a_receive_that_was_cancelled_loses_nothing(make: Make, say: Say) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        waiting = asyncio.create_task(stream.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (await hear(stream, say("lk_hello_world.wav"))).text == "hello world"


async def test_refuses_another_rate(make: Make) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        with pytest.raises(AudioError, match="8000 Hz"):
            await stream.send(AudioFrame.silence(0.02, 8000))


async def test_a_closed_stream_is_of_no_use_and_closes_twice(make: Make, buzz: list[AudioFrame]) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        await stream.send(buzz[0])
        waiting = asyncio.create_task(stream.receive())
        await asyncio.sleep(0)
        await stream.aclose()
        await stream.aclose()
        for call in (stream.receive, stream.finalize, lambda: stream.send(buzz[0]), lambda: waiting):
            with pytest.raises(ClosedError):
                await call()
        with pytest.raises(ClosedError):
            stream.send_nowait(buzz[0])


async def test_a_closed_provider_opens_no_stream(make: Make) -> None:
    stt = make(warm=0)
    with pytest.raises(ClosedError, match="not open"):
        await stt.open_stream()
    await stt.open()
    await stt.aclose()
    await stt.aclose()
    with pytest.raises(ClosedError):
        await stt.open_stream()
    with pytest.raises(ClosedError):
        await stt.open()


async def test_more_streams_than_the_workers_hold_are_refused_until_one_closes(make: Make) -> None:
    async with make(workers=1, streams_per_worker=2) as stt:
        one, _ = await stt.open_stream(), await stt.open_stream()
        with pytest.raises(ProviderError, match="1 pocketsphinx workers have 2 streams each") as refused:
            await stt.open_stream()
        assert refused.value.retryable
        await one.aclose()
        await stt.open_stream()


async def test_unread_transcripts_are_bounded(make: Make) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        for _ in range(1000):
            await stream.finalize()
        with pytest.raises(ProviderError, match="1000 transcripts wait"):
            await stream.finalize()
