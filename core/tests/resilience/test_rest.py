from __future__ import annotations

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Speech, Word
from beluga_voice.resilience.rest import Progress

RATE = 1000
WORDS = (Word("one", 0.0, 0.1), Word("two", 0.1, 0.25), Word("three", 0.3, 0.4))


def part(samples: int, *words: Word) -> Speech:
    return Speech(AudioFrame(np.ones(samples, np.int16), RATE), words)


def test_words_that_are_told_before_their_audio_are_not_taken_for_said() -> None:
    progress = Progress("one two three", RATE, exact=True)
    heard = progress.take(part(150, *WORDS))
    assert heard is not None
    assert (len(heard.frame), heard.words) == (100, WORDS[:1])
    assert progress.rest(1.0) == "two three"


def test_audio_that_comes_before_its_words_waits_for_them() -> None:
    progress = Progress("one two three", RATE, exact=True)
    assert progress.take(part(280)) is None
    assert progress.rest(1.0) == "one two three"
    heard = progress.take(part(10, *WORDS[:2]))
    assert heard is not None
    assert len(heard.frame) == 250
    held = progress.finish()
    assert held is not None
    assert (len(held.frame), held.frame.position) == (40, 250)


@pytest.mark.parametrize(("seconds", "rest"), [(0.0, "ab cd ef"), (0.19, "cd ef"), (0.32, "ef"), (2.0, "")])
def test_without_word_times_the_word_nearest_to_the_pace_is_the_next(seconds: float, rest: str) -> None:
    progress = Progress("ab cd ef", RATE, exact=False)
    if seconds:
        progress.take(part(round(seconds * RATE)))
    assert progress.rest(0.1) == rest
