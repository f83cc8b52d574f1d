"""Conversations as scripts: what happens, when, and what is decided. Each names its rule."""

from __future__ import annotations

import pytest

from beluga_voice import events as ev
from beluga_voice.events import WhileCallerSpeaks
from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy

DETECTS = Abilities(detects_turns=True)
NO_FINALIZE = Abilities(finalizes=False)
CLOSES_1 = ["closed 1: what time is it", "reply 1 to 1", "play 1", "stop hearing", "-> processing"]


def asked(abilities: Abilities | None = None, policy: TurnPolicy | None = None) -> Script:
    """The caller has asked from 1.0 to 2.0; the turn has closed at 2.35; its reply is utterance 1."""
    script = Script(policy, abilities)
    script.asks("what time is it", 1.0, 2.0)
    return script


def answering(*, finished: bool = True, policy: TurnPolicy | None = None) -> Script:
    """The reply is heard from 3.0 on."""
    script = asked(policy=policy)
    script.plays(1, 3.0, finished=finished)
    script.new()
    return script


def announcing(*, interruptible: bool = True) -> Script:
    """A `say`, utterance 1, is heard from 1.0 on; the caller has not spoken."""
    script = Script()
    script.say(1.0, interruptible=interruptible)
    script.plays(-1, 1.0)
    script.new()
    return script


# -- rules 1 to 3: the turn --


def test_rule_1_to_3_a_question_is_answered_after_the_short_delay() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    assert script.new() == ["opened 1", "hear", "finalize 1"]
    script.final("what time is it", 2.3, answers=1)
    script.until(2.349)
    assert script.new() == []
    script.until(2.35)
    assert script.new() == CLOSES_1


def test_rule_1_words_that_the_vad_did_not_see_open_a_turn_that_ends_with_its_last_word() -> None:
    script = Script()
    script.final("hello there", 2.2, start=1.0, end=2.0)
    assert script.new() == ["opened 1"]
    script.until(2.36)
    assert script.new() == ["closed 1: hello there", "reply 1 to 1", "play 1", "-> processing"]


def test_rule_1_words_without_times_that_the_vad_did_not_see_end_as_they_arrive() -> None:
    script = Script()
    script.interim("hello", 2.0)
    script.final("hello there", 2.2)
    script.until(2.54)
    assert script.new() == ["opened 1"]
    script.until(2.551)
    assert "closed 1: hello there" in script.new()


def test_rule_1_words_that_only_tell_their_end_count_from_there() -> None:
    script = Script()
    script.final("hello", 2.2, end=2.0)
    script.until(2.35)
    assert "closed 1: hello" in script.new()


def test_rule_2_a_pause_does_not_end_the_turn() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.starts(2.3)
    script.final("what", 2.4, start=1.0, end=2.0, answers=1)
    script.until(4.0)
    script.stops(4.0)
    script.final("time is it", 4.3, start=2.3, end=4.0, answers=2)
    script.until(4.35)
    assert script.new()[-5:] == CLOSES_1
    assert script.state.past is not None
    assert script.state.past.transcripts == (1, 2)


def test_rule_2_what_seems_incomplete_waits_for_the_long_delay() -> None:
    script = Script(abilities=DETECTS)
    script.speech(1.0, 2.0)
    script.final("what time", 2.26, answers=1)
    assert script.new() == ["opened 1", "hear", "finalize 1", "predict 2: what time"]
    script.predicts(0.49, 2.3)
    script.until(4.49)
    assert script.new() == []
    script.until(4.5)
    assert "closed 1: what time" in script.new()


def test_rule_2_what_seems_complete_waits_for_the_short_delay() -> None:
    script = Script(abilities=DETECTS)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.26, answers=1)
    script.predicts(0.5, 2.3)
    script.new()
    script.until(2.35)
    assert script.new() == CLOSES_1


def test_rule_2_a_turn_detector_that_fails_leaves_the_short_delay() -> None:
    script = Script(abilities=DETECTS)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.26, answers=1)
    script.predicts(None, 2.6)
    assert script.new()[-5:] == CLOSES_1


def test_rule_2_a_turn_detector_that_does_not_answer_leaves_the_long_delay() -> None:
    script = Script(abilities=DETECTS)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.26, answers=1)
    script.until(4.49)
    assert "closed 1: what time is it" not in script.new()
    script.until(4.5)
    assert "closed 1: what time is it" in script.new()


def test_rule_2_an_answer_about_older_words_chooses_nothing() -> None:
    script = Script(abilities=DETECTS)
    script.speech(1.0, 2.0)
    script.interim("what", 2.26)
    script.final("what time", 2.27, answers=1)
    script.feed(ev.TurnPredicted(2.28, 2, 0.9))
    script.until(4.4)
    assert script.new()[-1] == "predict 3: what time"


def test_rule_3_a_turn_without_words_is_dropped_as_soon_as_the_stt_has_answered() -> None:
    script = Script()
    script.speech(1.0, 1.2)
    script.final("", 1.5, answers=1)
    assert script.new() == ["opened 1", "hear", "finalize 1", "dropped 1: no words", "stop hearing"]


def test_rule_3_at_the_transcript_deadline_the_interim_words_are_the_turn() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.interim("what time is it", 1.9)
    script.until(3.99)
    assert "closed 1: what time is it" not in script.new()
    script.until(4.0)
    assert script.new() == CLOSES_1


def test_rule_3_a_slow_stt_has_its_declared_delay() -> None:
    script = Script(abilities=Abilities(stt_delay=3.0))
    script.speech(1.0, 2.0)
    script.until(5.29)
    assert "dropped 1: no words" not in script.new()
    script.until(5.3)
    assert "dropped 1: no words" in script.new()


def test_rule_3_with_words_a_turn_never_closes_before_its_delay_even_past_the_deadline() -> None:
    script = Script(TurnPolicy(endpoint_max=4), DETECTS)
    script.speech(1.0, 2.0)
    script.interim("what time", 2.3)
    script.until(5.99)
    assert "closed 1: what time" not in script.new()
    script.until(6.0)
    assert "closed 1: what time" in script.new()


def test_rule_3_an_answer_to_an_older_request_does_not_settle() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.speech(2.2, 3.0)
    script.final("what", 3.3, answers=1)
    script.until(4.9)
    assert script.new() == ["opened 1", "hear", "finalize 1", "finalize 2"]
    script.final("time is it", 4.91, answers=2)
    assert script.new() == CLOSES_1


def test_rule_3_a_final_settles_where_the_stt_cannot_be_asked() -> None:
    script = Script(abilities=NO_FINALIZE)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.3, start=1.1, end=1.95)
    script.until(2.35)
    assert script.new() == ["opened 1", "hear", *CLOSES_1]


def test_rule_3_a_final_that_comes_before_the_vad_reports_the_end_settles_too() -> None:
    script = Script(abilities=NO_FINALIZE)
    script.starts(1.0)
    script.final("what time is it", 2.2, start=1.1, end=1.95)
    script.stops(2.0)
    script.until(2.35)
    assert script.new() == ["opened 1", "hear", *CLOSES_1]


def test_rule_3_a_final_in_the_middle_of_speech_settles_nothing_after_it() -> None:
    script = Script(abilities=NO_FINALIZE)
    script.starts(1.0)
    script.final("what", 1.7, start=1.1, end=1.5)
    script.stops(3.0)
    script.until(4.9)
    assert script.new() == ["opened 1", "hear"]
    script.until(5.0)
    assert "closed 1: what" in script.new()


@pytest.mark.parametrize("text", ["", "  ", "...", "?!"])
def test_rule_3_nothing_said_makes_no_reply(text: str) -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.final(text, 2.3, answers=1)
    script.types(" ", 3.0)
    script.until(10)
    assert not [line for line in script.new() if line.startswith(("reply", "closed"))]


# -- rule 4: the caller goes on --


def test_rule_4_speech_before_the_first_sample_holds_the_reply_and_words_go_on_with_the_turn() -> None:
    script = asked()
    script.makes(1, 2.5)
    script.new()
    script.starts(2.6)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.interim("in", 2.9)
    assert script.new() == [
        "end 1 cut: the caller went on (taken back)",
        "opened 1",
        "-> listening",
    ]
    script.stops(3.2)
    script.final("in Paris", 3.5, answers=script.state.requests)
    script.until(3.551)
    assert script.new() == [
        "finalize 2",
        "closed 1: what time is it in Paris",
        "reply 2 to 1",
        "play 2",
        "stop hearing",
        "-> processing",
    ]


def test_rule_4_speech_within_the_join_window_goes_on_with_the_turn() -> None:
    script = answering()
    script.starts(3.69)
    script.until(3.8)
    script.interim("in", 3.9)
    assert script.new() == [
        "opened 2",
        "hear",
        "pause 1",
        "end 1 cut: the caller went on (taken back)",
        "opened 1",
        "-> listening",
    ]


def test_rule_4_after_the_join_window_speech_is_a_turn_of_its_own() -> None:
    script = answering()
    script.starts(3.7)
    script.interim("in", 3.9)
    script.stops(4.0)
    script.final("in Paris", 4.26, answers=2)
    script.until(4.35)
    assert script.new() == [
        "opened 2",
        "hear",
        "pause 1",
        "finalize 2",
        "barge-in 1: words at the close",
        "end 1 cut: barge-in: words at the close",
        "closed 2: in Paris",
        "reply 2 to 2",
        "play 2",
        "stop hearing",
        "-> processing",
    ]


def test_rule_4_without_words_the_held_reply_goes_on() -> None:
    script = asked()
    script.speech(2.5, 2.6)
    script.new()
    script.final("", 2.9, answers=2)
    assert script.new() == ["dropped 2: no words", "resume 1: no words", "stop hearing"]


def test_rule_4_words_that_come_after_the_held_reply_went_on_unheard_still_join() -> None:
    script = asked()
    script.speech(2.5, 2.6)
    script.until(3.6)
    assert script.new()[-3:] == ["dropped 2: no words", "resume 1: no words", "stop hearing"]
    script.final("in Paris", 3.7, start=2.5, end=2.6, answers=2)
    assert "closed 1: what time is it in Paris" in script.new()


def test_rule_4_interim_words_of_the_first_part_are_replaced_in_their_place() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.interim("what dime is it", 1.9)
    script.until(4.0)
    script.starts(4.1)
    script.interim("in", 4.3)
    late = script.final("what time is it", 4.4, start=1.0, end=2.0, answers=1)
    script.stops(4.8)
    last = script.final("in Paris", 5.1, start=4.1, end=4.8, answers=2)
    script.until(5.15)
    assert "closed 1: what time is it in Paris" in script.new()
    assert script.state.past is not None
    assert script.state.past.transcripts == (late, last)


def test_rule_4_a_say_is_never_joined() -> None:
    script = announcing()
    script.starts(1.2)
    script.interim("hello", 1.5)
    assert script.new() == ["opened 1", "hear", "pause -1"]


# -- rule 5: late finals --


def interim_turn() -> Script:
    """The turn was closed at 4.0 with interim words, and its reply, utterance 1, is being prepared."""
    script = Script()
    script.speech(1.0, 2.0)
    script.interim("what dime is it", 1.9)
    script.until(4.0)
    script.new()
    return script


def test_rule_5_a_late_final_replaces_the_interim_words_and_the_reply_is_made_anew() -> None:
    script = interim_turn()
    script.final("what time is it", 4.2, start=1.0, end=2.0, answers=1)
    assert script.new() == [
        "end 1 cut: the words were corrected (taken back)",
        "closed 1: what time is it",
        "reply 2 to 1",
        "play 2",
    ]


def test_rule_5_a_late_final_without_times_does_so_too() -> None:
    script = interim_turn()
    script.final("what time is it", 4.2)
    assert "closed 1: what time is it" in script.new()


def test_rule_5_a_late_final_of_the_same_words_changes_nothing() -> None:
    script = interim_turn()
    script.final("what dime is it", 4.2, start=1.0, end=2.0, answers=1)
    assert script.new() == ["committed 1: what dime is it"]


def test_rule_5_a_late_final_is_dropped_once_the_reply_is_heard() -> None:
    script = interim_turn()
    script.plays(1, 4.1)
    script.new()
    script.final("what time is it", 4.2, start=1.0, end=2.0, answers=1)
    assert script.new() == ["unused 2: late"]


def test_rule_5_a_late_final_is_written_down_where_nobody_answers() -> None:
    script = Script(abilities=Abilities(replies=False))
    script.speech(1.0, 2.0)
    script.interim("what dime is it", 1.9)
    script.until(4.0)
    script.new()
    script.final("what time is it", 4.2, start=1.0, end=2.0, answers=1)
    assert script.new() == ["closed 1: what time is it"]


def test_rule_5_a_held_reply_is_made_anew_and_stays_held() -> None:
    script = interim_turn()
    script.starts(4.1)
    script.new()
    script.final("what time is it", 4.2, start=1.0, end=2.0, answers=1)
    assert script.new() == [
        "end 1 cut: the words were corrected (taken back)",
        "closed 1: what time is it",
        "reply 2 to 1",
    ]
    script.stops(4.3)
    script.final("", 4.6, answers=2)
    assert script.new() == ["finalize 2", "dropped 2: no words", "play 2", "stop hearing"]


def test_rule_5_a_final_after_a_close_without_words_makes_the_turn_while_the_agent_is_silent() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.until(4.0)
    assert script.new()[-2:] == ["dropped 1: no words", "stop hearing"]
    script.final("what time is it", 4.5, start=1.0, end=2.0, answers=1)
    assert script.new() == [
        "opened 2",
        "closed 2: what time is it",
        "reply 1 to 2",
        "play 1",
        "-> processing",
    ]


def test_rule_5_a_duplicate_final_is_dropped() -> None:
    script = Script(abilities=NO_FINALIZE)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.26, start=1.0, end=2.0)
    script.new()
    script.final("what time is it", 2.27, start=1.0, end=2.0)
    assert script.new() == ["unused 2: duplicate"]
    script.until(2.4)
    script.final("what time is it", 2.41, start=1.0, end=2.0)
    assert script.new() == [*CLOSES_1, "unused 3: duplicate"]


def test_rule_5_the_same_words_at_another_time_are_no_duplicate() -> None:
    script = Script(abilities=NO_FINALIZE)
    script.starts(1.0)
    script.final("no", 1.7, start=1.0, end=1.4)
    script.final("no", 2.2, start=1.5, end=2.0)
    script.stops(2.0)
    script.until(2.35)
    assert "closed 1: no no" in script.new()


def test_rule_5_words_of_speech_that_began_after_the_close_are_the_next_turn() -> None:
    script = answering()
    script.ends(1, 5.0)
    script.speech(6.0, 7.0)
    script.final("and now", 7.26, start=6.0, end=7.0)
    script.until(7.35)
    assert "closed 2: and now" in script.new()


def test_rule_5_words_of_the_open_turn_are_its_own_though_it_began_before_the_close() -> None:
    script = asked(NO_FINALIZE)
    script.starts(2.3)  # found at 2.36, when the first turn had closed
    script.plays(1, 2.37)
    script.until(2.45)
    script.stops(3.0)
    script.new()
    script.final("in Paris", 3.3, start=2.32, end=3.0)
    assert "opened 1" in script.new()


# -- rule 6: the limit --


def test_rule_6_a_turn_that_is_too_long_is_closed_and_its_reply_is_heard_over_the_speech() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and then", 10.9)
    script.until(11.0)
    assert script.new() == [
        "opened 1",
        "hear",
        "finalize 1",
        "closed 1: and then (limit)",
        "reply 1 to 1",
        "opened 2",
        "play 1",
        "-> processing",
    ]
    script.plays(1, 11.5)
    script.interim("and stop then this and that", 12.5)
    script.until(20)
    assert script.new() == ["-> speaking"]


def test_rule_6_later_words_belong_to_the_next_turn() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and then", 10.9)
    script.until(11.0)
    script.plays(1, 11.5)
    script.stops(13.0)
    script.final("this and that", 13.3, start=11.2, end=13.0, answers=2)
    script.new()
    script.ends(1, 14.0)
    assert script.new()[:4] == ["end 1 played", "closed 2: this and that", "reply 2 to 2", "play 2"]


def test_rule_6_a_word_that_is_being_said_at_the_limit_belongs_to_the_next_turn() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and then", 10.9, start=1.0, end=10.8)
    script.until(11.0)
    script.final("and then", 11.1, start=1.0, end=10.8, answers=1)
    script.interim("this and", 11.4, start=10.8, end=11.3)
    script.until(21.0)
    assert "closed 2: this and (limit)" in script.new()


def test_rule_6_words_of_the_old_turn_do_not_leak_into_the_next_while_its_final_is_owed() -> None:
    script = Script(TurnPolicy(turn_limit=10), NO_FINALIZE)
    script.starts(1.0)
    script.interim("and then", 10.9, start=1.0, end=10.8)
    script.until(11.0)
    script.interim("and then this", 11.4, start=1.0, end=11.3)
    script.until(21.0)
    assert "dropped 2: limit" in script.new()


def test_rule_6_a_turn_of_too_many_words_is_closed_while_the_caller_goes_on() -> None:
    script = Script(TurnPolicy(turn_limit_words=4))
    script.starts(1.0)
    script.interim("this and that", 2.0, start=1.0, end=1.9)
    assert script.new() == ["opened 1", "hear"]
    script.interim("this and that and", 2.2, start=1.0, end=2.1)
    assert script.new() == [
        "finalize 1",
        "closed 1: this and that and (limit)",
        "reply 1 to 1",
        "opened 2",
        "play 1",
        "-> processing",
    ]
    script.final("this and that and", 2.3, start=1.0, end=2.1, answers=1)
    script.plays(1, 2.4)
    script.interim("more of", 2.6, start=2.2, end=2.5)
    assert script.new() == ["committed 1: this and that and", "-> speaking"]


def test_rule_6_words_that_come_after_the_speech_close_the_turn_at_the_limit_too() -> None:
    script = Script(TurnPolicy(turn_limit_words=3, endpoint_min=2))
    script.speech(1.0, 2.0)
    script.new()
    script.final("this and that", 2.3, start=1.0, end=2.0, answers=1)
    assert script.new()[0] == "closed 1: this and that (limit)"


def test_rule_6_words_over_what_is_protected_are_not_limited() -> None:
    script = Script(TurnPolicy(turn_limit_words=2))
    script.say(1.0, interruptible=False)
    script.plays(-1, 1.0)
    script.starts(2.0)
    script.new()
    script.interim("this and that", 3.0)
    assert script.new() == []


def test_rule_6_the_reply_stays_shielded_when_the_words_are_corrected() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and dhen", 10.9)
    script.until(11.0)
    script.new()
    script.final("and then", 11.2, start=1.0, end=10.8)
    assert script.new()[-2:] == ["reply 2 to 1", "play 2"]
    script.plays(2, 11.5)
    script.interim("more words of this", 12.5)
    assert script.new() == ["-> speaking"]


def test_rule_6_new_speech_over_the_reply_is_judged_again() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and then", 10.9)
    script.until(11.0)
    script.plays(1, 11.5)
    script.stops(13.0)
    script.new()
    script.starts(14.0)
    script.until(14.1)
    assert script.new() == ["pause 1"]
    script.interim("stop", 14.3)
    assert script.new()[:2] == ["barge-in 1: stop word", "end 1 cut: barge-in: stop word"]


def test_rule_6_a_limit_without_words_drops_the_turn() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.until(11.0)
    assert script.new() == ["opened 1", "hear", "finalize 1", "dropped 1: limit", "opened 2"]


def test_rule_6_at_the_limit_the_final_words_so_far_are_asked_for_and_settle_the_old_turn() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and dhen this", 10.9)
    script.until(11.0)
    script.new()
    script.final("and then this", 11.3, start=1.0, end=11.0, answers=1)
    assert script.new() == [
        "end 1 cut: the words were corrected (taken back)",
        "closed 1: and then this",
        "reply 2 to 1",
        "play 2",
    ]


def test_rule_6_the_answer_at_the_limit_does_not_settle_the_speech_that_goes_on() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and then", 10.9)
    script.stops(12.0)
    script.final("and then", 12.3, start=1.0, end=11.0, answers=1)
    assert script.state.turn is not None
    assert not script.state.turn.settled
    script.final("that", 12.4, start=11.1, end=12.0, answers=2)
    assert script.state.turn.settled


def test_rule_6_words_that_the_stt_only_gives_when_asked_at_the_limit_begin_the_next_turn() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.until(11.0)
    script.final("and then this", 11.3, start=1.0, end=11.0, answers=1)
    script.stops(12.0)
    script.final("and that", 12.3, start=11.1, end=12.0, answers=2)
    script.until(12.4)
    assert "closed 2: and then this and that" in script.new()


def test_rule_6_a_pause_at_the_limit_was_asked_about_already() -> None:
    script = Script(TurnPolicy(turn_limit=10))
    script.starts(1.0)
    script.interim("and then", 10.0)
    script.stops(10.7)
    script.until(11.0)
    assert [line for line in script.new() if line.startswith("finalize")] == ["finalize 1"]


def test_rule_6_a_stt_that_does_not_answer_is_not_asked() -> None:
    script = Script(TurnPolicy(turn_limit=10), NO_FINALIZE)
    script.starts(1.0)
    script.interim("and then", 10.9)
    script.until(11.0)
    assert not [line for line in script.new() if line.startswith("finalize")]


# -- rule 8: deadlines of agent and TTS --


def test_rule_8_an_agent_without_text_fails_its_reply() -> None:
    script = asked()
    script.until(12.34)
    script.new()
    script.until(12.35)
    assert script.new() == ["end 1 failed: the agent gave no text for 10 s", "-> listening"]


def test_rule_8_a_tts_without_audio_fails_the_utterance() -> None:
    script = asked()
    script.feed(ev.AudioAwaited(3.0, 1))
    script.new()
    script.until(13.0)
    assert script.new() == ["end 1 failed: the TTS gave no audio for 10 s", "-> listening"]


def test_rule_8_a_stalled_playout_fails_the_utterance() -> None:
    script = answering(finished=False)
    script.feed(ev.AudioAwaited(3.5, 1))
    script.starves(1, 4.0)
    script.until(8.99)
    script.new()
    script.until(9.0)
    assert script.new() == ["end 1 failed: the audio stalled for 5 s", "-> listening"]


def test_rule_8_a_playout_that_never_begins_fails_the_utterance() -> None:
    script = asked()
    script.makes(1, 3.0)
    script.new()
    script.until(8.0)
    assert script.new() == ["end 1 failed: the audio stalled for 5 s", "-> listening"]


def test_rule_8_an_error_of_the_agent_fails_its_reply() -> None:
    script = answering()
    script.feed(ev.UtteranceFailed(3.5, 1, "no more credit"))
    assert script.new() == ["end 1 failed: no more credit", "-> listening"]


@pytest.mark.parametrize(
    ("words", "decided"),
    [
        (None, ["resume -1: undecided"]),
        ("no wait", ["barge-in -1: stop word", "end -1 cut: barge-in: stop word", "-> listening"]),
    ],
)
def test_rule_8_a_reply_that_fails_leaves_what_its_speech_paused_to_be_decided(
    words: str | None, decided: list[str]
) -> None:
    script = Script()
    script.starts(1.0)
    script.say(1.5)
    script.stops(2.0)
    script.final("what time is it", 2.27, start=1.0, end=2.0, answers=1)
    script.until(2.35)
    script.plays(-1, 2.5)  # the say, before the reply
    script.starts(3.0)
    script.until(3.4)
    script.new()
    script.feed(ev.UtteranceFailed(3.5, 1, "no more credit"))
    assert script.new() == ["end 1 failed: no more credit"]
    if words is not None:
        script.final(words, 4.0, start=3.0, end=3.9)
    script.until(20)
    assert script.new()[: len(decided)] == decided


def test_rule_8_the_clocks_stand_still_while_the_reply_is_held() -> None:
    script = asked()
    script.starts(3.35)  # one second of ten has passed
    script.until(3.4)
    script.stops(5.35)
    script.final("", 5.6, answers=2)  # goes on after 2.19 s
    assert script.running()[ev.TimerName.FIRST_TEXT] == pytest.approx(12.35 + 2.19)


def test_rule_8_the_clock_of_a_silent_reply_stands_still_while_it_is_paused() -> None:
    script = answering(finished=False)
    script.starves(1, 5.0)
    script.speech(6.0, 6.2)
    script.final("", 7.06, answers=2)
    assert script.running()[ev.TimerName.FIRST_TEXT] == pytest.approx(15.0 + 1.0)


def test_rule_8_the_clocks_of_a_reply_held_behind_a_say_stand_still() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.say(2.3, interruptible=False)
    script.final("what time is it", 2.31, answers=1)
    script.until(2.35)
    script.plays(-1, 2.5)
    script.starts(3.0)
    script.ends(-1, 4.0)
    script.new()
    assert ev.TimerName.FIRST_TEXT not in script.running()
    script.stops(5.0)
    script.final("", 5.5, answers=2)
    assert script.running()[ev.TimerName.FIRST_TEXT] == pytest.approx(12.35 + 1.5)


# -- rule 10: say --


def test_rule_10_says_play_by_priority_then_in_order_and_one_is_prepared_ahead() -> None:
    script = Script()
    for priority in (0, 0, 1):
        script.say(1.0, priority=priority)
    assert script.new() == ["play -1", "prepare -1", "prepare -2", "prepare -3"]
    script.plays(-1, 1.1)
    script.ends(-1, 2.0)
    script.plays(-3, 2.0)
    script.ends(-3, 3.0)
    assert [line for line in script.new() if "play" in line] == [
        "end -1 played",
        "play -3",
        "end -3 played",
        "play -2",
    ]


def test_rule_10_only_one_is_prepared_ahead() -> None:
    script = Script()
    for _ in range(3):
        script.say(1.0)
    assert script.new() == ["play -1", "prepare -1", "prepare -2"]


def test_rule_10_a_say_while_the_caller_speaks_waits_and_plays_before_the_reply() -> None:
    script = Script()
    script.starts(1.0)
    script.say(1.5)
    assert script.new() == ["opened 1", "hear", "prepare -1"]
    script.stops(2.0)
    script.final("what time is it", 2.3, answers=1)
    script.until(2.35)
    assert script.new() == [
        "finalize 1",
        "closed 1: what time is it",
        "reply 1 to 1",
        "play -1",
        "stop hearing",
        "-> processing",
    ]
    script.plays(-1, 2.4)
    script.ends(-1, 3.0)
    assert script.new() == ["-> speaking", "end -1 played", "play 1", "-> processing"]


def test_rule_10_a_say_that_speaks_is_not_paused_by_the_speech_that_was_going_on() -> None:
    script = Script()
    script.starts(1.0)
    script.say(1.5, while_caller_speaks=WhileCallerSpeaks.SPEAK)
    script.plays(-1, 1.6)
    script.interim("this and that and stop", 3.0)
    assert script.new() == ["opened 1", "hear", "play -1", "prepare -1", "-> speaking"]


def test_rule_10_a_say_that_speaks_overtakes_one_that_waits() -> None:
    script = Script()
    script.starts(1.0)
    script.say(1.4)
    script.say(1.5, while_caller_speaks=WhileCallerSpeaks.SPEAK)
    assert script.new()[-2:] == ["play -2", "prepare -2"]


def test_rule_10_the_turn_closes_beside_a_say_that_speaks() -> None:
    script = Script()
    script.starts(1.0)
    script.say(1.5, while_caller_speaks=WhileCallerSpeaks.SPEAK)
    script.plays(-1, 1.6)
    script.stops(2.0)
    script.final("what time is it", 2.3, answers=1)
    script.new()
    script.until(2.35)
    assert script.new() == ["closed 1: what time is it", "reply 1 to 1", "stop hearing"]


@pytest.mark.parametrize("protected", [False, True])
def test_rule_10_a_say_that_would_rather_be_dropped_is_dropped(protected: bool) -> None:
    script = announcing(interruptible=False) if protected else Script()
    script.starts(2.0)
    script.new()
    number = script.say(2.5, while_caller_speaks=WhileCallerSpeaks.DROP)
    assert script.new() == [f"end {number} cut: the caller is speaking"]


def test_rule_10_a_committed_barge_in_cuts_queued_says_but_not_protected_ones() -> None:
    script = announcing()
    script.say(1.1)
    script.say(1.2, interruptible=False)
    script.new()
    script.starts(2.0)
    script.interim("stop", 2.3)
    assert script.new() == [
        "opened 1",
        "hear",
        "pause -1",
        "barge-in -1: stop word",
        "end -1 cut: barge-in: stop word",
        "end -2 cut: barge-in: stop word",
        "prepare -3",
        "-> listening",
    ]


def test_rule_10_a_say_asked_for_during_the_barge_in_is_not_cut_by_it() -> None:
    script = announcing()
    script.starts(2.0)
    script.say(2.1)
    script.new()
    script.interim("stop", 2.3)
    assert "end -2 cut: barge-in: stop word" not in script.new()


def test_rule_10_a_handle_that_is_cancelled_ends_wherever_its_utterance_is() -> None:
    script = announcing()
    script.say(1.1)
    script.new()
    script.feed(ev.CutRequested(1.2, -2))
    script.feed(ev.CutRequested(1.3, -1))
    script.feed(ev.CutRequested(1.4, -1))
    assert script.new() == ["end -2 cut: cancelled", "end -1 cut: cancelled", "-> listening"]


def test_rule_10_a_number_that_is_taken_makes_no_second_utterance() -> None:
    script = announcing()
    script.feed(ev.SayRequested(2.4, -1))
    assert script.new() == []


# -- rule 11: protected --


def test_rule_11_a_protected_say_is_not_cut_by_a_stop_word_and_what_was_said_is_the_next_turn() -> None:
    script = announcing(interruptible=False)
    script.speech(2.0, 3.0)
    script.final("stop stop stop", 3.3, start=2.0, end=3.0, answers=1)
    script.until(9.0)
    assert script.new() == ["opened 1", "hear", "finalize 1"]
    script.ends(-1, 9.0)
    assert script.new() == [
        "end -1 played",
        "closed 1: stop stop stop",
        "reply 1 to 1",
        "play 1",
        "stop hearing",
        "-> processing",
    ]


def test_rule_11_replies_are_protected_where_no_interruption_is_allowed() -> None:
    script = answering(policy=TurnPolicy(allow_interruptions=False))
    script.speech(5.0, 6.0)
    script.final("stop stop stop", 6.3, start=5.0, end=6.0, answers=script.state.requests)
    script.until(9.0)
    assert not [line for line in script.new() if line.startswith(("pause", "barge-in", "end"))]
    script.ends(1, 9.0)
    told = script.new()
    assert told[0] == "end 1 played"
    assert "closed 2: stop stop stop" in told


def test_rule_11_a_backchannel_over_a_protected_say_stays_one() -> None:
    script = announcing(interruptible=False)
    script.speech(2.0, 2.3)
    script.final("mhm", 2.6, answers=1)
    script.new()
    script.ends(-1, 5.0)
    assert script.new() == [
        "end -1 played",
        "backchannel 1",
        "dropped 1: backchannel",
        "stop hearing",
        "-> listening",
    ]


# -- rules 12 to 15: barge-in --


def test_rule_12_speech_pauses_after_a_tenth_of_a_second() -> None:
    script = answering()
    script.starts(4.0)
    script.until(4.099)
    assert script.new() == ["opened 2", "hear"]
    script.until(4.1)
    assert script.new() == ["pause 1"]


def test_rule_12_speech_over_a_silent_reply_pauses_it_at_once() -> None:
    script = answering(finished=False)
    script.starves(1, 4.0)
    script.new()
    script.starts(5.0)
    assert script.new() == ["opened 2", "hear", "pause 1"]


def test_rule_13_a_stop_word_cuts_at_once() -> None:
    script = answering()
    script.starts(4.0)
    script.new()
    script.interim("stop", 4.2)
    assert script.new() == [
        "pause 1",
        "barge-in 1: stop word",
        "end 1 cut: barge-in: stop word",
        "-> listening",
    ]


def test_rule_13_three_words_and_half_a_second_cut_at_once() -> None:
    script = answering()
    script.starts(4.0)
    script.interim("what about that", 4.4)
    script.until(4.499)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.until(4.5)
    assert script.new()[:2] == ["barge-in 1: words", "end 1 cut: barge-in: words"]


def test_rule_13_two_words_do_not() -> None:
    script = answering()
    script.starts(4.0)
    script.interim("what about", 4.4)
    script.until(6.9)
    assert script.new() == ["opened 2", "hear", "pause 1"]


def test_rule_13_either_is_enough_where_the_policy_says_so() -> None:
    script = answering(policy=TurnPolicy(barge_in_needs="any"))
    script.starts(4.0)
    script.interim("what", 4.3)
    script.until(4.499)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.until(4.5)
    assert script.new()[0] == "barge-in 1: words"


def test_rule_13_duration_alone_is_not_enough() -> None:
    script = answering(policy=TurnPolicy(barge_in_needs="any"))
    script.starts(4.0)
    script.interim("mhm", 4.3)
    script.until(6.9)
    assert script.new() == ["opened 2", "hear", "pause 1"]


def test_rule_13_words_and_seconds_are_summed_over_the_turn() -> None:
    script = answering()
    script.speech(4.0, 4.3)
    script.final("what about", 4.56, answers=2)
    script.starts(4.57)
    script.interim("that", 4.7)
    script.until(4.769)
    assert "barge-in 1: words" not in script.new()
    script.until(4.771)
    assert script.new()[0] == "barge-in 1: words"


def test_rule_13_a_backchannel_resumes_at_once_and_makes_no_turn() -> None:
    script = answering()
    script.speech(4.0, 4.3)
    script.new()
    script.final("mhm", 4.56, answers=2)
    assert script.new() == [
        "backchannel 2",
        "dropped 2: backchannel",
        "resume 1: backchannel",
        "stop hearing",
    ]


def test_rule_13_a_backchannel_is_not_decided_while_the_caller_still_speaks() -> None:
    script = answering()
    script.starts(4.0)
    script.final("okay", 4.4, start=4.0, end=4.3)
    script.until(4.5)
    assert script.new() == ["opened 2", "hear", "pause 1"]


def test_rule_13_a_backchannel_after_a_question_is_an_answer() -> None:
    script = answering()
    script.speech(4.0, 4.3, after_question=True)
    script.final("yeah", 4.56, answers=2, after_question=True)
    script.until(4.65)
    assert script.new()[-5:-2] == ["closed 2: yeah", "reply 2 to 2", "play 2"]


def test_rule_13_a_backchannel_is_a_turn_while_the_agent_is_silent() -> None:
    script = Script()
    script.speech(1.0, 1.3)
    script.final("yeah", 1.56, answers=1)
    script.until(1.65)
    assert "closed 1: yeah" in script.new()


def test_rule_13_a_backchannel_while_a_reply_is_prepared_stays_one() -> None:
    script = asked()
    script.speech(2.6, 2.8)
    script.new()
    script.final("okay", 3.06, answers=2)
    assert script.new()[:3] == ["backchannel 2", "dropped 2: backchannel", "resume 1: backchannel"]


def test_rule_13_no_words_resume_as_soon_as_the_stt_says_so() -> None:
    script = answering()
    script.speech(4.0, 4.3)
    script.new()
    script.final("", 4.6, answers=2)
    assert script.new() == ["dropped 2: no words", "resume 1: no words", "stop hearing"]


def test_rule_13_no_words_resume_after_a_second_where_the_stt_says_nothing() -> None:
    script = answering()
    script.speech(4.0, 4.3)
    script.until(5.299)
    assert script.new() == ["opened 2", "hear", "pause 1", "finalize 2"]
    script.until(5.3)
    assert script.new() == ["dropped 2: no words", "resume 1: no words", "stop hearing"]


def test_rule_13_speech_without_a_word_resumes_after_three_seconds_and_pauses_nothing_more() -> None:
    script = answering()
    script.starts(4.0)
    script.until(6.999)
    assert script.new() == ["opened 2", "hear", "pause 1"]
    script.until(7.0)
    assert script.new() == ["resume 1: undecided"]
    script.until(30.0)
    assert script.new() == []


def test_rule_13_new_speech_after_that_has_three_seconds_of_its_own() -> None:
    script = answering()
    script.starts(4.0)
    script.until(8.0)
    script.stops(8.0)
    script.starts(8.3)
    script.until(8.4)
    script.new()
    script.until(11.299)
    assert script.new() == []
    script.until(11.3)
    assert script.new() == ["resume 1: undecided"]


def test_rule_13_words_over_speech_that_was_given_up_are_judged_and_too_few_are_late() -> None:
    script = answering()
    script.starts(4.0)
    script.until(7.5)
    script.stops(7.5)
    script.new()
    script.final("what", 7.8, answers=2)
    script.until(7.85)
    assert script.new() == ["unused 2: late", "dropped 2: late", "stop hearing"]


def test_rule_13_words_after_a_resume_are_judged_as_if_spoken_now() -> None:
    script = answering()
    script.speech(4.0, 4.6)
    script.until(5.6)
    script.new()
    script.final("what about that", 5.7, start=4.0, end=4.6, answers=2)
    assert script.new()[:4] == [
        "opened 3",
        "barge-in 1: late words",
        "end 1 cut: barge-in: late words",
        "closed 3: what about that",
    ]


@pytest.mark.parametrize("start", [3.6, 4.0], ids=["join window", "barge-in"])
def test_rule_13_too_few_words_after_a_resume_are_dropped_as_late(start: float) -> None:
    script = answering()
    script.speech(start, start + 0.3)
    script.until(start + 1.4)
    script.new()
    script.final("what about", start + 1.5, start=start, end=start + 0.3, answers=2)
    assert script.new() == ["unused 2: late"]


def test_rule_14_what_was_typed_cuts_the_reply_and_is_answered_at_once() -> None:
    script = answering()
    script.types("never mind", 4.0)
    assert script.new() == [
        "end 1 cut: text",
        "opened 2",
        "closed 2: never mind",
        "reply 2 to 2",
        "play 2",
        "-> processing",
    ]


def test_rule_14_what_was_typed_does_not_cut_what_is_protected() -> None:
    script = announcing(interruptible=False)
    script.types("never mind", 2.0)
    assert script.new() == ["opened 1", "closed 1: never mind", "reply 1 to 1"]


def test_rule_14_what_was_typed_while_speaking_is_answered_with_what_was_said() -> None:
    script = Script()
    script.starts(1.0)
    script.interim("I fly do", 1.8)
    script.types("Paris", 2.0)
    assert script.new()[2:5] == ["finalize 1", "closed 1: I fly do Paris", "reply 1 to 1"]
    script.final("I fly to", 2.3, start=1.0, end=1.9)
    assert "closed 1: I fly to Paris" in script.new()


def test_rule_16_what_was_said_before_something_typed_is_no_part_of_the_next_turn() -> None:
    script = Script()
    script.starts(1.0)
    script.interim("I fly to", 1.8)
    script.types("Paris", 2.0)
    script.plays(1, 2.1)
    script.new()
    script.final("I fly to", 2.3, answers=1)
    assert script.new() == ["unused 2: late"]


def test_rule_16_speech_without_words_when_something_is_typed_is_the_next_turn() -> None:
    script = Script()
    script.starts(1.0)
    script.types("Paris", 2.0)
    script.plays(1, 2.1)
    script.stops(3.0)
    script.new()
    script.final("and how long does it take", 3.3, start=1.0, end=3.0, answers=1)
    script.ends(1, 3.35)
    assert "closed 2: and how long does it take" in script.new()


def test_rule_15_speech_that_ended_before_the_first_sample_is_no_barge_in() -> None:
    script = asked()
    script.speech(2.5, 3.0)
    script.final("okay then go on", 3.3, answers=2)
    script.until(3.4)
    assert not [line for line in script.new() if line.startswith("barge-in")]


def test_rule_16_words_that_were_dropped_do_not_leak_into_the_next_turn() -> None:
    script = answering()
    script.speech(4.0, 4.3)
    script.final("mhm", 4.56, answers=2)
    script.ends(1, 6.0)
    script.asks("and tomorrow", 7.0, 8.0)
    assert "closed 3: and tomorrow" in script.new()


# -- rule 18 and 19: states --


def test_rule_18_a_reply_that_is_silent_between_its_parts_is_processing() -> None:
    script = answering(finished=False)
    script.starves(1, 4.0)
    script.feed(ev.PlayoutContinued(4.5, 1))
    assert script.new() == ["-> processing", "-> speaking"]


def test_rule_18_a_silent_reply_that_turns_out_to_be_over_does_not_speak_again() -> None:
    script = answering(finished=False)
    script.starves(1, 4.0)
    script.feed(ev.SynthesisFinished(4.5, 1))
    script.ends(1, 4.5)
    assert script.new() == ["-> processing", "end 1 played", "-> listening"]


def test_rule_18_utterances_back_to_back_stay_speaking() -> None:
    script = announcing()
    script.say(1.1)
    script.makes(-2, 1.2)
    script.new()
    script.ends(-1, 2.0)
    script.feed(ev.PlayoutStarted(2.02, -2))
    assert script.new() == ["end -1 played", "play -2"]


def test_rule_18_away_after_silence_and_back_by_way_of_listening() -> None:
    script = announcing()
    script.ends(-1, 2.0)
    script.new()
    script.until(31.999)
    assert script.new() == []
    script.until(32.0)
    assert script.new() == ["-> away"]
    script.types("hello", 40.0)
    assert script.new()[-2:] == ["-> listening", "-> processing"]


def test_rule_18_noise_does_not_bring_back_who_is_away() -> None:
    script = Script()
    script.until(30.0)
    script.new()
    script.speech(40.0, 40.2)
    script.final("", 40.5, answers=1)
    assert not [line for line in script.new() if line.startswith("->")]


def test_rule_18_after_a_say_to_who_is_away_silence_is_counted_anew() -> None:
    script = Script()
    script.until(30.0)
    script.say(31.0)
    script.plays(-1, 31.5)
    script.ends(-1, 33.0)
    script.until(62.9)
    assert script.new() == [
        "-> away",
        "play -1",
        "prepare -1",
        "-> listening",
        "-> speaking",
        "end -1 played",
        "-> listening",
    ]
    script.until(63.0)
    assert script.new() == ["-> away"]


def test_rule_18_who_went_away_before_a_say_was_heard_is_back_after_it() -> None:
    script = Script(TurnPolicy(away_after=5))
    script.say(1.0)
    script.plays(-1, 6.0)
    script.ends(-1, 7.0)
    assert script.new()[2:] == ["-> away", "-> listening", "-> speaking", "end -1 played", "-> listening"]


def test_rule_18_words_that_the_vad_did_not_see_are_sound_of_the_caller() -> None:
    script = Script(abilities=Abilities(replies=False))
    script.final("hello", 20.2, start=19.0, end=20.0)
    script.until(49.9)
    assert "-> away" not in script.new()


def test_rule_19_a_session_in_which_nothing_happens_ends() -> None:
    script = Script()
    script.until(1799)
    assert script.new() == ["-> away"]
    script.until(1800)
    assert script.new() == ["-> ended", "end session: timeout"]


# -- rule 20: the end --


def test_rule_20_a_stop_cuts_everything_and_keeps_the_words_of_the_open_turn() -> None:
    script = answering()
    script.say(3.5)
    script.say(3.6, interruptible=False)
    script.starts(4.0)
    script.final("one more", 4.6, start=4.0, end=4.5)
    script.new()
    script.stop(5.0)
    assert script.new() == [
        "committed 2: one more",
        "end 1 cut: the session was stopped",
        "end -1 cut: the session was stopped",
        "end -2 cut: the session was stopped",
        "stop hearing",
        "-> ended",
        "end session: stopped",
    ]
    assert script.running() == {}


def test_rule_20_a_drained_session_plays_out_what_plays_and_what_is_protected() -> None:
    script = answering()
    script.say(3.5)
    script.say(3.6, interruptible=False)
    script.new()
    script.stop(4.0, drain=True)
    assert script.new() == ["end -1 cut: the session was stopped", "prepare -2"]
    script.ends(1, 5.0)
    script.plays(-2, 5.1)
    script.ends(-2, 6.0)
    assert script.new()[-3:] == ["end -2 played", "-> ended", "end session: stopped"]


def test_rule_20_what_is_paused_goes_on_when_the_session_is_drained() -> None:
    script = answering()
    script.starts(4.0)
    script.until(4.2)
    script.new()
    script.stop(4.3, drain=True)
    assert script.new() == [
        "dropped 2: the session was stopped",
        "resume 1: the session is being drained",
        "stop hearing",
    ]


def test_rule_20_a_second_stop_ends_a_draining_session_at_once() -> None:
    script = answering()
    script.stop(4.0, drain=True)
    script.stop(4.1)
    assert script.new() == ["end 1 cut: the session was stopped", "-> ended", "end session: stopped"]


def test_rule_20_while_draining_the_caller_is_not_heard_and_a_say_is_refused() -> None:
    script = answering()
    script.stop(4.0, drain=True)
    script.speech(4.1, 4.5)
    number = script.final("hello", 4.6)
    script.types("hello", 4.7)
    say = script.say(4.8)
    assert script.new() == [
        f"unused {number}: the session is being stopped",
        f"end {say} cut: the session is being stopped",
    ]


def test_rule_20_a_drained_session_whose_playout_stalls_ends_all_the_same() -> None:
    script = answering(finished=False)
    script.feed(ev.AudioAwaited(3.5, 1))
    script.stop(4.0, drain=True)
    script.starves(1, 4.5)
    script.until(9.5)
    assert script.new()[-3:] == [
        "end 1 failed: the audio stalled for 5 s",
        "-> ended",
        "end session: stopped",
    ]


# -- tools --


def _answering_with_a_tool(timeout: float = 30.0) -> Script:
    """A reply whose first part was heard, and whose tool runs from 4.1 on."""
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=False)
    script.starves(1, 4.0)
    script.feed(ev.ToolStarted(4.1, 1, 1, "look_up", timeout))
    script.new()
    return script


def test_the_clock_of_a_reply_s_text_stands_still_while_its_tool_runs() -> None:
    script = _answering_with_a_tool()
    assert script.running() == {ev.TimerName.FIRST_TEXT: 44.1}
    script.until(30.0)
    script.feed(ev.ToolFinished(30.0, 1, 1, "look_up", ev.ToolOutcome.DONE))
    assert script.running() == {ev.TimerName.FIRST_TEXT: 40.0}
    script.until(40.0)
    assert script.new() == ["end 1 failed: the agent gave no text for 10 s", "-> listening"]


def test_the_clock_waits_for_the_last_of_several_tools() -> None:
    script = _answering_with_a_tool()
    script.feed(ev.ToolStarted(4.1, 1, 2, "book", 5.0))
    script.feed(ev.ToolFinished(6.0, 1, 1, "look_up", ev.ToolOutcome.DONE))
    assert script.running() == {ev.TimerName.FIRST_TEXT: 19.1}
    script.feed(ev.ToolFinished(7.0, 1, 2, "book", ev.ToolOutcome.FAILED))
    assert script.running() == {ev.TimerName.FIRST_TEXT: 17.0}


def test_a_tool_that_does_not_end_does_not_hold_its_reply_for_ever() -> None:
    script = _answering_with_a_tool(timeout=5.0)
    script.until(19.1)
    assert script.new() == ["end 1 failed: the agent gave no text for 10 s", "-> listening"]


def test_what_a_tool_says_plays_at_once_when_its_reply_is_silent_and_gives_the_air_back() -> None:
    script = _answering_with_a_tool()
    queued = script.say(4.2)
    inside = script.say(4.3, inside=1)
    assert script.new() == [f"prepare {queued}", f"play {inside}", f"prepare {inside}"]
    script.plays(inside, 4.4)
    script.ends(inside, 5.0)
    assert script.new() == ["-> speaking", f"end {inside} played", "play 1", "-> processing"]
    script.makes(1, 6.0)
    script.feed(ev.PlayoutContinued(6.0, 1))
    script.ends(1, 7.0)
    assert script.new() == ["-> speaking", "end 1 played", f"play {queued}", "-> listening"]
    assert script.state.on_air == queued


def test_what_a_tool_says_waits_for_the_audio_that_its_reply_owes() -> None:
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=False)
    script.feed(ev.ToolStarted(3.1, 1, 1, "look_up", 30.0))
    inside = script.say(3.2, inside=1)
    script.new()
    assert script.state.on_air == 1
    script.starves(1, 4.0)
    assert script.new() == [f"play {inside}", "-> processing"]


def test_what_a_tool_says_within_a_reply_that_is_over_is_queued_as_any_other() -> None:
    script = _answering_with_a_tool()
    script.types("never mind", 5.0)
    script.new()
    late = script.say(5.1, inside=1)
    assert script.new() == [f"prepare {late}"]
    assert script.state.on_air == 2


def test_what_a_tool_says_is_not_heard_over_a_caller_who_is_not_yet_judged() -> None:
    script = _answering_with_a_tool()
    script.starts(4.5)
    script.say(4.7, inside=1)
    assert script.state.paused == 1
    script.new()
    script.stops(5.0)
    script.until(6.0)
    told = script.new()
    assert told.index("resume 1: no words") < told.index("play -1")
