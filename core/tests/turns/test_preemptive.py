"""Replies that begin before the caller's turn has closed (rule 7)."""

from __future__ import annotations

from typing import Literal

import pytest

from beluga_voice import events as ev
from beluga_voice.events import TimerName, WhileCallerSpeaks
from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy
from beluga_voice.turns.preempt import keeps

Strategy = Literal["off", "discard", "use_if_similar", "always_use"]


def foreseen(strategy: Strategy = "discard", abilities: Abilities | None = None) -> Script:
    """The caller has said "what time is it" from 1.0 on; utterance 1 is the reply to it that was begun."""
    script = Script(TurnPolicy(preemptive=strategy), abilities)
    script.starts(1.0)
    script.interim("what time is it", 1.8)
    script.until(1.95)
    assert script.new() == ["opened 1", "hear", "reply 1 to 1 (preemptive)"]
    return script


def closes(script: Script, text: str) -> list[str]:
    """The caller is done at 2.0, and said `text`; returns what follows up to the close."""
    script.stops(2.0)
    script.final(text, 2.3, start=1.0, end=2.0, answers=script.state.requests)
    script.until(2.36)
    return script.new()


def test_rule_7_a_reply_begins_on_words_that_have_not_changed_for_a_while() -> None:
    script = Script(TurnPolicy(preemptive="discard"))
    script.starts(1.0)
    script.interim("what", 1.3)
    script.interim("what time is it", 1.4)
    script.interim("what time is it", 1.5)
    script.until(1.549)
    assert script.new() == ["opened 1", "hear"]
    script.until(1.551)
    assert script.new() == ["reply 1 to 1 (preemptive)"]


def test_rule_7_it_is_kept_at_the_close_where_the_words_are_the_same() -> None:
    assert closes(foreseen(), "What time is it?") == [
        "finalize 1",
        "closed 1: What time is it?",
        "keep 1",
        "play 1",
        "stop hearing",
        "-> processing",
    ]


def test_rule_7_it_is_dropped_at_the_close_and_begun_anew_where_they_are_not() -> None:
    lines = closes(foreseen(), "what time was it")
    assert lines[1:5] == [
        "closed 1: what time was it",
        "end 1 cut: the words changed (taken back)",
        "reply 2 to 1",
        "play 2",
    ]


@pytest.mark.parametrize(
    ("strategy", "before", "after", "kept"),
    [
        ("discard", "One two", "one, two.", True),
        ("discard", "one two", "two one", False),
        ("use_if_similar", "a b c d e f g h i", "a b c d e f g h i j", True),
        ("use_if_similar", "a b c d", "a b c d e", False),
        ("use_if_similar", "a b c d e", "a b c d", False),
        ("use_if_similar", "A B C D E, F", "a b c d e f", True),
        ("use_if_similar", "a a a a a a", "a b c d e f", False),
        ("use_if_similar", "one", "two", False),
        ("always_use", "one", "two", True),
    ],
)
def test_rule_7_a_reply_is_kept_by_the_strategy(
    strategy: Strategy, before: str, after: str, kept: bool
) -> None:
    assert keeps(TurnPolicy(preemptive=strategy), before, after) is kept


def test_rule_7_it_is_not_heard_before_the_close_though_its_audio_is_there() -> None:
    script = foreseen()
    script.makes(1, 1.99)
    assert script.new() == []
    assert script.state.visible.value == "listening"
    assert "play 1" in closes(script, "what time is it")


def test_rule_7_newer_words_drop_it_and_begin_another_and_one_at_most_lives() -> None:
    script = foreseen()
    script.interim("what time is it in Paris", 2.1)
    script.until(2.26)
    assert script.new() == ["end 1 cut: the words changed (taken back)", "reply 2 to 1 (preemptive)"]


def test_rule_7_newer_words_that_it_is_good_for_leave_it() -> None:
    script = foreseen("always_use")
    script.interim("what time is it in Paris", 2.1)
    script.until(3.0)
    assert script.new() == []


def test_rule_7_while_a_reply_lives_none_begins_before_the_close() -> None:
    script = Script(TurnPolicy(preemptive="discard"))
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0)
    script.new()
    script.starts(4.0)
    script.interim("what", 4.2)
    script.until(4.9)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.interim("what about Paris", 5.0)
    assert script.new()[0] == "barge-in 1: words"
    script.until(5.2)
    assert script.new() == ["reply 2 to 2 (preemptive)"]


def test_rule_7_words_that_turned_out_to_be_none_begin_nothing() -> None:
    script = Script(TurnPolicy(preemptive="discard", echo_by_transcript="on"))
    script.starts(1.0)
    script.interim("it is", 1.3)
    script.interim("it is noon", 1.4, echo=True)
    script.until(2.0)
    assert script.new() == ["opened 1", "hear"]


def test_rule_7_without_an_agent_none_begins() -> None:
    script = Script(TurnPolicy(preemptive="discard"), Abilities(replies=False))
    script.starts(1.0)
    script.interim("what time is it", 1.8)
    script.until(3.0)
    assert script.new() == ["opened 1", "hear"]


def test_rule_7_one_that_fails_before_the_close_is_begun_anew_at_it() -> None:
    script = foreseen()
    script.feed(ev.UtteranceFailed(1.99, 1, "no"))
    assert script.new() == ["end 1 cut: failed before the close (taken back)"]
    assert "reply 2 to 1" in closes(script, "what time is it")


def test_rule_7_one_that_says_nothing_before_the_close_is_asked_again_at_it() -> None:
    script = foreseen()
    script.feed(ev.SynthesisFinished(1.99, 1, empty=True))
    assert script.new() == ["end 1 cut: nothing to say before the close (taken back)"]
    assert "reply 2 to 1" in closes(script, "what time is it")


def test_rule_7_a_turn_that_is_dropped_takes_it_along() -> None:
    script = foreseen()
    script.stops(2.0)
    script.interim("", 2.3)
    script.final("", 2.4, answers=1)
    assert script.new()[1:3] == ["end 1 cut: the turn was dropped (taken back)", "dropped 1: no words"]


def test_rule_7_what_is_typed_is_not_answered_by_it() -> None:
    script = foreseen("always_use")
    script.types("and in Paris", 2.0)
    lines = [line for line in script.new() if not line.startswith("finalize")]
    assert lines[:3] == ["end 1 cut: text", "closed 1: what time is it and in Paris", "reply 2 to 1"]


def test_rule_8_the_first_text_counts_from_the_close() -> None:
    script = foreseen()
    closes(script, "what time is it")
    assert script.running()[TimerName.FIRST_TEXT] == pytest.approx(2.35 + 10)


def test_rule_10_a_say_while_the_caller_speaks_plays_before_it() -> None:
    script = foreseen()
    script.say(1.99)
    assert script.new() == ["prepare -1"]
    lines = closes(script, "what time is it")
    assert [line for line in lines if line.startswith(("keep", "play"))] == ["keep 1", "play -1"]


def test_rule_10_a_say_over_the_caller_plays_and_it_does_not() -> None:
    script = foreseen()
    script.say(1.99, while_caller_speaks=WhileCallerSpeaks.SPEAK)
    assert "play -1" in script.new()
    assert "keep 1" in closes(script, "what time is it")


def test_rule_4_words_that_go_on_with_a_turn_are_foreseen_with_those_before() -> None:
    script = Script(TurnPolicy(preemptive="discard"))
    script.asks("what time is it", 1.0, 2.0)
    script.starts(2.5)
    script.interim("in Paris", 2.9)
    script.new()
    script.until(3.1)
    assert script.new() == ["reply 2 to 1 (preemptive)"]
    script.stops(3.2)
    script.final("in Paris", 3.4, answers=script.state.requests)
    script.until(3.6)
    assert script.new()[1:3] == ["closed 1: what time is it in Paris", "keep 2"]


def test_rule_6_a_turn_that_is_too_long_keeps_it() -> None:
    script = Script(TurnPolicy(preemptive="discard", turn_limit=5))
    script.starts(1.0)
    script.interim("and then", 5.0)
    script.until(6.0)
    assert "keep 1" in script.new()


@pytest.mark.parametrize("drain", [False, True])
def test_rule_20_a_stop_ends_it(drain: bool) -> None:
    script = foreseen()
    script.stop(2.0, drain=drain)
    assert "end 1 cut: the session was stopped" in script.new()
