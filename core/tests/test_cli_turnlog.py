"""The turns of a session, gathered from its events, and what each cost in time."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.cli.turnlog import TurnLog

CLOSED = ev.TurnClosed(10.5, 1, "what is the time", (1,), 10.0)
STARTED = ev.ReplyStarted(10.5, 1, 7)
MEASURED = ev.TurnMeasured(
    10.85,
    1,
    7,
    10.0,
    detection=0.25,
    endpoint=0.25,
    agent=0.1,
    tool=0.04,
    sentence=0.06,
    tts=0.1,
    playout=0.05,
)


def ended(outcome: ev.Outcome, heard: str = "", unheard: str = "", reason: str = "") -> ev.UtteranceEnded:
    return ev.UtteranceEnded(12.0, 7, ev.Source.REPLY, outcome, heard=heard, unheard=unheard, reason=reason)


def log_of(*events: ev.Event) -> TurnLog:
    log = TurnLog()
    for event in events:
        log.see(event)
    return log


def test_the_segments_of_a_latency_sum_to_the_silence_that_was_heard() -> None:
    (turn,) = log_of(CLOSED, STARTED, MEASURED, ended(ev.Outcome.PLAYED, heard="noon")).turns
    assert turn.latency == {
        "endpointing": 0.5,
        "agent": 0.2,
        "tts": 0.1,
        "playout": 0.05,
        "total": 0.85,
    }


def test_a_turn_tells_what_was_said_heard_and_not_heard() -> None:
    (turn,) = log_of(CLOSED, STARTED, ended(ev.Outcome.CUT, "it is", "noon", "barge-in")).turns
    assert turn.as_json() == {
        "turn": 1,
        "transcript": "what is the time",
        "reply": "it is",
        "unheard": "noon",
        "outcome": "cut",
        "latency": None,
    }


def test_a_reply_that_failed_says_why() -> None:
    (turn,) = log_of(CLOSED, STARTED, ended(ev.Outcome.FAILED, reason="no voice")).turns
    assert turn.as_json()["error"] == "no voice"


def test_a_turn_that_goes_on_after_its_close_stands_once_with_all_its_words() -> None:
    longer = ev.TurnClosed(12.5, 1, "what is the time in Rome", (1, 2), 12.0)
    log = log_of(CLOSED, STARTED, longer, ev.ReplyStarted(12.5, 1, 8))
    log.see(ev.UtteranceEnded(14.0, 8, ev.Source.REPLY, ev.Outcome.PLAYED, heard="noon"))
    (turn,) = log.turns
    assert (turn.transcript, turn.reply) == ("what is the time in Rome", "noon")


def test_a_reply_without_a_turn_and_the_end_of_a_say_are_no_turns() -> None:
    assert log_of(STARTED, MEASURED, ended(ev.Outcome.PLAYED, heard="hello")).turns == []


def test_failures_of_providers_are_kept() -> None:
    assert log_of(ev.ProviderFailed(3.0, "stt", "it broke")).failures == ["stt: it broke"]
    assert log_of(
        ev.ProviderSwitched(3.0, "stt", "one", "two", "it broke"),
        ev.ProviderSwitched(9.0, "stt", "two", "one"),
    ).failures == ["stt: one gave way to two: it broke"]
