# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.contracts import Speech, SpeechOptions, Word
from beluga_voice.errors import ClosedError, ConfigurationError
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakStream, EspeakTTS

NUMBERS = "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve"


async def say(stream: EspeakStream, text: str) -> list[Speech]:
    """Collect all parts, and hold what is true of any speech."""
    parts = [part async for part in stream.synthesize(text)]
    position = 0
    for part in parts:
        assert part.frame.position == position
        assert part.frame.samples.dtype == np.int16
        assert len(part.frame) > 0
        position += len(part.frame)
    words = words_of(parts)
    for before, after in zip([Word("", 0.0, 0.0), *words], words, strict=False):
        assert before.end <= after.start <= after.end
    assert not words or words[-1].end <= seconds(parts)
    return parts


def words_of(parts: list[Speech]) -> list[Word]:
    return [word for part in parts for word in part.words]


def seconds(parts: list[Speech]) -> float:
    return sum(len(part.frame) for part in parts) / 22050


def sound(parts: list[Speech]) -> np.ndarray:
    return np.concatenate([part.frame.samples for part in parts]).astype(float)


async def test_speaks_at_the_rate_of_a_person() -> None:
    async with EspeakTTS() as tts:
        parts = await say(await tts.open_stream(), "What is the weather in Paris?")
    assert tts.sample_rate == 22050
    assert {part.frame.sample_rate for part in parts} == {22050}
    assert 1.0 < seconds(parts) < 3.0
    assert 500 < sound(parts).std() < 10_000


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("Hello there.", 0.5),
        ("Hello there", 0.5),
        ('"Hello there!" ', 0.5),
        ("Hello there, ", 0.25),
        ("Done...", 0.5),
        ("Well —", 0.25),
    ],
)
async def test_begins_with_sound_and_ends_with_the_pause(text: str, pause: float) -> None:
    async with EspeakTTS(EspeakSettings(pause=0.5)) as tts:
        audio = sound(await say(await tts.open_stream(), text))
    assert abs(audio[0]) > 32
    silence = len(audio) - 1 - np.flatnonzero(np.abs(audio) > 32)[-1]
    assert silence / 22050 == pytest.approx(pause, abs=0.001)


async def test_pauses_between_the_sentences_of_a_text() -> None:
    lengths = []
    for pause in (0.0, 1.0):
        async with EspeakTTS(EspeakSettings(pause=pause)) as tts:
            lengths.append(seconds(await say(await tts.open_stream(), "One. Two. Three, and four.")))
    assert lengths[1] - lengths[0] == pytest.approx(3, abs=0.1)


async def test_gives_every_word_with_its_time() -> None:
    text = "Out of the house, and in the garden: it costs 3.5 dollars!"
    async with EspeakTTS() as tts:
        words = words_of(await say(await tts.open_stream(), text))
    assert [word.text for word in words] == text.split()
    assert all(word.end > word.start for word in words)


async def test_word_times_fall_on_the_words() -> None:
    async with EspeakTTS(EspeakSettings(word_gap=0.2, pause=0)) as tts:
        parts = await say(await tts.open_stream(), "stop stop stop")
    audio = np.abs(sound(parts))
    spoken = np.concatenate([audio[int(w.start * 22050) : int(w.end * 22050)] for w in words_of(parts)])
    assert spoken.sum() > 0.95 * audio.sum()
    assert len(spoken) < 0.9 * len(audio)  # less the gaps


async def test_word_times_go_on_from_piece_to_piece_of_a_long_text() -> None:
    text = f"{NUMBERS}. " * 20
    async with EspeakTTS() as tts:
        words = words_of(await say(await tts.open_stream(), text))
    assert [word.text for word in words] == text.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Grüße an Zoë, naïve café", ["Grüße", "an", "Zoë,", "naïve", "café"]),
        ("a \N{GRINNING FACE} b", ["a", "\N{GRINNING FACE}", "b"]),
        ("\N{MAN}\u200d\N{WOMAN}\u200d\N{BOY} family", ["\N{MAN}\u200d\N{WOMAN}\u200d\N{BOY}", "family"]),
        ("e\u0301te\u0301 now", ["e\u0301te\u0301", "now"]),
        ("a\x00b\x1b[31m c\ud800d", ["a", "b", "[31m", "c", "d"]),
        (
            "<b>bold</b> <break time='9s'/> [[h@lou]] &amp;",
            ["<b>bold</b>", "<break", "time='9s'/>", "[[h@lou]]", "&amp;"],
        ),
        ("你好 мир", ["你好", "мир"]),
    ],
)
async def test_any_unicode_is_safe_and_nothing_is_markup(text: str, words: list[str]) -> None:
    async with EspeakTTS() as tts:
        parts = await say(await tts.open_stream(), text)
    assert [word.text for word in words_of(parts)] == words
    assert seconds(parts) < 12


async def test_braille_does_not_overflow_the_library() -> None:
    async with EspeakTTS(EspeakSettings(voice="ar")) as tts:
        stream = await tts.open_stream()
        assert await say(stream, "\u28ff \u28df \u28fe\u28ef") == []
        assert [word.text for word in words_of(await say(stream, "a\u28df b"))] == ["a", "b"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
async def test_any_text_at_all_is_spoken_or_silent(text: str) -> None:
    async with EspeakTTS() as tts:
        await say(await tts.open_stream(), text)


@pytest.mark.parametrize("text", ["", " \n\t", "...", "?!", "—", "\u200b", "'\"()"])
async def test_a_text_without_anything_to_say_yields_nothing(text: str) -> None:
    async with EspeakTTS() as tts:
        assert await say(await tts.open_stream(), text) == []


async def test_a_megabyte_begins_at_once_and_ends_when_closed() -> None:
    async with EspeakTTS() as tts:
        stream = await tts.open_stream()
        speech = stream.synthesize("never ending words " * 55_000)
        parts = [await anext(speech) for _ in range(300)]
        await speech.aclose()
        assert seconds(parts) > 10
        assert words_of(await say(stream, "yes"))[0].text == "yes"


async def test_stops_within_one_chunk_when_closed_and_speaks_the_next_text() -> None:
    async with EspeakTTS() as tts:
        stream = await tts.open_stream()
        for _ in range(20):
            speech = stream.synthesize(NUMBERS)
            await anext(speech)
            await speech.aclose()
        assert [word.text for word in words_of(await say(stream, "all good"))] == ["all", "good"]


async def test_stops_when_the_task_is_cancelled_and_speaks_the_next_text() -> None:
    async with EspeakTTS() as tts:
        stream = await tts.open_stream()
        task = asyncio.create_task(say(stream, NUMBERS))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await say(stream, "all good")


async def test_a_slow_consumer_holds_up_nobody() -> None:
    async with EspeakTTS() as tts:
        slow = (await tts.open_stream()).synthesize(NUMBERS)
        await anext(slow)
        assert await say(await tts.open_stream(), "quick")
        assert len([part async for part in slow]) > 20


async def test_twenty_streams_at_once_each_speak_their_own_words() -> None:
    async with EspeakTTS() as tts, EspeakTTS(EspeakSettings(voice="de", rate=300)) as german:
        streams = [await (german if n % 2 else tts).open_stream() for n in range(20)]
        texts = [f"speaker {n} says {NUMBERS}" for n in range(20)]
        said = await asyncio.gather(*map(say, streams, texts))
    for text, parts in zip(texts, said, strict=True):
        assert [word.text for word in words_of(parts)] == text.split()
    fast, slow = (max(map(seconds, said[n::2])) for n in (1, 0))
    assert fast < 0.8 * slow


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (EspeakSettings(rate=400), EspeakSettings(rate=100)),
        (EspeakSettings(), EspeakSettings(word_gap=0.3)),
        (EspeakSettings(pause=0), EspeakSettings(pause=2)),
    ],
)
async def test_settings_change_the_length(low: EspeakSettings, high: EspeakSettings) -> None:
    async with EspeakTTS(low) as short, EspeakTTS(high) as long:
        lengths = [seconds(await say(await tts.open_stream(), "one two three four")) for tts in (short, long)]
    assert lengths[1] > lengths[0] + 0.4


async def test_volume_changes_the_level() -> None:
    async with EspeakTTS(EspeakSettings(volume=20)) as quiet, EspeakTTS() as normal:
        levels = [sound(await say(await tts.open_stream(), NUMBERS)).std() for tts in (quiet, normal)]
    assert levels[0] < 0.5 * levels[1]


async def test_pitch_changes_the_sound() -> None:
    centers = []
    for pitch in (0, 99):
        async with EspeakTTS(EspeakSettings(pitch=pitch)) as tts:
            audio = sound(await say(await tts.open_stream(), NUMBERS))
        spectrum = np.abs(np.fft.rfft(audio, 22050 * 16))[: 500 * 16]
        centers.append((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum() / 16)
    assert centers[1] > centers[0] + 5


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ("kl", r"no espeak voice named 'kl'"),
        ("nosuch", r"no espeak voice named 'nosuch'; there are .*en-us.*beluga-voice espeak-voices"),
        ("de-xx-yy\ud800", r"there are de, en-us"),
        ("en-us+nosuch", r"no espeak variant named 'nosuch' .* beluga-voice espeak-voices"),
    ],
)
async def test_an_unknown_voice_is_refused_when_opened(voice: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await EspeakTTS(EspeakSettings.model_construct(voice=voice)).open()
    assert not espeak_threads()


@pytest.mark.parametrize(
    "voice",
    ["en-gb", "EN-US", "en", "fr-fr", "zh", "gmw/en-US", "English (America)", "en-gb+f3", "de+whisper"],
)
async def test_a_voice_is_found_by_language_identifier_or_name(voice: str) -> None:
    async with EspeakTTS(EspeakSettings(voice=voice)) as tts:
        assert await say(await tts.open_stream(), "hello")


async def test_a_language_alone_is_spoken_by_its_main_voice() -> None:
    lengths = []
    for voice in ("en-gb", "English (Great Britain)", "English (Scotland)"):
        async with EspeakTTS(EspeakSettings(voice=voice)) as tts:
            lengths.append(round(seconds(await say(await tts.open_stream(), NUMBERS)), 1))
    assert lengths[0] == lengths[1] != lengths[2]


async def test_refuses_use_before_open_and_after_close() -> None:
    tts = EspeakTTS()
    with pytest.raises(ClosedError):
        await tts.open_stream()
    async with tts:
        stream = await tts.open_stream()
        speech = stream.synthesize(NUMBERS)
        await anext(speech)
    for closed in (speech, stream.synthesize("hello")):
        with pytest.raises(ClosedError):
            await anext(closed)
    with pytest.raises(ClosedError):
        await tts.open_stream()


async def test_closing_twice_is_as_closing_once_and_opening_again_works() -> None:
    tts = EspeakTTS()
    for _ in range(3):
        await tts.open()
        stream = await tts.open_stream()
        assert await say(stream, "again")
        await stream.aclose()
        await stream.aclose()
        await tts.aclose()
        await tts.aclose()


async def test_a_waiting_consumer_learns_that_the_stream_was_closed() -> None:
    async with EspeakTTS() as tts:
        stream = await tts.open_stream()
        task = asyncio.create_task(say(stream, NUMBERS))
        await asyncio.sleep(0)
        await stream.aclose()
        with pytest.raises(ClosedError):
            await task


def espeak_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("espeak")]


async def test_the_last_provider_to_close_ends_the_one_thread() -> None:
    async with EspeakTTS() as first:
        async with EspeakTTS() as second:
            await asyncio.gather(
                say(await first.open_stream(), "one"), say(await second.open_stream(), "two")
            )
            assert len(espeak_threads()) == 1
        assert await say(await first.open_stream(), "still here")
    assert not espeak_threads()


def test_loops_in_two_threads_share_the_library() -> None:
    async def speak() -> int:
        async with EspeakTTS() as tts:
            stream = await tts.open_stream()
            return sum([len(words_of(await say(stream, NUMBERS))) for _ in range(5)])

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(speak()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [60] * 3


@pytest.mark.parametrize("ending", ["await tts.aclose()", "sys.exit(0)"])
def test_the_interpreter_ends_well_in_mid_speech(ending: str) -> None:
    program = f"""
import asyncio, sys
from beluga_voice_espeak.tts import EspeakTTS

async def main():
    tts = EspeakTTS()
    await tts.open()
    speech = (await tts.open_stream()).synthesize({NUMBERS!r} * 10)
    await anext(speech)
    {ending}

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=20
    )
    assert (ended.returncode, ended.stderr) == (0, "")


async def test_a_text_may_ask_for_a_voice_that_there_is_not() -> None:
    async with EspeakTTS() as tts:
        stream = await tts.open_stream()
        with pytest.raises(ConfigurationError, match="no espeak voice named 'klingon-x'"):
            await anext(stream.synthesize("Hello.", SpeechOptions(voice="klingon-x")))
        assert [part async for part in stream.synthesize("Hello.")]


async def test_speed_goes_as_far_as_the_library_does() -> None:
    async with EspeakTTS(EspeakSettings(rate=400)) as tts:
        stream = await tts.open_stream()
        twice = [part async for part in stream.synthesize("Hello there.", SpeechOptions(speed=2))]
        assert sum(part.frame.duration for part in twice) > 0.1
