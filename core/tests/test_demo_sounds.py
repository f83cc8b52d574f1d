"""The caller's sounds: sentences with exact pauses, and coughs that a seed draws."""

from __future__ import annotations

import numpy as np
import pytest

from beluga_voice.demo.script import AfterSilence, Line, Means
from beluga_voice.demo.sounds import COUGH_LEVEL, cough, make, synthesise
from beluga_voice.testing import ScriptedTTS

RATE = 24000
NOW = AfterSilence(0)


def longest_silence(samples: np.ndarray) -> int:
    loud = np.flatnonzero(samples)
    return int(np.diff(loud).max()) - 1


async def test_a_pause_between_two_parts_is_as_long_as_asked_for() -> None:
    async with ScriptedTTS(sample_rate=RATE) as tts:
        line = Line(NOW, Means.TURN, ("how much is", "the pretzel"), pause=1.0)
        sound = await make(tts, line)
        first = await make(tts, Line(NOW, Means.TURN, ("how much is",)))
        second = await make(tts, Line(NOW, Means.TURN, ("the pretzel",)))
    assert len(sound) == len(first) + RATE + len(second)
    assert not sound[len(first) : len(first) + RATE].any()
    assert longest_silence(sound) >= RATE


async def test_a_sentence_ends_with_its_last_sound() -> None:
    async with ScriptedTTS(sample_rate=RATE) as tts:
        sound = await make(tts, Line(NOW, Means.TURN, ("hello there",)))
    assert sound.dtype == np.int16
    assert sound[-1] != 0


async def test_a_text_without_audio_gives_no_samples() -> None:
    async with ScriptedTTS(sample_rate=RATE) as tts:
        assert len(await synthesise(tts, "")) == 0
        assert all(stream.closed for stream in tts.streams)


async def test_a_line_that_is_a_cough_needs_no_voice() -> None:
    tts = ScriptedTTS(sample_rate=RATE)
    assert np.array_equal(await make(tts, Line(NOW, Means.COUGH, seed=3)), cough(3, RATE))
    assert tts.streams == []


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_a_cough_is_loud_short_and_the_same_for_a_seed(rate: int) -> None:
    sounds = [cough(seed, rate) for seed in range(20)]
    assert all(np.abs(each).max() == COUGH_LEVEL for each in sounds)
    assert all(0.27 <= len(each) / rate <= 0.75 for each in sounds)
    assert np.array_equal(sounds[4], cough(4, rate))
    assert len({each.tobytes() for each in sounds}) == 20
