"""The engine driven by hand: each verb feeds its event, timers fire in order, and the outline tells what came."""

from __future__ import annotations

import pytest

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.events import TimerName
from beluga_voice.testing.script import Script, outline
from beluga_voice.turns import Abilities, TurnPolicy

CLOSED = ["closed 1: what time is it", "reply 1 to 1", "play 1", "stop hearing", "-> processing"]


def asked(policy: TurnPolicy | None = None) -> Script:
    script = Script(policy)
    script.asks("what time is it", 1.0, 2.0)
    return script


def heard(policy: TurnPolicy | None = None) -> Script:
    script = asked(policy)
    script.plays(1, 3.0)
    script.new()
    return script


# -- time --


def test_it_listens_at_0_and_what_led_there_is_not_told() -> None:
    script = Script()
    assert (script.now, script.new()) == (0.0, [])
    [(event, commands)] = script.steps
    assert event == ev.SessionStarted(0.0)
    assert outline(commands) == ["-> listening"]


def test_an_outline_is_told_once() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    assert script.new() == ["opened 1", "hear", "finalize 1"]
    assert script.new() == []


def test_timers_that_are_due_before_an_event_fire_first_at_their_time() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.3, answers=1)
    due = script.running()[TimerName.ENDPOINT]
    script.types("hello", due + 5.0)
    events = [event for event, _ in script.steps]
    assert ev.TimerFired(due, TimerName.ENDPOINT, due) in events
    assert events[-1] == ev.TextReceived(due + 5.0, "hello")
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_at_one_instant_the_event_comes_before_the_timer() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.3, answers=1)
    script.feed(ev.SpeechStarted(script.running()[TimerName.ENDPOINT], 2.3, 36_800))
    assert "closed 1: what time is it" not in script.new()


def test_until_fires_what_is_due_at_that_time_and_moves_on() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.3, answers=1)
    script.until(script.running()[TimerName.ENDPOINT])
    assert script.new()[-5:] == CLOSED
    script.until(2.6)
    assert script.now == 2.6
    script.until(1.0)
    assert script.now == 2.6


# -- the caller --


def test_the_vad_finds_speech_late_and_its_end_later() -> None:
    script = Script()
    script.starts(1.0, after_question=True)
    script.stops(2.0, delay=0.5)
    assert [event for event, _ in script.steps[1:]] == [
        ev.SpeechStarted(1.06, 1.0, 16_000, after_question=True),
        ev.SpeechStopped(2.5, 2.0),
    ]


def test_transcripts_are_numbered_and_classified() -> None:
    script = Script()
    script.speech(1.0, 2.0)
    script.interim("what", 2.26)
    assert script.final("what time", 2.3, start=1.0, end=2.0, answers=1, end_of_turn=True, echo=False) == 2
    events = [event for event, _ in script.steps if isinstance(event, ev.TranscriptReceived)]
    assert [(e.transcript, e.text, e.final, e.start, e.end, e.answers, e.end_of_turn) for e in events] == [
        (1, "what", False, None, None, None, None),
        (2, "what time", True, 1.0, 2.0, 1, True),
    ]
    assert Script().final("yeah", 1.0) == 1


def test_a_question_is_asked_answered_and_closed_in_one_verb() -> None:
    assert asked().new()[-5:] == CLOSED


def test_written_words_are_a_turn_at_once() -> None:
    script = Script()
    script.types("hello", 1.0)
    assert "closed 1: hello" in script.new()


def test_keys_gather_until_the_hash() -> None:
    script = Script(TurnPolicy(dtmf="turns"))
    script.presses("12", 1.0)
    assert not any(line.startswith("keys") for line in script.new())
    script.presses("3#", 1.5)
    assert "keys: 123" in script.new()


def test_a_prediction_answers_the_latest_question_and_there_must_be_one() -> None:
    script = Script(abilities=Abilities(detects_turns=True))
    with pytest.raises(AssertionError, match="no turn is open"):
        script.predicts(0.9, 0.5)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.26, answers=1)
    assert script.new()[-1] == "predict 2: what time is it"
    script.predicts(0.9, 2.3)
    assert script.steps[-1][0] == ev.TurnPredicted(2.3, 2, 0.9)


# -- the agent --


def test_a_say_is_numbered_downwards_from_minus_1_and_is_prepared() -> None:
    script = Script()
    assert script.say(1.0) == -1
    assert script.say(1.1, priority=1) == -2
    assert "prepare -1" in script.new()


def test_a_reply_that_is_not_finished_awaits_text_and_may_starve() -> None:
    script = asked()
    script.plays(1, 3.0, finished=False)
    assert script.new()[-1] == "-> speaking"
    assert script.steps[-2][0] == ev.TextAwaited(3.0, 1)
    script.starves(1, 4.0)
    assert script.steps[-1][0] == ev.PlayoutStarved(4.0, 1)


def test_a_reply_that_was_heard_to_its_end_is_told_so() -> None:
    script = heard()
    script.ends(1, 4.0)
    assert "end 1 played" in script.new()


def test_a_stop_ends_the_session_or_drains_it_first() -> None:
    script = heard()
    script.stop(3.5, drain=True)
    assert "end session: stopped" not in script.new()
    script.ends(1, 4.0)
    assert "end session: stopped" in script.new()
    cut = heard()
    cut.stop(3.5)
    assert "end session: stopped" in cut.new()


# -- the outline --


def test_speech_over_a_reply_is_told_until_it_is_decided() -> None:
    script = heard()
    script.starts(4.0)
    script.until(4.1)
    assert "pause 1" in script.new()
    script.interim("stop", 4.3)
    told = script.new()
    assert any(line.startswith("barge-in 1: ") for line in told)
    assert any(line.startswith("end 1 cut: ") for line in told)


TOLD = [
    (do.Announce(ev.TurnClosed(1.0, 1, "a", (), 0.9, limit=True)), "closed 1: a (limit)"),
    (do.Announce(ev.TurnDropped(1.0, 1, "no words")), "dropped 1: no words"),
    (do.Announce(ev.TurnCommitted(1.0, 1, "a", ())), "committed 1: a"),
    (do.Announce(ev.BackchannelHeard(1.0, 2, "mhm")), "backchannel 2"),
    (do.Announce(ev.TranscriptDropped(1.0, 2, "a", "late")), "unused 2: late"),
    (do.Announce(ev.ReplyKept(1.0, 1, 3)), "keep 3"),
    (do.Announce(ev.UtteranceResumed(1.0, 3, "a backchannel")), "resume 3: a backchannel"),
    (do.Duck(3), "duck 3"),
    (do.StartReply(1, 3, "a", preemptive=True), "reply 3 to 1 (preemptive)"),
]


@pytest.mark.parametrize(("command", "line"), TOLD)
def test_a_command_is_told_in_a_line(command: do.Command, line: str) -> None:
    assert outline([command]) == [line]


def test_timers_and_what_another_line_tells_are_left_out() -> None:
    silent = [do.Announce(ev.UtterancePaused(1.0, 1)), do.Pause(1), do.Announce(ev.ReplyStarted(1.0, 1, 2))]
    assert outline(silent) == ["pause 1"]
