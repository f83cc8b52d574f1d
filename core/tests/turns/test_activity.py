"""Speech that starts and stops, from scores."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.turns import TurnPolicy
from beluga_voice.turns.activity import SpeechDetector

RATE, WINDOW = 1000, 20
POLICY = TurnPolicy(speech_starts_after=0.06, speech_stops_after=0.1, vad_on=0.5, vad_off=0.35)
HIGH, MID, LOW = 0.9, 0.4, 0.1


def _changes(*scores: float) -> list[tuple[int, int, bool]]:
    """Where it was found, where it stood, and whether it is speech from there."""
    detector = SpeechDetector(POLICY, RATE)
    found = []
    for i, score in enumerate(scores):
        at = detector.score(i * WINDOW, (i + 1) * WINDOW, score)
        if at is not None:
            found.append(((i + 1) * WINDOW, at, detector.speaking))
    return found


def test_speech_starts_where_its_sound_began() -> None:
    assert _changes(LOW, HIGH, HIGH, HIGH) == [(80, 20, True)]


def test_a_click_is_no_speech() -> None:
    assert _changes(HIGH, HIGH, LOW, HIGH, HIGH, LOW) == []


def test_a_window_between_the_thresholds_neither_starts_nor_breaks_a_start() -> None:
    assert _changes(MID, MID, MID, MID) == []
    assert _changes(HIGH, MID, HIGH) == [(60, 0, True)]


def test_a_sound_long_before_does_not_count_to_a_start() -> None:
    # 0.1 s between the thresholds: what was before was another sound.
    assert _changes(HIGH, MID, MID, MID, MID, MID, HIGH, HIGH, HIGH) == [(180, 120, True)]


def test_speech_stops_where_its_sound_ended() -> None:
    assert _changes(*[HIGH] * 4, *[LOW] * 5) == [(60, 0, True), (180, 80, False)]


def test_a_gap_does_not_stop_it() -> None:
    assert _changes(*[HIGH] * 4, *[LOW] * 4, HIGH, *[LOW] * 5)[1:] == [(280, 180, False)]


def test_a_murmur_after_the_sound_does_not_keep_it() -> None:
    assert _changes(*[HIGH] * 4, LOW, *[MID] * 4)[1:] == [(180, 80, False)]
    assert _changes(*[HIGH] * 4, *[MID] * 20)[1:] == []


def test_speech_starts_anew_after_its_end() -> None:
    scores = [*[HIGH] * 3, *[LOW] * 5, *[HIGH] * 3, *[LOW] * 5]
    assert [change[1:] for change in _changes(*scores)] == [(0, True), (60, False), (160, True), (220, False)]


@given(st.lists(st.floats(0, 1), max_size=200))
def test_starts_and_stops_take_turns_and_reach_back_within_bounds(scores: list[float]) -> None:
    speaking = False
    last = -1
    for found, at, starts in _changes(*scores):
        assert starts is not speaking
        assert at >= last
        # What the session keeps of the audio for its STT relies on this.
        reach = POLICY.speech_starts_after + POLICY.speech_stops_after
        assert found - at <= reach * RATE + 2 * WINDOW
        assert scores[at // WINDOW] >= POLICY.vad_on if starts else scores[at // WINDOW] < POLICY.vad_off
        speaking, last = starts, at
