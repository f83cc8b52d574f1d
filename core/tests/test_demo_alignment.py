"""Known audio is found in a recording, and any sample that is lost, repeated or changed is too."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.demo.alignment import Gap, find, follow

DRAW = np.random.default_rng(1)
SPEECH = DRAW.integers(1, 9000, 4000).astype(np.int16)
SPEECH[1500:1800] = 0  # silence of its own
SILENCE = np.zeros(700, np.int16)


def track(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts)


def test_follows_what_is_there_as_it_was_given() -> None:
    found = follow(track(SILENCE, SPEECH, SILENCE), SPEECH, 0)
    assert (found.start, found.end, found.heard, found.gaps, found.differs) == (700, 4700, 4000, (), None)


@given(at=st.integers(1, 3999), length=st.integers(1, 2000))
@settings(deadline=None, max_examples=60)
def test_a_silence_put_in_anywhere_is_told_with_its_length(at: int, length: int) -> None:
    gap = np.zeros(length, np.int16)
    found = follow(track(SILENCE, SPEECH[:at], gap, SPEECH[at:]), SPEECH, 0)
    assert found.heard == 4000
    assert sum(each.length for each in found.gaps) == length
    assert found.differs is None


@given(at=st.integers(0, 3999))
@settings(deadline=None, max_examples=60)
def test_a_lost_sample_is_noticed(at: int) -> None:
    found = follow(track(SILENCE, np.delete(SPEECH, at), SILENCE), SPEECH, 0)
    assert found.differs is not None or found.heard < 4000


@given(at=st.integers(0, 3998))
@settings(deadline=None, max_examples=60)
def test_a_changed_sample_is_noticed(at: int) -> None:
    changed = SPEECH.copy()
    changed[at] += 1
    assert follow(track(SILENCE, changed), SPEECH, 0).differs == 700 + at


def test_a_repeated_stretch_after_a_pause_is_noticed() -> None:
    found = follow(track(SPEECH[:1000], SILENCE, SPEECH[900:]), SPEECH, 0)
    assert found.gaps == (Gap(1000, 700, 1000),)
    assert found.differs == 1700


def test_what_is_cut_ends_there() -> None:
    recording = track(SPEECH[:1200], SILENCE, SPEECH)
    found = follow(recording, SPEECH, 0, until=1300)
    assert (found.start, found.end, found.heard, found.differs) == (0, 1200, 1200, None)


def test_finds_a_sound_under_the_noise_of_a_room() -> None:
    noise = np.round(DRAW.normal(0, 6, 9000))
    recording = noise.copy()
    recording[2345 : 2345 + 4000] += SPEECH
    assert find(recording.astype(np.int16), SPEECH, 0, 6.0) == 2345


def test_finds_nothing_where_something_else_is_said() -> None:
    other = DRAW.integers(-9000, 9000, 9000).astype(np.int16)
    assert find(other, SPEECH, 0, 6.0) is None
    assert find(np.zeros(9000, np.int16), SPEECH, 0, 6.0) is None
    assert find(SPEECH[:3000], SPEECH, 0, 6.0) is None
