"""Speech over the agent that takes its level down instead of silencing it (rules 12 and 13)."""

from __future__ import annotations

import pytest

from beluga_voice.testing.script import Script
from beluga_voice.turns import TurnPolicy


def answering(*, finished: bool = True) -> Script:
    """A reply is heard from 3.0 on, and is ducked by speech."""
    script = Script(TurnPolicy(barge_in_action="duck"))
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=finished)
    script.new()
    return script


def interrupting() -> Script:
    """The caller has spoken over the reply since 4.0."""
    script = answering()
    script.starts(4.0)
    script.until(4.1)
    assert script.new() == ["opened 2", "hear", "duck 1"]
    return script


def test_rule_12_what_is_ducked_goes_on_being_heard() -> None:
    script = interrupting()
    current = script.state.current
    assert current is not None
    assert current.heard_until(4.5) == pytest.approx(1.5)
    assert script.state.visible.value == "speaking"


def test_rule_12_speech_over_a_silent_reply_pauses_it_all_the_same() -> None:
    script = answering(finished=False)
    script.starves(1, 3.9)
    script.starts(4.0)
    assert "pause 1" in script.new()


def test_rule_12_what_is_ducked_may_end_meanwhile_and_what_was_said_is_a_turn() -> None:
    script = interrupting()
    script.interim("Tuesday", 4.3)
    script.ends(1, 4.4)
    script.stops(4.5)
    script.final("Tuesday", 4.8, start=4.0, end=4.5, answers=2)
    script.until(4.85)
    lines = script.new()
    assert "end 1 played" in lines
    assert "closed 2: Tuesday" in lines
    assert not [line for line in lines if line.startswith(("barge-in", "resume"))]


def test_rule_12_nothing_else_plays_after_what_is_ducked_has_ended_until_it_is_decided() -> None:
    script = interrupting()
    script.say(4.2)
    script.ends(1, 4.4)
    assert "play -1" not in script.new()
    script.stops(4.5)
    script.final("", 4.8, answers=2)
    assert script.new() == ["finalize 2", "dropped 2: no words", "play -1", "stop hearing"]


def test_rule_12_the_clock_of_what_is_ducked_goes_on() -> None:
    script = answering(finished=False)
    script.starts(4.0)
    script.until(4.1)
    script.starves(1, 4.5)
    script.until(6.9)
    script.interim("mhm", 6.95)
    script.new()
    script.until(14.5)
    assert "end 1 failed: the agent gave no text for 10 s" in script.new()


def test_rule_12_more_speech_of_the_same_turn_ducks_it_no_further() -> None:
    script = interrupting()
    script.stops(4.3)
    script.starts(4.5)
    script.until(4.7)
    assert script.new() == ["finalize 2"]


def test_rule_4_a_reply_that_may_be_joined_is_paused_and_not_ducked() -> None:
    script = answering()
    script.starts(3.3)
    script.until(3.4)
    assert script.new() == ["opened 2", "hear", "pause 1"]


def test_rule_13_a_stop_word_cuts_what_is_ducked() -> None:
    script = interrupting()
    script.interim("stop", 4.3)
    assert script.new() == [
        "barge-in 1: stop word",
        "end 1 cut: barge-in: stop word",
        "-> listening",
    ]
    assert script.state.ducked == 0


def test_rule_13_a_backchannel_brings_back_the_level() -> None:
    script = interrupting()
    script.stops(4.3)
    script.final("mhm", 4.6, start=4.0, end=4.3, answers=2)
    assert script.new() == [
        "finalize 2",
        "backchannel 2",
        "dropped 2: backchannel",
        "resume 1: backchannel",
        "stop hearing",
    ]
    current = script.state.current
    assert current is not None
    assert current.heard_until(5.0) == pytest.approx(2.0)


def test_rule_13_no_words_bring_back_the_level_after_a_second() -> None:
    script = interrupting()
    script.stops(4.3)
    script.until(5.29)
    assert script.new() == ["finalize 2"]
    script.until(5.31)
    assert script.new() == ["dropped 2: no words", "resume 1: no words", "stop hearing"]


def test_rule_13_speech_without_a_word_brings_back_the_level_after_three_seconds() -> None:
    script = interrupting()
    script.until(7.01)
    assert script.new() == ["resume 1: undecided"]


def test_rule_13_new_speech_after_that_ducks_it_again() -> None:
    script = interrupting()
    script.stops(4.3)
    script.until(5.31)
    script.new()
    script.starts(6.0)
    script.until(6.1)
    assert "duck 1" in script.new()


def test_rule_20_what_is_ducked_is_drained_at_full_level() -> None:
    script = interrupting()
    script.stop(4.2, drain=True)
    assert "resume 1: the session is being drained" in script.new()
