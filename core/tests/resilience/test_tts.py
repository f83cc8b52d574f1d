from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from beluga_voice.contracts import TTS, Speech, TTSStream
from beluga_voice.errors import ProviderError
from beluga_voice.resilience import FallbackTTS, Switched
from beluga_voice.resilience.notices import listen
from beluga_voice.testing import ScriptedTTS, check_tts

TEXT = "one two three four five six seven eight"


async def speak(stream: TTSStream, text: str) -> tuple[list[Speech], float]:
    """Return the parts, and the longest wait for one beyond the audio that was there."""
    loop = asyncio.get_running_loop()
    parts: list[Speech] = []
    begun, gap, given = loop.time(), 0.0, 0.0
    async with aclosing(stream.synthesize(text)) as speech:
        async for part in speech:
            gap = max(gap, loop.time() - begun - given)
            given += part.frame.duration
            parts.append(part)
    return parts, gap


def words(parts: list[Speech]) -> list[str]:
    return [word.text for part in parts for word in part.words]


def samples(parts: list[Speech]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.concatenate([part.frame.samples for part in parts])


def told() -> list[Switched]:
    notices: list[Switched] = []
    listen(notices.append)
    return notices


@pytest.mark.parametrize("word_timestamps", [True, False])
async def test_keeps_the_contract_of_a_voice(word_timestamps: bool) -> None:
    def make() -> TTS:
        return FallbackTTS([ScriptedTTS(word_timestamps=word_timestamps) for _ in range(2)])

    await check_tts(make, text="a sentence of some plain words")


@pytest.mark.parametrize("parts", [0, 1, 4, 5, 11])
@pytest.mark.parametrize("fault", ["fails_after", "hangs_after"])
async def test_an_outage_in_mid_sentence_costs_a_second_at_most_and_no_word_is_lost_or_doubled(
    fault: str, parts: int
) -> None:
    first = ScriptedTTS(word_timestamps=True, part_delay=0.05)
    second = ScriptedTTS(word_timestamps=True, delay=0.1)
    setattr(first, fault, parts)
    notices = told()
    async with FallbackTTS([first, second], names=["first", "second"]) as both:
        stream = await both.open_stream()
        spoken, gap = await speak(stream, TEXT)
        await stream.aclose()
    assert words(spoken) == TEXT.split()
    assert np.array_equal(samples(spoken), second.audio_of(TEXT))
    assert gap <= 1.0
    times = [time for part in spoken for word in part.words for time in (word.start, word.end)]
    assert times == [pytest.approx((i + 1) // 2 * 0.3) for i in range(16)]
    assert [(n.old, n.new) for n in notices] == [("first", "second")]


async def test_a_voice_without_word_times_is_left_near_the_word_where_it_failed() -> None:
    first, second = ScriptedTTS(), ScriptedTTS()
    async with FallbackTTS([first, second]) as both:
        stream = await both.open_stream()
        for _ in range(5):
            await speak(stream, TEXT)  # its pace is learnt
        first.fails_after = 12  # 1.2 s: four words
        await speak(stream, TEXT)
        await stream.aclose()
    said = second.texts[-1].split()
    assert TEXT.endswith(" ".join(said))
    assert 3 <= len(said) <= 5


async def test_who_is_well_again_says_the_next_text() -> None:
    first, second = ScriptedTTS(fails_after=0), ScriptedTTS()
    async with FallbackTTS([first, second]) as both:
        stream = await both.open_stream()
        await speak(stream, "one")
        first.fails_after = None
        await speak(stream, "two")
        assert second.texts == ["one", "two"]
        await asyncio.sleep(both.policy.cooldown + 0.1)
        await speak(stream, "three")
        assert first.texts[-1] == "three"
        await stream.aclose()


async def test_a_voice_that_is_alone_is_asked_once_more_for_the_rest() -> None:
    class Once(ScriptedTTS):
        """Fails in its first text only."""

        async def open_stream(self):  # type: ignore[no-untyped-def]
            self.fails_after = None if self.streams else 4
            return await super().open_stream()

    only = Once(word_timestamps=True)
    async with FallbackTTS([only]) as both:
        stream = await both.open_stream()
        spoken, _ = await speak(stream, TEXT)
        await stream.aclose()
    assert words(spoken) == TEXT.split()
    assert only.texts == [TEXT, " ".join(TEXT.split()[1:])]


async def test_when_all_fail_the_first_error_is_raised_after_what_was_said() -> None:
    first = ScriptedTTS(fails_after=3, word_timestamps=True)
    second = ScriptedTTS(fails_to_open=True, word_timestamps=True)
    async with FallbackTTS([first, second]) as both:
        stream = await both.open_stream()
        speech = stream.synthesize(TEXT)
        parts = [await anext(speech)]
        with pytest.raises(ProviderError, match="fails after 3"):
            await anext(speech)
        await stream.aclose()
    assert words(parts) == ["one"]


async def test_voices_of_other_rates_are_brought_to_the_first_s() -> None:
    first, second = ScriptedTTS(sample_rate=24000, fails_to_open=True), ScriptedTTS(sample_rate=8000)
    async with FallbackTTS([first, second]) as both:
        stream = await both.open_stream()
        spoken, _ = await speak(stream, TEXT)
        await stream.aclose()
    assert {part.frame.sample_rate for part in spoken} == {24000}
    assert len(samples(spoken)) == pytest.approx(8 * 0.3 * 24000, abs=100)


async def test_a_slow_voice_with_nobody_behind_it_is_waited_for() -> None:
    async with FallbackTTS([ScriptedTTS(delay=3)]) as both:
        stream = await both.open_stream()
        spoken, _ = await speak(stream, "slow")
        assert len(samples(spoken)) == 0.3 * 24000
        await stream.aclose()
