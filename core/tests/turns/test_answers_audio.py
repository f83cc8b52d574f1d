"""Turns that are answered for their sound: what answers has heard the caller, whose words come late or never."""

from __future__ import annotations

import pytest

from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities

HEARS = Abilities(answers_audio=True)
TOLD = Abilities(answers_audio=True, tells_ends=True, finalizes=False)


def _answered(abilities: Abilities = HEARS) -> Script:
    """The caller has spoken from 1 to 2, and the answer is heard from 3 on."""
    script = Script(abilities=abilities)
    script.speech(1.0, 2.0)
    if abilities.tells_ends:
        script.final("", 2.3, end_of_turn=True)
    script.until(2.4)
    assert script.new()[-4:] == ["reply 1 to 1", "play 1", "stop hearing", "-> processing"]
    script.plays(1, 3.0)
    script.new()
    return script


def test_a_turn_without_words_closes_at_the_short_delay_and_is_answered() -> None:
    script = Script(abilities=HEARS)
    script.speech(1.0, 2.0)
    script.new()
    script.until(2.34)
    assert script.new() == []
    script.until(2.36)
    assert script.new() == ["closed 1: ", "reply 1 to 1", "play 1", "stop hearing", "-> processing"]


def test_a_model_that_tells_the_ends_of_turns_is_waited_for_up_to_the_long_delay() -> None:
    script = Script(abilities=TOLD)
    script.speech(1.0, 2.0)
    script.until(3.0)
    assert script.state.turn is not None
    script.final("", 3.0, end_of_turn=True)
    assert script.state.turn is None
    script = Script(abilities=TOLD)
    script.speech(1.0, 2.0)
    script.until(4.6)
    assert script.state.turn is None


def test_late_words_are_written_down_and_answered_by_nobody() -> None:
    script = _answered()
    script.final("what time is it", 3.2, start=1.0, end=2.0, answers=1)
    assert script.new() == ["committed 1: what time is it"]
    assert script.state.on_air == 1


def test_words_of_the_turn_before_the_last_are_written_down_there() -> None:
    script = _answered()
    script.ends(1, 5.0)
    script.speech(6.0, 7.0)
    script.until(7.4)
    script.new()
    script.final("first", 7.5, start=1.0, end=2.0)
    script.final("second", 7.6, start=6.0, end=7.0, answers=2)
    assert script.new() == ["committed 1: first", "committed 2: second"]


@pytest.mark.parametrize("abilities", [HEARS, TOLD])
def test_long_speech_over_the_answer_takes_the_floor_without_a_word(abilities: Abilities) -> None:
    script = _answered(abilities)
    script.starts(4.0)
    script.until(4.2)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.until(4.84)
    assert script.new() == []
    script.until(4.9)
    assert "barge-in 1: speech" in script.new()


def test_a_cough_over_the_answer_lets_it_go_on_and_is_no_turn() -> None:
    script = _answered()
    script.speech(4.0, 4.3)
    script.until(6.0)
    lines = script.new()
    assert "resume 1: no words" in lines
    assert "dropped 2: no words" in lines
    assert not any(line.startswith("barge-in") for line in lines)


def test_a_stop_word_over_the_answer_commits_when_it_is_known() -> None:
    script = _answered()
    script.speech(4.0, 4.3)
    script.final("stop", 4.7, start=4.0, end=4.3, answers=2)
    assert "barge-in 1: stop word" in script.new()


def test_long_speech_before_the_answer_is_heard_takes_up_the_turn() -> None:
    script = Script(abilities=HEARS)
    script.speech(1.0, 2.0)
    script.until(2.4)
    script.new()
    script.starts(2.6)
    script.until(3.6)
    assert "opened 1" in script.new()
    assert script.state.reply is None
    script.stops(3.8)
    script.until(4.3)
    assert script.new()[-4:] == ["reply 2 to 1", "play 2", "stop hearing", "-> processing"]


def test_nothing_is_answered_before_the_close() -> None:
    assert not _answered().state.may_preempt


def test_a_limit_closes_a_turn_without_words() -> None:
    script = Script(abilities=HEARS)
    script.starts(1.0)
    script.until(121.1)
    assert "closed 1:  (limit)" in script.new()
