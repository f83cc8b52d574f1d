"""Does a recognizer keep the promises of `beluga_voice.contracts.stt`?"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs.codec import Codec
from beluga_voice.contracts import STT, STTStream, Transcript
from beluga_voice.errors import AudioError, ClosedError, ProviderError
from beluga_voice.testing import sounds
from beluga_voice.testing.conformance.faults import (
    GIVES_UP_WITHIN,
    PROMPT,
    FaultyLine,
    VendorFaults,
    expect_retryable,
)
from beluga_voice.testing.conformance.gold import measure, soak
from beluga_voice.testing.conformance.promises import Promises, expect, expect_error, soon
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

FINAL_WITHIN = 30.0
"""Seconds that a final may take; vendors promise far less, a cold local engine may need some."""

QUIET = 0.5
"""Seconds without a transcript after which no more is expected, for a recognizer that tells no `p99_delay`."""

SLACK = 0.1
"""Seconds by which a word's times may lie outside the audio: engines count in steps of 10 to 80 ms."""


@dataclass(frozen=True, slots=True)
class Case:
    """A recognizer under check, what it hears, and what it should make of that.

    Attributes:
        make: makes another.
        stt: open, shared by all promises.
        speech: samples at its rate.
        words: what is said, in lower case; None for any words.
        heard: the transcripts of the first plain run, for the promises that look at nothing else.
        faults: its vendor's line, for the promises of what happens when that fails; None if it has no vendor.
    """

    make: Callable[[], STT]
    stt: STT
    speech: NDArray[np.int16]
    words: list[str] | None
    heard: list[Transcript] = field(default_factory=list)
    faults: VendorFaults | None = None

    def frames(self, position: int = 0) -> Iterable[AudioFrame]:
        """Return the speech in frames of 20 ms."""
        return sounds.frames(self.speech, self.stt.sample_rate, position=position)

    def expect_words(self, transcripts: list[Transcript], when: str) -> None:
        """Fail unless the finals hold the words."""
        heard = _words(" ".join(t.text for t in transcripts if t.final))
        if self.words is None:
            expect(bool(heard), f"heard nothing {when}")
        else:
            expect(heard == self.words, f"heard {' '.join(heard)!r}, not {' '.join(self.words)!r}, {when}")


promises: Promises[Case] = Promises("beluga_voice.contracts.stt")


async def check_stt(
    make: Callable[[], STT],
    *,
    speech: AudioFrame,
    words: str | None = None,
    faults: VendorFaults | None = None,
) -> None:
    """Check that a recognizer keeps its contract.

    Args:
        make: makes a recognizer, not yet opened; called several times. One over `beluga_voice.codecs` is also held
            to what happens when its vendor's line fails.
        speech: some seconds of clear speech with little silence around, at `STT.sample_rate`.
        words: what is said; letter case and punctuation do not matter. None accepts any words.
        faults: the vendor, for a recognizer with a connection of its own.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
        ValueError: `speech` is at another rate.
    """

    async def check(stt: STT) -> None:
        if speech.sample_rate != stt.sample_rate:
            raise ValueError(f"the speech is at {speech.sample_rate} Hz; give it at {stt.sample_rate} Hz")
        line = faults or (own if isinstance(stt, Codec) else None)
        wanted = None if words is None else _words(words)
        await promises.check(Case(made, stt, speech.samples, wanted, faults=line), type(stt).__name__)

    own = FaultyLine()
    made = own.between(make)
    await check_provider(made, check)


@promises.made_by("STT.open_stream", "raises ClosedError after aclose")
async def _opens_no_stream_when_closed(case: Case) -> None:
    stt = case.make()
    await stt.open()
    await stt.aclose()
    await expect_error(ClosedError, stt.open_stream(), "open_stream")


@promises.made_by("STTStream.aclose", "closing twice is harmless, also in mid-speech")
async def _stream_closes_twice(case: Case) -> None:
    stream = await case.stt.open_stream()
    for frame in itertools.islice(case.frames(), 10):
        await stream.send(frame)
    await soon(stream.aclose(), "aclose")
    await stream.aclose()


@promises.made_by("STTStream", "send, send_nowait, finalize and receive raise ClosedError after aclose")
async def _closed_stream_raises(case: Case) -> None:
    stream = await case.stt.open_stream()
    await stream.aclose()
    frame = AudioFrame.silence(0.02, case.stt.sample_rate)
    await expect_error(ClosedError, stream.send(frame), "send")
    await expect_error(ClosedError, stream.finalize(), "finalize")
    await expect_error(ClosedError, soon(stream.receive(), "receive"), "receive")
    if type(stream).send_nowait is not STTStream.send_nowait:
        await expect_error(ClosedError, _send_nowait(stream, frame), "send_nowait")


@promises.made_by(
    "STTStream.receive", "raises ClosedError when the stream is closed while it waits", Level.SILVER
)
async def _closing_ends_a_wait(case: Case) -> None:
    stream = await case.stt.open_stream()
    waiting = asyncio.create_task(stream.receive())
    await asyncio.sleep(0.01)
    expect(not waiting.done(), "returned before any audio was sent")
    await stream.aclose()
    try:
        await expect_error(ClosedError, soon(_join(waiting), "receive after aclose"), "receive")
    finally:
        waiting.cancel()


@promises.made_by("STTStream.receive", "gives the words of what was sent")
async def _hears_words(case: Case) -> None:
    case.heard.extend(await _recognize(case, case.frames()))
    case.expect_words(case.heard, "in frames of 20 ms")


@promises.made_by(
    "STTStream.finalize", "is answered exactly once, in order, if declared, and never otherwise"
)
async def _answers_finalize_once(case: Case) -> None:
    stream = await case.stt.open_stream()
    for frame in case.frames():
        await stream.send(frame)
    for _ in range(3):
        await soon(stream.finalize(), "finalize")
    transcripts = await _all(stream, case.stt, answers=3)
    answers = [t for t in transcripts if t.answers_finalize]
    asked = 3 if case.stt.finalizes else 0
    expect(len(answers) == asked, f"{asked} answer(s) were due to three calls, {len(answers)} came")
    expect(all(t.final for t in answers), "an interim answered")
    if asked:
        case.expect_words(transcripts[: transcripts.index(answers[0]) + 1], "up to the first answer")
    await stream.aclose()


@promises.made_by(
    "STTStream.finalize", "is answered when nothing was sent, and after silence only", Level.SILVER
)
async def _answers_finalize_of_nothing(case: Case) -> None:
    stream = await case.stt.open_stream()
    silence = sounds.silence(1.0, case.stt.sample_rate)
    for samples in (silence[:0], silence):
        for frame in sounds.frames(samples, case.stt.sample_rate):
            await stream.send(frame)
        await soon(stream.finalize(), "finalize")
        if case.stt.finalizes:
            answers = [t for t in await _until_answered(stream) if t.answers_finalize]
            expect(len(answers) == 1, f"{len(answers)} answers came")
    case.expect_words(await _recognize(case, case.frames(), stream), "after silence")
    await stream.aclose()


@promises.made_by(
    "STTStream.send", "takes frames of any size, and keeps nothing of a frame after return", Level.SILVER
)
async def _takes_odd_frames_and_keeps_none(case: Case) -> None:
    sizes = itertools.cycle([1, 2, 7, 160, 333, 1024, 4001])
    frames = _overwritten(sounds.split(case.speech, sizes, case.stt.sample_rate))
    case.expect_words(await _recognize(case, frames), "in odd frames whose buffer was overwritten after send")


@promises.made_by("STTStream.send", "takes positions that jump over audio that was no speech", Level.SILVER)
async def _takes_jumps(case: Case) -> None:
    stream = await case.stt.open_stream()
    rate = case.stt.sample_rate
    for position in (10 * rate, 100 * rate):
        frames = case.frames(position)
        case.expect_words(await _recognize(case, frames, stream), f"at position {position}")
    await stream.aclose()


@promises.made_by("STTStream.receive", "may be cancelled without a loss", Level.SILVER)
async def _receive_may_be_cancelled(case: Case) -> None:
    stream = await case.stt.open_stream()
    impatient = asyncio.create_task(_receive_impatiently(stream, case.stt))
    try:
        await _send_all(case.stt, stream, case.frames())
        case.expect_words(await impatient, "after waits that were cancelled")
    finally:
        impatient.cancel()
        await asyncio.wait([impatient])
    await stream.aclose()


@promises.made_by("STT.open_stream", "streams do not know of each other", Level.SILVER)
async def _streams_are_independent(case: Case) -> None:
    doomed = await case.stt.open_stream()
    one, two = await case.stt.open_stream(), await case.stt.open_stream()
    for frame in itertools.islice(case.frames(), 10):
        await doomed.send(frame)
    closing = asyncio.create_task(doomed.aclose())
    try:
        both = (_recognize(case, case.frames(), stream) for stream in (one, two))
        for transcripts in await asyncio.gather(*both):
            case.expect_words(transcripts, "while another stream heard the same and a third was closed")
    finally:
        await asyncio.gather(closing, one.aclose(), two.aclose())


@promises.made_by(
    "Transcript", "times lie in order within the audio that was sent, and declared ones are given"
)
async def _transcripts_are_sound(case: Case) -> None:
    sent = (len(case.speech) / case.stt.sample_rate) + (0 if case.stt.finalizes else _TAIL)
    for transcript in case.heard:
        _expect_sound(transcript, sent)
        expect(transcript.final or case.stt.interim_results, "an interim came, but interim_results is False")
        if case.stt.word_timestamps and transcript.final and transcript.text:
            expect(bool(transcript.words), f"word_timestamps is True, but {transcript.text!r} has no words")


@promises.made_by("STT.interim_results", "interims come before the final when they are declared")
async def _gives_interims(case: Case) -> None:
    if case.stt.interim_results:
        expect(any(not t.final for t in case.heard), "no interim came")


@promises.made_by("STTStream.receive", "gives transcripts in the order of the speech")
async def _keeps_the_order(case: Case) -> None:
    starts = [t.start for t in case.heard if t.final and t.start is not None]
    expect(starts == sorted(starts), f"finals begin at {starts} s: times go backwards")


@promises.made_by("STTStream.send", "waits for nobody to receive, or is waited for", Level.SILVER)
async def _needs_no_reader(case: Case) -> None:
    stream = await case.stt.open_stream()
    sending = asyncio.create_task(_send_all(case.stt, stream, case.frames()))
    await asyncio.wait([sending], timeout=5)
    try:
        if case.stt.finalizes:
            transcripts = await _until_answered(stream)
        else:
            transcripts = await _all(stream, case.stt)
        await soon(_join_sending(sending), "sending to a stream that is read late")
        case.expect_words(transcripts, "by a reader who began late")
    finally:
        sending.cancel()
        await asyncio.wait([sending])
    await stream.aclose()


@promises.made_by("STTStream.send", "refuses a frame at another rate, or resamples it", Level.SILVER)
async def _knows_its_rate(case: Case) -> None:
    stream = await case.stt.open_stream()
    slow = case.speech[::2]
    try:
        heard = await _recognize(case, sounds.frames(slow, case.stt.sample_rate // 2), stream)
    except (AudioError, ProviderError):
        return
    finally:
        await stream.aclose()
    case.expect_words(heard, f"at {case.stt.sample_rate // 2} Hz, which it did not refuse")


@promises.made_by("STTStream.aclose", "ends it in mid-speech for a sender who waits", Level.SILVER)
async def _closing_ends_a_send(case: Case) -> None:
    stream = await case.stt.open_stream()
    sending = asyncio.create_task(_send_until_closed(stream, case))
    await asyncio.sleep(0.01)
    await soon(stream.aclose(), "aclose while frames are sent")
    try:
        await soon(_join_sending(sending), "sending after aclose")
    finally:
        sending.cancel()
        await asyncio.wait([sending])


# -- when the vendor fails --


@promises.made_by(
    "STTStream", "a vendor that drops the line loses no word, or ProviderError is raised", Level.SILVER
)
async def _survives_a_cut(case: Case) -> None:
    if case.faults is None:
        return
    stream = await case.stt.open_stream()
    frames = list(case.frames())
    half = len(frames) // 2
    try:
        async with asyncio.timeout(GIVES_UP_WITHIN):
            for frame in frames[:half]:
                await stream.send(frame)
                await asyncio.sleep(frame.duration)
            case.faults.cut()
            heard = await _recognize(case, frames[half:], stream)
        case.expect_words(heard, "though the vendor dropped the line without a close frame")
    except ProviderError as error:
        expect_retryable(error, "a dropped line")
    finally:
        await soon(stream.aclose(), "aclose after a dropped line", PROMPT)
    case.expect_words(await _recognize(case, case.frames()), "on a new stream after a dropped line")


@promises.made_by(
    "STTStream.send", "a vendor that accepts and never reads is given up with ProviderError", Level.SILVER
)
async def _gives_up_who_never_reads(case: Case) -> None:
    if case.faults is not None:
        await _expect_given_up(case, case.faults, case.faults.stop_reading, "that never reads")


@promises.made_by(
    "STTStream.receive",
    "a vendor that owes an answer and gives none is given up with ProviderError",
    Level.SILVER,
)
async def _gives_up_who_never_answers(case: Case) -> None:
    if case.faults is not None and case.stt.finalizes:
        await _expect_given_up(case, case.faults, case.faults.fall_silent, "that never answers")


async def _expect_given_up(case: Case, faults: VendorFaults, fail: Callable[[], None], what: str) -> None:
    stream = await case.stt.open_stream()
    try:
        for frame in itertools.islice(case.frames(), 10):
            await stream.send(frame)
        fail()
        await expect_error(ProviderError, soon(_use(case, stream), f"a vendor {what}", GIVES_UP_WITHIN), what)
        await soon(stream.aclose(), f"aclose with a vendor {what}", PROMPT)
    finally:
        faults.recover()
        await stream.aclose()
    case.expect_words(await _recognize(case, case.frames()), f"on a new stream after a vendor {what}")


async def _use(case: Case, stream: STTStream) -> None:
    await _send_all(case.stt, stream, case.frames())
    while True:
        await stream.receive()


async def _send_until_closed(stream: STTStream, case: Case) -> None:
    try:
        while True:
            for frame in case.frames():
                await stream.send(frame)
                await asyncio.sleep(0.001)
    except ClosedError:
        return


async def _join_sending(task: asyncio.Task[None]) -> None:
    await task


_TAIL = 2.0
"""Seconds of silence sent after the speech to a recognizer that must find its end by itself."""


async def _recognize(
    case: Case, frames: Iterable[AudioFrame], stream: STTStream | None = None
) -> list[Transcript]:
    """Send `frames`, receiving meanwhile, and return the transcripts up to the last; on a new stream if None."""
    if stream is None:
        stream = await case.stt.open_stream()
        try:
            return await _recognize(case, frames, stream)
        finally:
            await stream.aclose()
    if case.stt.finalizes:
        receiving = asyncio.create_task(_until_answered(stream))
    else:
        receiving = asyncio.create_task(_all(stream, case.stt))
    try:
        await _send_all(case.stt, stream, frames)
        return await receiving
    finally:
        receiving.cancel()
        await asyncio.wait([receiving])


async def _send_all(stt: STT, stream: STTStream, frames: Iterable[AudioFrame]) -> None:
    for number, frame in enumerate(frames):
        if number % 2 or not stream.send_nowait(frame):
            await stream.send(frame)
    if stt.finalizes:
        await stream.finalize()
        return
    for frame in sounds.frames(sounds.silence(_TAIL, stt.sample_rate), stt.sample_rate):
        await stream.send(frame)


async def _receive_impatiently(stream: STTStream, stt: STT) -> list[Transcript]:
    """Receive up to the answer, or the first final, cancelling each wait after 10 ms."""
    transcripts: list[Transcript] = []
    loop = asyncio.get_running_loop()
    deadline = loop.time() + FINAL_WITHIN
    while not transcripts or not (
        transcripts[-1].answers_finalize if stt.finalizes else transcripts[-1].final
    ):
        expect(
            loop.time() < deadline, f"no final came within {FINAL_WITHIN:g} s after waits that were cancelled"
        )
        waiting = asyncio.create_task(stream.receive())
        await asyncio.wait([waiting], timeout=0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        if not waiting.cancelled():
            transcripts.append(waiting.result())
    return transcripts


async def _until_answered(stream: STTStream) -> list[Transcript]:
    transcripts: list[Transcript] = []
    while not transcripts or not transcripts[-1].answers_finalize:
        transcripts.append(await soon(stream.receive(), "the answer to finalize", FINAL_WITHIN))
    return transcripts


async def _all(stream: STTStream, stt: STT, answers: int = 0) -> list[Transcript]:
    """Receive until the first final (or `answers`, if they are declared) is in and nothing more comes."""
    transcripts: list[Transcript] = []
    due = answers if stt.finalizes else 0
    while True:
        enough = sum(t.answers_finalize for t in transcripts) >= due and any(t.final for t in transcripts)
        patience = max(QUIET, 2 * stt.p99_delay) if enough or (answers and not due) else FINAL_WITHIN
        try:
            async with asyncio.timeout(patience) as limit:
                transcripts.append(await stream.receive())
        except TimeoutError:
            if not limit.expired():
                raise
            return transcripts


def _expect_sound(transcript: Transcript, sent: float) -> None:
    expect(isinstance(transcript.text, str), f"text is {type(transcript.text).__name__}")
    times = [t for word in transcript.words for t in (word.start, word.end)]
    expect(times == sorted(times), f"the words of {transcript.text!r} overlap or are out of order: {times}")
    times += [t for t in (transcript.start, transcript.end) if t is not None]
    for time in times:
        expect(-SLACK <= time <= sent + SLACK, f"{time:g} s lies outside the {sent:g} s that were sent")


def _overwritten(frames: Iterable[AudioFrame]) -> Iterable[AudioFrame]:
    """Yield frames of a buffer that is overwritten with noise before the next is taken."""
    for frame in frames:
        samples = frame.samples.copy()
        yield AudioFrame(samples, frame.sample_rate, frame.position)
        samples[:] = sounds.noise(len(samples) / frame.sample_rate, frame.sample_rate)[: len(samples)]


async def _send_nowait(stream: STTStream, frame: AudioFrame) -> None:
    stream.send_nowait(frame)


async def _join(task: asyncio.Task[Transcript]) -> Transcript:
    return await task


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.casefold())


# -- gold --


QUICK = 2.0
"""Seconds within which a final comes of a recognizer that declares no `STT.p99_delay`."""


@promises.made_by(
    "STT.p99_delay", "finals come within it, or within 2 s where it is 0, as measured", Level.GOLD
)
async def _is_quick(case: Case) -> None:
    loop = asyncio.get_running_loop()

    async def once() -> float:
        stream = await case.stt.open_stream()
        try:
            for frame in case.frames():
                await stream.send(frame)
            if not case.stt.finalizes:
                await _send_all(case.stt, stream, ())
            asked = loop.time()
            await stream.finalize()
            await (_until_answered(stream) if case.stt.finalizes else _until_final(stream))
            return loop.time() - asked
        finally:
            await stream.aclose()

    await measure("the final after finalize", once, case.stt.p99_delay or QUICK, "STT.p99_delay")


@promises.made_by("STT", "a soak of streams leaves no task, thread, file or memory behind", Level.GOLD)
async def _soaks(case: Case) -> None:
    await soak(lambda: _recognize(case, case.frames()))


async def _until_final(stream: STTStream) -> None:
    while not (await stream.receive()).final:
        pass
