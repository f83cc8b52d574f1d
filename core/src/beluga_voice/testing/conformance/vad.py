"""Does a detector keep the promises of `beluga_voice.contracts.vad`?"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import VAD
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice.testing import sounds
from beluga_voice.testing.conformance.gold import measure, soak
from beluga_voice.testing.conformance.promises import Promises, expect, expect_error_of
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

Score = tuple[int, int, float]

TOLERANCE = 1e-3
"""By how much a window's probability may differ with the sizes of frames and batches: rounding in the model."""

LATE = 10.0
"""Seconds within which all scores are to come; a model that is cold may need some."""


@dataclass(frozen=True, slots=True)
class Case:
    """A detector under check, and the speech it should find."""

    make: Callable[[], VAD]
    vad: VAD
    speech: NDArray[np.int16]

    def frames(self) -> Iterable[AudioFrame]:
        """Return the speech in frames of 20 ms."""
        return sounds.frames(self.speech, self.vad.sample_rate)


promises: Promises[Case] = Promises("beluga_voice.contracts.vad")


async def check_vad(make: Callable[[], VAD], *, speech: AudioFrame) -> None:
    """Check that a detector keeps its contract.

    Args:
        make: makes a detector, not yet opened; called several times.
        speech: a second or more of clear speech at `VAD.sample_rate`.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
        ValueError: `speech` is at another rate.
    """

    async def check(vad: VAD) -> None:
        if speech.sample_rate != vad.sample_rate:
            raise ValueError(f"the speech is at {speech.sample_rate} Hz; give it at {vad.sample_rate} Hz")
        await promises.check(Case(make, vad, speech.samples), type(vad).__name__)

    await check_provider(make, check)


@promises.made_by("VAD.open_stream", "raises ClosedError before open and after aclose")
async def _opens_no_stream_when_closed(case: Case) -> None:
    vad = case.make()
    expect_error_of(ClosedError, lambda: vad.open_stream(_ignore), "open_stream before open")
    await vad.open()
    await vad.aclose()
    expect_error_of(ClosedError, lambda: vad.open_stream(_ignore), "open_stream after aclose")


@promises.made_by("VADStream.feed", "raises ClosedError after close")
async def _closed_stream_raises(case: Case) -> None:
    stream = case.vad.open_stream(_ignore)
    stream.close()
    frame = AudioFrame.silence(0.02, case.vad.sample_rate)
    expect_error_of(ClosedError, lambda: stream.feed(frame), "feed")


@promises.made_by("VADStream.close", "closing twice is harmless, and no score reaches the sink after it")
async def _gives_nothing_after_close(case: Case) -> None:
    scores: list[Score] = []
    stream = case.vad.open_stream(lambda *score: scores.append(score))
    for frame in case.frames():
        stream.feed(frame)
    stream.close()
    before = len(scores)
    await asyncio.sleep(0.5)
    expect(len(scores) == before, f"{len(scores) - before} score(s) came")
    stream.close()


@promises.made_by(
    "ScoreSink", "windows follow each other from sample 0 without gap or overlap, and to the end"
)
async def _windows_have_no_gap(case: Case) -> None:
    scores = await _score(case.vad, case.frames())
    starts, ends = [s[0] for s in scores], [s[1] for s in scores]
    expect(starts[:1] == [0], f"the first window starts at {starts[:1]}")
    gaps = [(end, start) for end, start in zip(ends, starts[1:], strict=False) if end != start]
    expect(all(s < e for s, e in zip(starts, ends, strict=True)), "a window is empty")
    expect(not gaps, f"(end, start of the next) is {gaps[:3]}")
    longest = max(e - s for s, e in zip(starts, ends, strict=True))
    left = len(case.speech) - ends[-1]
    expect(0 <= left < longest, f"{left} samples are left unscored by windows of {longest}")


@promises.made_by("ScoreSink", "a probability lies within 0 and 1")
async def _probabilities_are_sound(case: Case) -> None:
    for samples in (case.speech, sounds.silence(0.5, case.vad.sample_rate), _square(case.vad.sample_rate)):
        for _, _, p in await _score(case.vad, sounds.frames(samples, case.vad.sample_rate)):
            expect(math.isfinite(p) and 0 <= p <= 1, f"a probability of {p!r} came")


@promises.made_by("ScoreSink", "speech is more likely than not where there is speech, and not in silence")
async def _tells_speech_from_silence(case: Case) -> None:
    speech = max(p for _, _, p in await _score(case.vad, case.frames()))
    rate = case.vad.sample_rate
    silence = max(p for _, _, p in await _score(case.vad, sounds.frames(sounds.silence(1.0, rate), rate)))
    expect(speech > 0.5, f"no window of the speech scores above {speech:.2f}")
    expect(silence < 0.5, f"a window of zeros scores {silence:.2f}")


@promises.made_by("ScoreSink", "is called on the loop's thread")
async def _scores_on_the_loops_thread(case: Case) -> None:
    threads: set[str] = set()
    await _score(case.vad, case.frames(), lambda: threads.add(threading.current_thread().name))
    expect(threads == {threading.current_thread().name}, f"scores came on {', '.join(sorted(threads))}")


@promises.made_by(
    "VADStream.feed",
    "takes frames of any length: they change neither windows nor probabilities",
    Level.SILVER,
)
async def _takes_any_length(case: Case) -> None:
    rate = case.vad.sample_rate
    usual = await _score(case.vad, case.frames())
    for name, sizes in (("1 to 4001", [1, 2, 7, 160, 333, 1024, 4001]), ("all", [len(case.speech)])):
        odd = await _score(case.vad, sounds.split(case.speech, itertools.cycle(sizes), rate))
        _expect_same(usual, odd, f"in frames of {name} samples")


@promises.made_by("VADStream.feed", "keeps nothing of the frame", Level.SILVER)
async def _keeps_nothing(case: Case) -> None:
    usual = await _score(case.vad, case.frames())
    _expect_same(usual, await _score(case.vad, _overwritten(case.frames())), "when the buffer is used again")


@promises.made_by("VAD", "streams share the model and nothing else", Level.SILVER)
async def _streams_are_independent(case: Case) -> None:
    rate = case.vad.sample_rate
    alone = await _score(case.vad, case.frames())
    noise = sounds.noise(len(case.speech) / rate, rate)
    other = case.vad.open_stream(_ignore)

    def beside() -> Iterable[AudioFrame]:
        for frame, noisy in zip(case.frames(), sounds.frames(noise, rate), strict=True):
            other.feed(noisy)
            yield frame

    try:
        _expect_same(alone, await _score(case.vad, beside()), "beside a stream of noise")
    finally:
        other.close()
    _expect_same(alone, await _score(case.vad, case.frames()), "after a stream of noise")


@promises.made_by("VADStream.feed", "refuses a frame at another rate", Level.SILVER)
async def _knows_its_rate(case: Case) -> None:
    stream = case.vad.open_stream(_ignore)
    frame = AudioFrame.silence(0.02, case.vad.sample_rate // 2)
    try:
        expect_error_of(AudioError, lambda: stream.feed(frame), f"a frame at {frame.sample_rate} Hz")
    finally:
        stream.close()


@promises.made_by("VADStream.feed", "takes frames of no samples", Level.SILVER)
async def _takes_empty_frames(case: Case) -> None:
    def frames() -> Iterable[AudioFrame]:
        for frame in case.frames():
            yield AudioFrame(frame.samples[:0], frame.sample_rate, frame.position)
            yield frame

    _expect_same(
        await _score(case.vad, case.frames()), await _score(case.vad, frames()), "with empty frames between"
    )


async def _score(
    vad: VAD, frames: Iterable[AudioFrame], on_score: Callable[[], object] = lambda: None
) -> list[Score]:
    """Feed `frames` to a new stream and return its scores, once they reach the last whole window."""
    scores: list[Score] = []
    fed = 0

    def sink(start: int, end: int, probability: float) -> None:
        scores.append((start, end, probability))
        on_score()

    stream = vad.open_stream(sink)
    try:
        for frame in frames:
            fed += len(frame)
            stream.feed(frame)
            await asyncio.sleep(0)
        await _settle(scores, fed)
    finally:
        stream.close()
    return scores


async def _settle(scores: list[Score], fed: int) -> None:
    try:
        async with asyncio.timeout(LATE):
            # Not an event: a sink that is called on a wrong thread must not hang the check.
            while not scores or fed - scores[-1][1] >= scores[-1][1] - scores[-1][0]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        reached = scores[-1][1] if scores else 0
        raise AssertionError(f"scores reach sample {reached} of {fed} after {LATE:g} s") from None


def _expect_same(usual: list[Score], other: list[Score], when: str) -> None:
    windows = [s[:2] for s in usual] == [s[:2] for s in other]
    expect(windows, f"{len(usual)} windows in frames of 20 ms are others, {len(other)}, {when}")
    apart = max(abs(a[2] - b[2]) for a, b in zip(usual, other, strict=True))
    expect(apart <= TOLERANCE, f"a probability differs by {apart:.4f} {when}")


def _overwritten(frames: Iterable[AudioFrame]) -> Iterable[AudioFrame]:
    for frame in frames:
        samples = frame.samples.copy()
        yield AudioFrame(samples, frame.sample_rate, frame.position)
        samples[:] = 12345


def _square(sample_rate: int) -> NDArray[np.int16]:
    """Make audio at both ends of the scale, as a broken microphone gives."""
    return np.where(sounds.tone(0.5, sample_rate) >= 0, 32767, -32768).astype(np.int16)


def _ignore(start: int, end: int, probability: float) -> None:
    del start, end, probability


# -- gold --


COST = 0.005
"""Seconds of the loop that a frame of 20 ms may take: a quarter of its duration."""


@promises.made_by("VADStream.feed", "is cheap: 5 ms for a frame of 20 ms, as measured", Level.GOLD)
async def _is_cheap(case: Case) -> None:
    loop = asyncio.get_running_loop()
    stream = case.vad.open_stream(_ignore)
    frames = itertools.cycle(case.frames())

    async def once() -> float:
        began = loop.time()
        stream.feed(next(frames))
        return loop.time() - began

    try:
        await measure("a frame", once, COST, "beluga_voice.testing.conformance.vad.COST")
    finally:
        stream.close()


@promises.made_by("VAD", "a soak of streams leaves no task, thread, file or memory behind", Level.GOLD)
async def _soaks(case: Case) -> None:
    await soak(lambda: _score(case.vad, case.frames()))
