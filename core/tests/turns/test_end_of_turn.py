"""A recognizer that judges itself whether the turn is over (rules 2, 3 and 13)."""

from __future__ import annotations

import pytest

from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities

ASKED = Abilities()
NOT_ASKED = Abilities(finalizes=False)
DETECTS = Abilities(detects_turns=True)


def stopped(abilities: Abilities) -> Script:
    """The caller has spoken from 1.0 to 2.0."""
    script = Script(abilities=abilities)
    script.speech(1.0, 2.0)
    script.new()
    return script


def interrupting() -> Script:
    """The caller has spoken over reply 1, which is paused, since 4.0."""
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0)
    script.starts(4.0)
    script.until(4.1)
    script.new()
    return script


@pytest.mark.parametrize("abilities", [ASKED, NOT_ASKED, DETECTS])
def test_rule_2_a_turn_that_the_stt_takes_for_complete_closes_after_the_short_delay(
    abilities: Abilities,
) -> None:
    script = stopped(abilities)
    script.final("what time is it", 2.3, start=1.0, end=1.9, end_of_turn=True)
    if abilities.detects_turns:
        script.predicts(0.1, 2.31)
    script.until(2.35)
    assert "closed 1: what time is it" in script.new()


def test_rule_2_a_turn_that_the_stt_takes_for_incomplete_waits_for_the_long_delay() -> None:
    script = stopped(NOT_ASKED)
    script.final("what time", 2.3, start=1.0, end=1.9, end_of_turn=False)
    script.until(4.49)
    assert script.new() == []
    script.until(4.5)
    assert "closed 1: what time" in script.new()


def test_rule_2_what_the_turn_detector_takes_for_complete_is_so_though_the_stt_does_not() -> None:
    script = stopped(DETECTS)
    script.final("what time is it", 2.3, answers=1, end_of_turn=False)
    script.predicts(0.9, 2.31)
    script.until(2.35)
    assert "closed 1: what time is it" in script.new()


def test_rule_2_the_delay_is_chosen_anew_by_newer_words() -> None:
    script = stopped(NOT_ASKED)
    script.final("what time is it", 2.2, start=1.0, end=1.5, end_of_turn=True)
    script.final("in", 2.3, start=1.5, end=1.9, end_of_turn=False)
    script.until(4.49)
    assert script.new() == []
    script.until(4.5)
    assert "closed 1: what time is it in" in script.new()


def test_rule_2_speech_that_goes_on_takes_the_end_back() -> None:
    script = stopped(DETECTS)
    script.final("what time is it", 2.26, answers=1, end_of_turn=True)
    script.speech(2.28, 3.0)
    script.until(4.9)
    script.final("in", 4.91, answers=script.state.requests - 1)
    script.until(5.49)
    assert not [line for line in script.new() if line.startswith("closed")]
    script.until(5.5)
    assert "closed 1: what time is it in" in script.new()


def test_rule_3_the_end_of_the_turn_settles_its_words_without_another_answer() -> None:
    script = stopped(ASKED)
    script.final("what time is it", 2.4, start=1.0, end=1.8, end_of_turn=True)
    assert "closed 1: what time is it" in script.new()


def test_rule_3_the_end_of_the_turn_settles_its_words_before_the_vad_sees_the_end() -> None:
    script = Script(abilities=ASKED)
    script.starts(1.0)
    script.final("what time is it", 2.1, start=1.0, end=1.8, end_of_turn=True)
    script.stops(2.0)
    script.until(2.35)
    assert "closed 1: what time is it" in script.new()


def test_rule_3_an_end_without_words_of_its_own_is_the_end_of_the_words_before() -> None:
    script = stopped(DETECTS)
    script.final("what time is it", 2.3, answers=1)
    script.predicts(0.1, 2.31)
    script.new()
    script.final("", 2.6, end_of_turn=True)
    assert "closed 1: what time is it" in script.new()


def test_rule_13_an_end_of_turn_with_a_word_cuts_at_once() -> None:
    script = interrupting()
    script.interim("Tuesday", 4.3, end_of_turn=True)
    assert script.new()[:2] == ["barge-in 1: end of turn", "end 1 cut: barge-in: end of turn"]


def test_rule_13_a_word_that_ends_no_turn_does_not() -> None:
    script = interrupting()
    script.interim("Tuesday", 4.3, end_of_turn=False)
    assert script.new() == []


def test_rule_13_a_backchannel_that_ends_its_turn_stays_a_backchannel() -> None:
    script = interrupting()
    script.stops(4.3)
    script.final("mhm", 4.6, start=4.0, end=4.2, end_of_turn=True)
    assert script.new()[:2] == ["finalize 2", "backchannel 2"]


def test_rule_13_an_end_that_comes_after_its_word_cuts_too() -> None:
    script = interrupting()
    script.stops(4.3)
    script.interim("Tuesday", 4.6)
    assert script.new() == ["finalize 2"]
    script.final("", 4.61, end_of_turn=True)
    assert script.new()[0] == "barge-in 1: end of turn"


def test_rule_13_a_late_word_that_ends_its_turn_is_judged_as_if_spoken_now() -> None:
    script = interrupting()
    script.stops(4.3)
    script.until(6.3)
    assert script.new()[-3:] == ["dropped 2: no words", "resume 1: no words", "stop hearing"]
    script.final("Tuesday", 6.4, start=4.0, end=4.3, end_of_turn=True)
    assert "barge-in 1: late words" in script.new()
