"""Keys of the caller's telephone (rules 1, 14, 18 and 20)."""

from __future__ import annotations

import pytest

from beluga_voice.testing.script import Script
from beluga_voice.turns import TurnPolicy

TURNS = TurnPolicy(dtmf="turns")


def answering(policy: TurnPolicy = TURNS) -> Script:
    """A reply is heard from 3.0 on."""
    script = Script(policy)
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0)
    script.new()
    return script


def test_rule_1_keys_are_told_at_the_hash_without_it() -> None:
    script = Script()
    script.presses("123#", 1.0)
    assert script.new() == ["keys: 123"]


def test_rule_1_keys_are_told_two_seconds_after_the_last() -> None:
    script = Script()
    script.presses("1", 1.0)
    script.presses("2", 2.5)
    script.until(4.49)
    assert script.new() == []
    script.until(4.5)
    assert script.new() == ["keys: 12"]


def test_rule_1_a_hash_alone_is_told_too() -> None:
    script = Script()
    script.presses("#", 1.0)
    assert script.new() == ["keys: #"]


def test_rule_1_where_they_are_only_told_they_cut_and_open_nothing() -> None:
    script = answering(TurnPolicy())
    script.presses("12#", 4.0)
    assert script.new() == ["keys: 12"]


def test_rule_1_keys_make_a_turn_when_they_are_complete() -> None:
    script = Script(TURNS)
    script.presses("12", 1.0)
    assert script.new() == []
    script.until(3.0)
    assert script.new() == ["keys: 12", "opened 1", "closed 1: 12", "reply 1 to 1", "play 1", "-> processing"]


def test_rule_1_keys_are_answered_with_what_was_said_before_them() -> None:
    script = Script(TURNS)
    script.speech(1.0, 2.0)
    script.interim("my number is", 1.9)
    script.presses("42#", 2.2)
    assert "closed 1: my number is 42" in script.new()


def test_rule_1_rows_of_keys_are_turns_of_their_own() -> None:
    script = Script(TURNS)
    script.presses("1#2#", 1.0)
    lines = script.new()
    assert [line for line in lines if line.startswith(("closed", "end"))] == [
        "closed 1: 1",
        "end 1 cut: keys",
        "closed 2: 2",
    ]


def test_rule_14_the_first_key_cuts_the_reply_at_once() -> None:
    script = answering()
    script.presses("1", 4.0)
    assert script.new() == ["end 1 cut: keys", "-> listening"]
    script.presses("2#", 4.5)
    assert script.new() == ["keys: 12", "opened 2", "closed 2: 12", "reply 2 to 2", "play 2", "-> processing"]


def test_rule_14_keys_do_not_cut_what_is_protected_and_are_answered_after_it() -> None:
    script = Script(TURNS)
    script.say(1.0, interruptible=False)
    script.plays(-1, 1.2)
    script.new()
    script.presses("1#", 2.0)
    assert script.new() == ["keys: 1", "opened 1", "closed 1: 1", "reply 1 to 1"]
    script.ends(-1, 3.0)
    assert script.new()[:2] == ["end -1 played", "play 1"]


def test_rule_14_a_reply_that_began_while_keys_were_gathered_is_cut_by_them() -> None:
    script = Script(TURNS)
    script.speech(1.0, 2.0)
    script.presses("1", 2.26)
    script.final("what time is it", 2.3, answers=1)
    script.until(2.36)
    assert "reply 1 to 1" in script.new()
    script.until(4.27)
    assert script.new()[:2] == ["keys: 1", "end 1 cut: keys"]


def test_rule_18_keys_bring_back_who_is_away() -> None:
    script = Script()
    script.until(30.0)
    assert script.new() == ["-> away"]
    script.presses("1", 31.0)
    assert script.new() == ["-> listening"]
    script.until(60.9)
    assert script.new() == ["keys: 1"]
    script.until(61.0)
    assert script.new() == ["-> away"]


def test_rule_19_keys_put_off_the_end_of_the_session() -> None:
    script = Script(TurnPolicy(session_timeout=60))
    script.presses("1", 50.0)
    script.until(109.9)
    assert "end session: timeout" not in script.new()
    script.until(110.0)
    assert "end session: timeout" in script.new()


@pytest.mark.parametrize("drain", [False, True])
def test_rule_20_keys_that_were_not_complete_are_told_at_the_stop(drain: bool) -> None:
    script = Script()
    script.presses("12", 1.0)
    script.stop(1.5, drain=drain)
    assert script.new()[0] == "keys: 12"
