"""Words that come twice, late, or for two turns at once: each stands in one turn, once."""

from __future__ import annotations

from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy

NO_FINALIZE = Abilities(finalizes=False)


def closed(script: Script) -> list[str]:
    """What the turns were closed with."""
    return [line for line in script.new() if line.startswith("closed")]


def test_rule_5_a_duplicate_is_one_though_its_times_have_moved_with_the_line() -> None:
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    script.new()
    script.final("what time is it", 2.6, start=1.0004, end=2.0004)
    assert script.new() == ["unused 2: duplicate"]


def test_rule_5_a_late_final_replaces_the_interim_words_of_its_own_time() -> None:
    script = Script(TurnPolicy(transcript_deadline=0.4, join_window=3))
    script.speech(1.0, 1.5)
    script.interim("to rom", 1.8, start=1.0, end=1.5)
    script.until(2.0)
    script.speech(2.5, 3.0)
    script.interim("at nyne", 3.3, start=2.5, end=3.0)
    script.until(3.5)
    script.new()
    script.final("at nine", 3.6, start=2.5, end=3.0)
    assert closed(script) == ["closed 1: to rom at nine"]


def test_rule_5_a_late_final_of_no_interim_words_comes_after_them() -> None:
    script = Script(TurnPolicy(transcript_deadline=0.4))
    script.speech(1.0, 2.0)
    script.interim("to Rome", 1.8, start=1.0, end=1.4)
    script.until(2.4)
    script.new()
    script.final("please", 2.6, start=1.6, end=2.0)
    assert closed(script) == ["closed 1: to Rome please"]


def test_rule_5_a_late_final_of_a_turn_before_the_last_is_dropped() -> None:
    script = Script()
    script.starts(1.0)
    script.interim("I fly to", 1.8)
    script.types("Paris", 2.0)
    script.types("or Rome", 2.1)
    script.new()
    script.final("I fly to", 2.3, answers=1)
    assert script.new() == ["unused 2: late"]


def test_rule_4_a_word_heard_before_its_speech_was_found_is_not_said_twice() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.final("to Rome", 2.26, start=1.0, end=2.0, answers=1)
    script.interim("at", 2.34, start=2.31, end=2.33)
    script.until(2.35)
    script.starts(2.31)
    script.interim("at nine", 2.6, start=2.31, end=2.55)
    assert script.state.turn is not None
    assert script.state.turn.text == "to Rome at nine"


def test_rule_4_a_final_of_both_parts_takes_the_place_of_the_interim_words_before() -> None:
    script = Script(TurnPolicy(join_window=3))
    script.interim("to rom", 1.5, start=1.0, end=1.4)
    script.until(3.5)
    script.starts(3.6)
    script.interim("at nine", 4.0, start=3.6, end=3.9)
    script.stops(4.0)
    script.new()
    script.final("to Rome at nine", 4.3, start=1.0, end=4.0, answers=script.state.requests)
    script.until(4.4)
    assert closed(script) == ["closed 1: to Rome at nine"]


def test_rule_16_the_final_of_words_that_the_vad_did_not_see_is_asked_for_at_the_close() -> None:
    script = Script()
    script.interim("hello there", 1.5, start=1.0, end=1.4)
    script.until(3.5)
    assert script.new() == [
        "opened 1",
        "finalize 1",
        "closed 1: hello there",
        "reply 1 to 1",
        "play 1",
        "-> processing",
    ]


def test_rule_16_a_word_that_is_being_said_at_the_close_begins_the_next_turn() -> None:
    script = Script(TurnPolicy(transcript_deadline=0.4))
    script.interim("one", 1.5, start=1.0, end=1.4)
    script.until(1.85)
    script.final("one", 1.9, start=1.0, end=1.4, answers=1)
    script.plays(1, 2.0)
    script.ends(1, 2.1)
    script.new()
    script.interim("two", 2.2, start=1.6, end=2.0)
    assert script.new()[:1] == ["opened 2"]


def test_rule_16_words_that_a_late_recognizer_repeats_open_no_turn() -> None:
    script = Script(TurnPolicy(transcript_deadline=0.4), NO_FINALIZE)
    script.interim("one", 1.5, start=1.0, end=1.4)
    script.until(1.85)
    script.plays(1, 2.0)
    script.ends(1, 2.1)
    script.new()
    script.interim("one two", 2.2, start=1.0, end=2.0)
    assert script.new() == []
