"""The agent's own words in the caller's audio (rule 17)."""

from __future__ import annotations

import pytest

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy

ON = TurnPolicy(echo_by_transcript="on")


def answering(policy: TurnPolicy = ON, abilities: Abilities | None = None) -> Script:
    """A reply is heard from 3.0 on."""
    script = Script(policy, abilities)
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0)
    script.new()
    return script


def echoing() -> Script:
    """Sound over the reply since 4.0 paused it, until its words were found to be echo at 4.5."""
    script = answering()
    script.starts(4.0)
    script.until(4.1)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.interim("it is noon", 4.5, echo=True)
    assert script.new() == ["resume 1: echo"]
    return script


def test_rule_17_an_echo_lets_the_reply_go_on_at_once_and_is_dropped() -> None:
    script = echoing()
    script.stops(4.6)
    script.final("it is noon now", 4.9, start=4.0, end=4.6, answers=2, echo=True)
    assert script.new() == ["finalize 2", "unused 3: echo", "dropped 2: no words", "stop hearing"]


def test_rule_17_after_an_echo_sound_does_not_pause_the_utterance() -> None:
    script = echoing()
    script.stops(4.6)
    script.final("", 4.9, answers=2)
    script.new()
    script.starts(5.0)
    script.until(9.0)
    assert script.new() == ["opened 3", "hear"]


def test_rule_17_after_an_echo_words_that_are_none_pause_it_and_decide() -> None:
    script = echoing()
    script.interim("but", 5.0)
    assert script.new() == ["pause 1"]
    script.interim("but what about", 5.2)
    assert script.new()[0] == "barge-in 1: words"


def test_rule_17_after_an_echo_a_stop_word_cuts_at_once() -> None:
    script = echoing()
    script.interim("stop", 5.0)
    assert script.new()[:2] == ["pause 1", "barge-in 1: stop word"]


def test_rule_17_the_next_utterance_is_paused_by_sound_again() -> None:
    script = echoing()
    script.stops(4.6)
    script.final("", 4.9, answers=2)
    script.ends(1, 5.0)
    script.say(5.1)
    script.plays(-1, 5.2)
    script.new()
    script.starts(6.0)
    script.until(6.1)
    assert script.new() == ["opened 3", "hear", "pause -1"]


def test_rule_17_after_two_false_barge_ins_only_words_pause_the_utterance() -> None:
    script = answering()
    for number, start in ((2, 4.0), (3, 6.0)):
        script.speech(start, start + 0.2)
        script.final("", start + 0.5, answers=number)
        assert "resume 1: no words" in script.new()
    script.starts(8.0)
    script.until(8.5)
    assert script.new() == ["opened 4", "hear"]
    script.interim("but", 8.6)
    assert script.new() == ["pause 1"]


def test_rule_17_speech_that_was_given_up_counts_as_a_false_barge_in() -> None:
    script = answering()
    script.starts(4.0)
    script.until(7.1)
    assert "resume 1: undecided" in script.new()
    script.stops(7.2)
    script.final("", 7.5, answers=2)
    script.speech(8.0, 8.2)
    script.final("", 8.5, answers=3)
    script.new()
    script.starts(9.0)
    script.until(9.5)
    assert script.new() == ["opened 4", "hear"]


def test_rule_17_one_word_is_no_echo() -> None:
    script = answering()
    script.starts(4.0)
    script.until(4.1)
    script.new()
    script.interim("stop", 4.3, echo=True)
    assert script.new()[0] == "barge-in 1: stop word"


def test_rule_17_an_echo_after_words_of_the_caller_lets_nothing_go_on() -> None:
    script = answering()
    script.starts(4.0)
    script.final("but", 4.3, start=4.0, end=4.2)
    script.new()
    script.final("it is noon", 4.6, start=4.3, end=4.5, echo=True)
    assert script.new() == ["unused 3: echo"]
    assert script.state.paused == 1


def test_rule_17_an_echo_that_the_vad_did_not_see_opens_no_turn() -> None:
    script = answering()
    script.final("it is noon", 4.5, echo=True)
    assert script.new() == ["unused 2: echo"]
    assert script.state.turn is None


def test_rule_17_a_late_echo_is_dropped_as_one() -> None:
    script = answering()
    script.speech(4.0, 4.2)
    script.until(6.3)
    script.new()
    script.final("it is noon", 6.4, start=4.0, end=4.2, answers=2, echo=True)
    assert script.new() == ["unused 2: echo"]


def test_rule_17_an_echo_after_the_agent_has_ended_makes_no_turn() -> None:
    script = answering()
    script.starts(4.0, delay=0.01)
    script.ends(1, 4.05)
    script.stops(4.3)
    script.final("it is noon", 4.6, start=4.0, end=4.3, answers=2, echo=True)
    script.until(7)
    assert not [line for line in script.new() if line.startswith(("closed", "reply"))]


@pytest.mark.parametrize(
    ("policy", "abilities"), [(TurnPolicy(), Abilities()), (ON, Abilities(cancels_echo=True))]
)
def test_rule_17_where_echo_is_cancelled_or_not_looked_for_words_are_words(
    policy: TurnPolicy, abilities: Abilities
) -> None:
    script = answering(policy, abilities)
    script.starts(4.0)
    script.until(4.1)
    script.new()
    script.interim("it is noon", 4.6, echo=True)
    assert script.new()[0] == "barge-in 1: words"


def test_rule_17_a_ducked_utterance_comes_back_to_its_level() -> None:
    script = answering(TurnPolicy(echo_by_transcript="on", barge_in_action="duck"))
    script.starts(4.0)
    script.until(4.1)
    script.interim("it is noon", 4.5, echo=True)
    assert script.new() == ["opened 2", "hear", "duck 1", "resume 1: echo"]


def test_rule_16_an_echo_has_one_outcome() -> None:
    script = echoing()
    script.final("it is noon", 4.6, echo=True)
    script.ends(1, 5.0)
    script.stops(5.1)
    script.final("", 5.4, answers=2)
    given = [command for _, commands in script.steps for command in commands]
    told = [command.event for command in given if isinstance(command, do.Announce)]
    assert [event.transcript for event in told if isinstance(event, ev.TranscriptDropped)] == [3]
