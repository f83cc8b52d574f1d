"""What the command line tells of each turn."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.cli.turnlog import TurnLog


def test_the_latency_of_a_reply_that_was_begun_before_the_close_counts_from_the_close() -> None:
    log = TurnLog()
    for event in (
        ev.ReplyStarted(1.0, 1, 1, preemptive=True),
        ev.AudioAwaited(1.2, 1),
        ev.TurnClosed(2.35, 1, "what time is it", (1,), 2.0),
        ev.ReplyKept(2.35, 1, 1),
        ev.AudioReceived(2.5, 1),
        ev.PlayoutStarted(2.5, 1),
    ):
        log.see(event)
    (record,) = log.turns
    assert record.latency is not None
    assert record.latency.as_json() == {
        "endpointing": 0.35,
        "agent": 0.0,
        "tts": 0.15,
        "playout": 0.0,
        "total": 0.5,
    }
