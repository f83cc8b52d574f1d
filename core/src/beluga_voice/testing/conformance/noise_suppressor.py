"""Does a noise suppressor keep the promises of `beluga_voice.contracts.noise_suppressor`?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import NoiseSuppressor, NoiseSuppressorStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice.testing import sounds
from beluga_voice.testing.conformance.promises import Promises, expect, expect_error_of
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 2
"""By how many steps of int16 a sample may differ between two runs: rounding in the engine."""


@dataclass(frozen=True, slots=True)
class Case:
    """A noise suppressor under check."""

    make: Callable[[], NoiseSuppressor]
    suppressor: NoiseSuppressor

    def frames(self) -> list[AudioFrame]:
        """Return a second of sound in noise, in frames of 20 ms."""
        rate = self.suppressor.sample_rate
        samples = sounds.speech_like(1.0, rate) + sounds.noise(1.0, rate, level=0.05)
        return list(sounds.frames(samples, rate, position=rate))


promises: Promises[Case] = Promises("beluga_voice.contracts.noise_suppressor")


async def check_noise_suppressor(make: Callable[[], NoiseSuppressor]) -> None:
    """Check that a noise suppressor keeps its contract.

    Args:
        make: makes a noise suppressor, not yet opened; called several times.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(suppressor: NoiseSuppressor) -> None:
        await promises.check(Case(make, suppressor), type(suppressor).__name__)

    await check_provider(make, check)


@promises.made_by("NoiseSuppressor.open_stream", "raises ClosedError before open and after aclose")
async def _opens_no_stream_when_closed(case: Case) -> None:
    suppressor = case.make()
    expect_error_of(ClosedError, suppressor.open_stream, "open_stream before open")
    await suppressor.open()
    await suppressor.aclose()
    expect_error_of(ClosedError, suppressor.open_stream, "open_stream after aclose")


@promises.made_by("NoiseSuppressorStream.close", "closing twice is harmless")
async def _closes_twice(case: Case) -> None:
    stream = case.suppressor.open_stream()
    stream.close()
    stream.close()


@promises.made_by("NoiseSuppressorStream.process", "returns a frame of the same length, rate and position")
async def _keeps_the_form(case: Case) -> None:
    stream = case.suppressor.open_stream()
    for frame in case.frames():
        for played in (None, AudioFrame.silence(frame.duration, frame.sample_rate, frame.position)):
            _expect_form(stream.process(frame, played), frame)
    stream.close()


@promises.made_by("NoiseSuppressorStream.process", "takes frames of 10 to 60 ms, and silence", Level.SILVER)
async def _takes_other_durations(case: Case) -> None:
    stream, rate, position = case.suppressor.open_stream(), case.suppressor.sample_rate, 0
    for duration in (0.01, 0.06, 0.02, 0.03, 0.04):
        frame = AudioFrame.silence(duration, rate, position)
        _expect_form(stream.process(frame, None), frame)
        position += len(frame)
    stream.close()


@promises.made_by("NoiseSuppressorStream.process", "changes and keeps nothing of its arguments", Level.SILVER)
async def _keeps_nothing(case: Case) -> None:
    usual = _process(case.suppressor.open_stream(), case.frames())
    untouched = case.frames()
    _process(case.suppressor.open_stream(), untouched)
    given = zip(untouched, case.frames(), strict=True)
    expect(all(np.array_equal(a.samples, b.samples) for a, b in given), "the frame was changed")
    again = _process(case.suppressor.open_stream(), _overwritten(case.frames()))
    _expect_same(usual, again, "when the buffers are used again")


@promises.made_by("NoiseSuppressor.open_stream", "streams do not know of each other", Level.SILVER)
async def _streams_are_independent(case: Case) -> None:
    alone = _process(case.suppressor.open_stream(), case.frames())
    other = case.suppressor.open_stream()

    def beside() -> Iterable[AudioFrame]:
        for frame in case.frames():
            other.process(AudioFrame(frame.samples[::-1].copy(), frame.sample_rate, frame.position), None)
            yield frame

    _expect_same(alone, _process(case.suppressor.open_stream(), beside()), "beside another stream")
    other.close()


@promises.made_by("NoiseSuppressorStream.process", "raises ClosedError after close", Level.SILVER)
async def _closed_stream_raises(case: Case) -> None:
    stream = case.suppressor.open_stream()
    stream.close()
    frame = case.frames()[0]
    expect_error_of(ClosedError, lambda: stream.process(frame, None), "process")


@promises.made_by("NoiseSuppressorStream.process", "refuses a frame at another rate", Level.SILVER)
async def _knows_its_rate(case: Case) -> None:
    stream = case.suppressor.open_stream()
    frame = AudioFrame.silence(0.02, case.suppressor.sample_rate // 2)
    try:
        expect_error_of(AudioError, lambda: stream.process(frame, None), f"a frame at {frame.sample_rate} Hz")
    finally:
        stream.close()


def _process(stream: NoiseSuppressorStream, frames: Iterable[AudioFrame]) -> NDArray[np.int16]:
    out = [stream.process(frame, None).samples.copy() for frame in frames]
    stream.close()
    return np.concatenate(out)


def _expect_form(out: AudioFrame, frame: AudioFrame) -> None:
    expect(out.samples.dtype == np.int16, f"samples of {out.samples.dtype} came")
    expect(
        out.samples.shape == frame.samples.shape, f"shape {out.samples.shape} came for {frame.samples.shape}"
    )
    expect(out.sample_rate == frame.sample_rate, f"{out.sample_rate} Hz came for {frame.sample_rate} Hz")
    expect(out.position == frame.position, f"position {out.position} came for {frame.position}")


def _expect_same(usual: NDArray[np.int16], other: NDArray[np.int16], when: str) -> None:
    apart = int(np.abs(usual.astype(np.int32) - other.astype(np.int32)).max())
    expect(apart <= TOLERANCE, f"a sample differs by {apart} {when}")


def _overwritten(frames: Iterable[AudioFrame]) -> Iterable[AudioFrame]:
    for frame in frames:
        yield frame
        frame.samples[:] = 12345
