"""Does a synthesiser keep the promises of `beluga_voice.contracts.tts`?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import rms
from beluga_voice.codecs.codec import Codec
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ProviderError
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

UNICODE = "Zoë owes €5 to 李雷 – naïve? \U0001f642 «да»\u200b\ufeff \u0007 e\u0301."
"""Letters of four scripts, an emoji, marks without width, a control character, a combining accent."""

MEGABYTE = 1_000_000
"""Characters of the longest text that is tried."""

SLACK = 0.05
"""Seconds by which a word may end after the audio, for rounding in the engine."""


@dataclass(frozen=True, slots=True)
class Case:
    """A synthesiser under check, and what it says."""

    make: Callable[[], TTS]
    tts: TTS
    text: str
    voices: tuple[str, ...]
    faults: VendorFaults | None = None


promises: Promises[Case] = Promises("beluga_voice.contracts.tts")


async def check_tts(
    make: Callable[[], TTS],
    *,
    text: str,
    voices: Sequence[str] = (),
    faults: VendorFaults | None = None,
) -> None:
    """Check that a synthesiser keeps its contract.

    Args:
        make: makes a synthesiser, not yet opened; called several times. One over `beluga_voice.codecs` is also held
            to what happens when its vendor's line fails.
        text: a sentence of some plain words in the voice's language, long enough for two parts of audio.
        voices: names of voices that sound different, where `TTS.honours` lists ``voice``.
        faults: the vendor, for a synthesiser with a connection of its own.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(tts: TTS) -> None:
        line = faults or (own if isinstance(tts, Codec) else None)
        await promises.check(Case(made, tts, text, tuple(voices), line), type(tts).__name__)

    own = FaultyLine()
    made = own.between(make)
    await check_provider(made, check)


@promises.made_by("TTS.open_stream", "raises ClosedError after aclose")
async def _opens_no_stream_when_closed(case: Case) -> None:
    tts = case.make()
    await tts.open()
    await tts.aclose()
    await expect_error(ClosedError, tts.open_stream(), "open_stream")


@promises.made_by("TTSStream.aclose", "closing twice is harmless")
async def _stream_closes_twice(case: Case) -> None:
    stream = await case.tts.open_stream()
    await stream.aclose()
    await stream.aclose()


@promises.made_by("TTSStream.synthesize", "raises ClosedError after aclose, when iterated")
async def _closed_stream_raises(case: Case) -> None:
    stream = await case.tts.open_stream()
    await stream.aclose()
    await expect_error(ClosedError, _speak(stream, case.text), "iterating")


@promises.made_by("Speech.frame", "is mono int16 at TTS.sample_rate, of one sample or more")
async def _gives_sound_frames(case: Case) -> None:
    parts = await _speak_once(case, case.text)
    expect(bool(parts), f"{case.text!r} gave no audio")
    for part in parts:
        _expect_sound(part, case.tts.sample_rate)


@promises.made_by(
    "Speech.words", "lie in order within the audio, each word of the text if TTS.word_timestamps"
)
async def _gives_sound_words(case: Case) -> None:
    parts = await _speak_once(case, case.text)
    words = [word for part in parts for word in part.words]
    times = [time for word in words for time in (word.start, word.end)]
    duration = _duration(parts)
    expect(times == sorted(times), f"words overlap or are out of order: {times}")
    expect(not times or times[0] >= 0, f"a word begins at {times[:1]} s, before the audio")
    expect(
        not times or times[-1] <= duration + SLACK,
        f"a word ends at {times[-1:]} s of {duration:g} s of audio",
    )
    if case.tts.word_timestamps:
        said, given = _letters(case.text), _letters(" ".join(word.text for word in words))
        expect(given == said, f"the words of {said!r} are given as {given!r}")


@promises.made_by("TTS.honours", "speed changes how long a text takes, where it is listed, and nothing else")
async def _speaks_faster(case: Case) -> None:
    if not case.tts.honours:
        return
    plain = _duration(await _speak_once(case, case.text))
    fast = _duration(await _speak_once(case, case.text, SpeechOptions(speed=2.0)))
    changed = fast < 0.8 * plain
    expect(
        changed == ("speed" in case.tts.honours),
        f"{case.text!r} takes {plain:g} s, and {fast:g} s at twice the speed",
    )


@promises.made_by("TTS.honours", "volume changes how loud a text is, where it is listed")
async def _speaks_softer(case: Case) -> None:
    if not case.tts.honours:
        return
    plain = _loudness(await _speak_once(case, case.text))
    soft = _loudness(await _speak_once(case, case.text, SpeechOptions(volume=0.25)))
    changed = soft < 0.6 * plain
    expect(
        changed == ("volume" in case.tts.honours),
        f"{case.text!r} has a level of {plain:.3f}, and {soft:.3f} at a quarter of the volume",
    )


@promises.made_by("TTS.honours", "voices sound different, where they are listed")
async def _changes_its_voice(case: Case) -> None:
    sounds = [_samples(await _speak_once(case, case.text, SpeechOptions(voice=name))) for name in case.voices]
    for name, sound, other in zip(case.voices[1:], sounds[1:], sounds, strict=False):
        expect(not np.array_equal(sound, other), f"the voice {name!r} sounds like the one before")


@promises.made_by("TTS.check_options", "takes what it honours")
async def _takes_what_it_honours(case: Case) -> None:
    case.tts.check_options(PLAIN_SPEECH)
    if "speed" in case.tts.honours:
        case.tts.check_options(SpeechOptions(speed=1.5))
    for name in case.voices:
        case.tts.check_options(SpeechOptions(voice=name))


@promises.made_by("TTSStream.synthesize", "empty text yields nothing")
async def _says_nothing_for_nothing(case: Case) -> None:
    for text in ("", " ", "\n\t "):
        parts = await _speak_once(case, text)
        expect(not parts, f"{text!r} gave {len(parts)} part(s)")


@promises.made_by("TTSStream.synthesize", "takes any Unicode", Level.SILVER)
async def _takes_unicode(case: Case) -> None:
    for part in await _speak_once(case, UNICODE):
        _expect_sound(part, case.tts.sample_rate)


@promises.made_by("TTSStream.synthesize", "speaks long text to its end")
async def _speaks_long_text(case: Case) -> None:
    once = _duration(await _speak_once(case, case.text))
    often = _duration(await _speak_once(case, " ".join([case.text] * 5)))
    expect(often > 3 * once, f"the text takes {once:g} s once, and {often:g} s five times over")


@promises.made_by("TTSStream.synthesize", "waits for a slow listener, who loses nothing", Level.SILVER)
async def _waits_for_a_slow_listener(case: Case) -> None:
    whole = _duration(await _speak_once(case, case.text))
    stream = await case.tts.open_stream()
    parts: list[Speech] = []
    async with aclosing(stream.synthesize(case.text)) as speech:
        async for part in speech:
            parts.append(part)
            await asyncio.sleep(0.01)
    _expect_whole(parts, whole, "to a slow listener")
    await stream.aclose()


@promises.made_by(
    "TTSStream.synthesize",
    "closing the generator ends it within one part, and the next text is whole",
    Level.SILVER,
)
async def _may_be_closed(case: Case) -> None:
    stream = await case.tts.open_stream()
    whole = _duration(await _speak(stream, case.text))
    for parts_before in (0, 1):
        speech = stream.synthesize(case.text)
        for _ in range(parts_before):
            await anext(speech)
        await soon(speech.aclose(), f"closing after {parts_before} part(s)")
        _expect_whole(await _speak(stream, case.text), whole, "after one that was closed")
    await stream.aclose()


@promises.made_by(
    "TTSStream.synthesize", "cancelling the iterating task ends it, and the next text is whole", Level.SILVER
)
async def _may_be_cancelled(case: Case) -> None:
    stream = await case.tts.open_stream()
    whole = _duration(await _speak(stream, case.text))
    for steps in (1, 2, 5):
        task = asyncio.create_task(_speak(stream, case.text))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await soon(_join(task), "ending the cancelled task")
        _expect_whole(await _speak(stream, case.text), whole, "after one that was cancelled")
    await stream.aclose()


@promises.made_by("TTSStream.aclose", "ends a synthesis that is going on", Level.SILVER)
async def _closing_ends_speech(case: Case) -> None:
    stream = await case.tts.open_stream()
    speech = stream.synthesize(" ".join([case.text] * 5))
    await anext(speech)
    await soon(stream.aclose(), "aclose")
    async with aclosing(speech):
        rest = await soon(_rest(speech), "the end of the synthesis")
    whole = _duration(await _speak_once(case, " ".join([case.text] * 5)))
    expect(rest < whole * 0.9, f"{rest:g} s of {whole:g} s of audio came after aclose")


@promises.made_by("TTS.open_stream", "streams do not know of each other", Level.SILVER)
async def _streams_are_independent(case: Case) -> None:
    whole = _duration(await _speak_once(case, case.text))
    doomed, one, two = [await case.tts.open_stream() for _ in range(3)]
    cut = doomed.synthesize(case.text)
    await anext(cut)
    closing = asyncio.create_task(_close(cut, doomed))
    for parts in await asyncio.gather(_speak(one, case.text), _speak(two, case.text)):
        _expect_whole(parts, whole, "while two others spoke")
    await closing
    await asyncio.gather(one.aclose(), two.aclose())


@promises.made_by("TTSStream.synthesize", "may be left early in a text of a megabyte", Level.SILVER)
async def _takes_a_megabyte(case: Case) -> None:
    stream = await case.tts.open_stream()
    words = " ".join([case.text] * (MEGABYTE // len(case.text)))
    speech = stream.synthesize(words)
    with suppress(ProviderError):  # it may refuse what is too long, and says so
        await soon(anext(speech, None), "the first part of a megabyte", 30)
    await soon(speech.aclose(), "closing a megabyte after its first part")
    whole = _duration(await _speak_once(case, case.text))
    _expect_whole(await _speak(stream, case.text), whole, "after a megabyte")
    await stream.aclose()


# -- when the vendor fails --


@promises.made_by(
    "TTSStream.synthesize",
    "a vendor that drops the line ends no text early without ProviderError",
    Level.SILVER,
)
async def _survives_a_cut(case: Case) -> None:
    if case.faults is None:
        return
    whole = _duration(await _speak_once(case, case.text))
    stream = await case.tts.open_stream()
    speech = stream.synthesize(case.text)
    parts = [await anext(speech)]
    case.faults.cut()
    try:
        async with asyncio.timeout(GIVES_UP_WITHIN):
            parts += [part async for part in speech]
        _expect_whole(parts, whole, "though the vendor dropped the line without a close frame")
    except ProviderError as error:
        expect_retryable(error, "a dropped line")
    finally:
        await speech.aclose()
    _expect_whole(await _speak(stream, case.text), whole, "on the same stream after a dropped line")
    await soon(stream.aclose(), "aclose after a dropped line", PROMPT)


@promises.made_by(
    "TTSStream.synthesize",
    "a vendor that accepts and never reads is given up with ProviderError",
    Level.SILVER,
)
async def _gives_up_who_never_reads(case: Case) -> None:
    if case.faults is not None:
        await _expect_given_up(case, case.faults, case.faults.stop_reading, "that never reads")


@promises.made_by(
    "TTSStream.synthesize",
    "a vendor that takes a text and gives no audio is given up with ProviderError",
    Level.SILVER,
)
async def _gives_up_who_never_answers(case: Case) -> None:
    if case.faults is not None:
        await _expect_given_up(case, case.faults, case.faults.fall_silent, "that never answers")


async def _expect_given_up(case: Case, faults: VendorFaults, fail: Callable[[], None], what: str) -> None:
    whole = _duration(await _speak_once(case, case.text))
    stream = await case.tts.open_stream()
    fail()
    try:
        speaking = soon(_speak(stream, case.text), f"a vendor {what}", GIVES_UP_WITHIN)
        await expect_error(ProviderError, speaking, what)
        await soon(stream.aclose(), f"aclose with a vendor {what}", PROMPT)
    finally:
        faults.recover()
        await stream.aclose()
    _expect_whole(await _speak_once(case, case.text), whole, f"on a new stream after a vendor {what}")


async def _speak(stream: TTSStream, text: str, options: SpeechOptions = PLAIN_SPEECH) -> list[Speech]:
    given = stream.synthesize(text) if options == PLAIN_SPEECH else stream.synthesize(text, options)
    async with aclosing(given) as speech:
        return [part async for part in speech]


async def _speak_once(case: Case, text: str, options: SpeechOptions = PLAIN_SPEECH) -> list[Speech]:
    stream = await case.tts.open_stream()
    try:
        return await _speak(stream, text, options)
    finally:
        await stream.aclose()


async def _rest(speech: AsyncGenerator[Speech, None]) -> float:
    """Return the seconds of audio up to the end, which may be a `ClosedError`."""
    parts: list[Speech] = []
    try:
        async for part in speech:
            parts.append(part)  # noqa: PERF401 - what came before an error counts
    except ClosedError:
        pass
    return _duration(parts)


async def _close(speech: AsyncGenerator[Speech, None], stream: TTSStream) -> None:
    await speech.aclose()
    await stream.aclose()


async def _join(task: asyncio.Task[list[Speech]]) -> None:
    await asyncio.wait([task])


def _expect_sound(part: Speech, sample_rate: int) -> None:
    frame = part.frame
    expect(frame.samples.dtype == np.int16, f"a frame of {frame.samples.dtype} came")
    expect(frame.samples.ndim == 1, f"a frame of shape {frame.samples.shape} came")
    expect(len(frame) > 0, "a frame without samples came")
    expect(
        frame.sample_rate == sample_rate, f"a frame at {frame.sample_rate} Hz came, not at {sample_rate} Hz"
    )


def _expect_whole(parts: list[Speech], whole: float, when: str) -> None:
    """Fail unless the text took about as long as alone; engines vary by a few percent."""
    duration = _duration(parts)
    expect(
        0.7 * whole <= duration <= 1.4 * whole, f"the text takes {whole:g} s alone and {duration:g} s {when}"
    )


def _duration(parts: list[Speech]) -> float:
    return sum(part.frame.duration for part in parts)


def _samples(parts: list[Speech]) -> NDArray[np.int16]:
    return np.concatenate([np.zeros(0, np.int16), *(part.frame.samples for part in parts)])


def _loudness(parts: list[Speech]) -> float:
    return rms(_samples(parts))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


# -- gold --


FIRST = 1.0
"""Seconds within which the first audio of a text comes."""


@promises.made_by(
    "TTSStream.synthesize", "yields audio as soon as it is there: within 1 s, measured", Level.GOLD
)
async def _begins_soon(case: Case) -> None:
    loop = asyncio.get_running_loop()

    async def once() -> float:
        stream = await case.tts.open_stream()
        try:
            asked = loop.time()
            async with aclosing(stream.synthesize(case.text)) as speech:
                await anext(speech)
                return loop.time() - asked
        finally:
            await stream.aclose()

    await measure("the first audio of a text", once, FIRST, "beluga_voice.testing.conformance.tts.FIRST")


@promises.made_by("TTSStream.synthesize", "speaks faster than is listened, as measured", Level.GOLD)
async def _speaks_in_time(case: Case) -> None:
    loop = asyncio.get_running_loop()

    async def once() -> float:
        asked = loop.time()
        parts = await _speak_once(case, case.text)
        return (loop.time() - asked) / _duration(parts)

    await measure("a second of audio", once, 1.0, "real time")


@promises.made_by("TTS", "a soak of texts leaves no task, thread, file or memory behind", Level.GOLD)
async def _soaks(case: Case) -> None:
    await soak(lambda: _speak_once(case, case.text))
