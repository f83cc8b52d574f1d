"""Streams: what reaches the sink, in which order, however frames are cut, streams come and go, or sinks fail."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.vad import VADStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice_silero.vad import SileroVAD

if TYPE_CHECKING:
    from conftest import Ears, Scores

WINDOW = AudioFrame(np.zeros(512, np.int16), 16000)


@asynccontextmanager
async def opened() -> AsyncIterator[SileroVAD]:
    async with SileroVAD() as vad:
        yield vad


async def test_hears_speech_and_not_noise_or_silence(ears: Ears) -> None:
    speech = await ears.score(ears.speech(2.0))
    noise = await ears.score(ears.noise(2.0, 1000))
    silence = await ears.score(np.zeros(32000, np.int16))
    assert np.mean(np.array(speech.probabilities) > 0.5) > 0.5
    assert max(noise.probabilities) < 0.35
    assert max(silence.probabilities) < 0.35


async def test_windows_follow_each_other_from_the_first_frames_position(ears: Ears) -> None:
    scores = await ears.score(ears.speech(1.0), position=4711)
    assert scores.spans == [(4711 + 512 * n, 4711 + 512 * (n + 1)) for n in range(31)]


@given(sizes=st.lists(st.integers(1, 2500), max_size=30))
@settings(max_examples=20, deadline=None)
async def test_scores_are_the_same_however_the_audio_is_cut(ears: Ears, sizes: list[int]) -> None:
    speech = ears.speech(0.5)
    expected, scores = await ears.score(speech), await ears.score(speech, sizes)
    assert scores.spans == expected.spans
    assert scores.probabilities == expected.probabilities


async def test_streams_do_not_hear_each_other(ears: Ears) -> None:
    callers = [ears.speech(0.4, seed) for seed in range(20)]
    alone = [await ears.score(caller) for caller in callers]
    together = [type(alone[0])() for _ in callers]
    async with opened() as vad:
        streams = [vad.open_stream(scores) for scores in together]
        for frames in zip(*(ears.frames(caller) for caller in callers), strict=True):
            for stream, frame in zip(streams, frames, strict=True):
                stream.feed(frame)
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    for one, other in zip(alone, together, strict=True):
        assert one.spans == other.spans
        np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-5)


async def test_windows_of_one_iteration_are_scored_at_its_end(scores: Scores) -> None:
    async with opened() as vad:
        streams = [vad.open_stream(scores) for _ in range(15)]
        for stream in streams:
            stream.feed(WINDOW)
        assert scores.spans == []
        await asyncio.sleep(0)
        assert scores.spans == [(0, 512)] * 15
        np.testing.assert_allclose(scores.probabilities, scores.probabilities[0], rtol=0, atol=1e-6)


async def test_a_full_batch_is_scored_at_once(scores: Scores) -> None:
    async with opened() as vad:
        for _ in range(40):
            vad.open_stream(scores).feed(WINDOW)
        assert len(scores.spans) == 32
        await asyncio.sleep(0)
        assert len(scores.spans) == 40


async def test_a_closed_streams_window_reaches_no_sink(ears: Ears, scores: Scores) -> None:
    closed = type(scores)()
    async with opened() as vad:
        streams = [vad.open_stream(scores), vad.open_stream(closed), vad.open_stream(scores)]
        for stream in streams:
            stream.feed(WINDOW)
        streams[1].close()
        streams[1].close()
        await asyncio.sleep(0)
    assert len(scores.spans) == 2
    assert closed.spans == []


async def test_a_sink_may_close_streams_whose_scores_are_due(scores: Scores) -> None:
    streams: list[VADStream] = []

    def close_all(start: int, end: int, probability: float) -> None:
        for stream in streams:
            stream.close()

    async with opened() as vad:
        streams += [vad.open_stream(close_all), vad.open_stream(scores)]
        streams[0].feed(AudioFrame(np.zeros(100, np.int16), 16000))
        streams[0].feed(AudioFrame(np.zeros(3000, np.int16), 16000))
        await asyncio.sleep(0)
        with pytest.raises(ClosedError):
            streams[0].feed(WINDOW)
    assert scores.spans == []


async def test_a_sink_may_open_and_feed_other_streams(scores: Scores) -> None:
    async with opened() as vad:

        def fork(start: int, end: int, probability: float) -> None:
            vad.open_stream(scores).feed(WINDOW)

        vad.open_stream(fork).feed(WINDOW)
        await asyncio.sleep(0)
        assert scores.spans == []
        await asyncio.sleep(0)
        assert scores.spans == [(0, 512)]


async def test_a_sink_that_raises_does_not_cost_others_their_scores(scores: Scores) -> None:
    def fail(start: int, end: int, probability: float) -> None:
        raise ZeroDivisionError

    async with opened() as vad:
        streams = [vad.open_stream(fail if number == 3 else scores) for number in range(16)]
        for stream in streams[:15]:
            stream.feed(WINDOW)
        with pytest.raises(ZeroDivisionError):
            streams[15].feed(WINDOW)
        await asyncio.sleep(0)
        assert len(scores.spans) == 15


async def test_nothing_of_a_frame_is_kept(ears: Ears, scores: Scores) -> None:
    expected = await ears.score(ears.speech(0.5))
    buffer = np.zeros(320, np.int16)
    async with opened() as vad:
        stream = vad.open_stream(scores)
        for frame in ears.frames(ears.speech(0.5)):
            buffer[:] = frame.samples
            stream.feed(AudioFrame(buffer, 16000))
            buffer[:] = 12345
            await asyncio.sleep(0)
    assert scores.probabilities == expected.probabilities


async def test_frames_at_another_rate_are_refused(scores: Scores) -> None:
    async with opened() as vad:
        with pytest.raises(AudioError, match="8000 Hz; silero takes 16000 Hz"):
            vad.open_stream(scores).feed(AudioFrame(np.zeros(160, np.int16), 8000))


async def test_opens_streams_only_while_it_is_open(scores: Scores) -> None:
    vad = SileroVAD()
    with pytest.raises(ClosedError, match="not open"):
        vad.open_stream(scores)
    await vad.open()
    stream = vad.open_stream(scores)
    stream.feed(WINDOW)
    await vad.aclose()
    await vad.aclose()
    await asyncio.sleep(0)
    assert scores.spans == []
    with pytest.raises(ClosedError, match="closed"):
        stream.feed(WINDOW)
    with pytest.raises(ClosedError, match="not open"):
        vad.open_stream(scores)


async def test_a_stream_is_small_and_is_let_go_when_closed(scores: Scores) -> None:
    async with opened() as vad:
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        streams = [vad.open_stream(scores) for _ in range(100)]
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (after - before) / 100 < 4096
        kept = weakref.ref(streams[0].state)
        streams[0].feed(WINDOW)
        streams.pop(0).close()
        await asyncio.sleep(0)
        gc.collect()
        assert kept() is None
