"""Another policy over the same call: what would have come later, not at all, or instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from beluga_voice.clock import run_virtual
from beluga_voice.errors import ConfigurationError
from beluga_voice.journal.reader import read_journal
from beluga_voice.journal.whatif import ALWAYS, OBSERVED_BY, what_if
from beluga_voice.testing import LoopbackTransport, ScriptedSTT, ScriptedTurnDetector
from beluga_voice.turns import TurnPolicy

from .conftest import Recorded, have_call


def outline(result) -> list[str]:
    return [f"{change.kind} {change.what}" for change in result.changes]


def test_nothing_changes_under_the_same_policy(call: Recorded) -> None:
    result = what_if(read_journal(call.journal), endpoint_min=0.35)
    assert result.changes == ()
    assert result.notes == ALWAYS


def test_a_longer_delay_closes_turns_later_and_their_replies_come_later(call: Recorded) -> None:
    result = what_if(read_journal(call.journal), endpoint_min=0.6)
    assert {change.kind for change in result.changes} == {"moved"}
    assert [round(change.at - change.recorded_at, 3) for change in result.changes] == [0.236] * 7
    first = result.changes[0]
    assert str(first).startswith("2.380 s: would have come 0.236 s later, at 2.616 s: the caller's turn 1")
    assert result.changes[-1].what == "reply 2 ended as played"
    assert result.policy == TurnPolicy(endpoint_min=0.6)


def test_a_pause_beyond_the_other_delay_would_have_made_one_turn(tmp_path: Path) -> None:
    async def caller(line: LoopbackTransport) -> None:
        await line.speak(1.0)
        await line.silence(0.9)
        await line.speak(1.0)
        await line.silence(6.0)

    recorded = run_virtual(
        have_call(
            tmp_path,
            caller,
            stt=ScriptedSTT(["I would like", "two tickets"]),
            turns=TurnPolicy(join_window=0),
        )
    )
    result = what_if(read_journal(recorded.journal), endpoint_min=1.5)
    told = outline(result)
    assert 'gone the caller\'s turn 1 was closed: "I would like"' in told
    assert any(
        line.startswith('new the caller\'s turn 1 was closed: "I would like two tickets"') for line in told
    )
    assert any('no reply to "I would like two tickets" was recorded' in note for note in result.notes)


def test_a_barge_in_that_would_not_have_been_one_leaves_the_future_open(tmp_path: Path) -> None:
    async def caller(line: LoopbackTransport) -> None:
        await line.speak(1.0)
        await line.silence(2.5)
        await line.speak(1.2)
        await line.silence(0.3)

    recorded = run_virtual(
        have_call(
            tmp_path, caller, stt=ScriptedSTT(["what about zebras", "one two three four"], interim=True)
        )
    )
    result = what_if(read_journal(recorded.journal), barge_in_words=20)
    told = outline(result)
    assert "gone the caller took the floor from reply 1: words" in told
    assert any("how it would have gone on after that is not known" in note for note in result.notes)


def test_a_detector_s_answer_is_taken_with_the_question_it_answers(tmp_path: Path) -> None:
    async def caller(line: LoopbackTransport) -> None:
        await line.speak(1.0)
        await line.silence(4.0)

    recorded = run_virtual(
        have_call(
            tmp_path, caller, stt=ScriptedSTT(["what time"]), detector=ScriptedTurnDetector(otherwise=0.3)
        )
    )
    journal = read_journal(recorded.journal)
    assert what_if(journal).changes == ()
    moved = what_if(journal, detector_threshold=0.2).changes
    assert moved[0].at < moved[0].recorded_at - 2


def test_what_shapes_the_observed_cannot_be_tried(call: Recorded) -> None:
    journal = read_journal(call.journal)
    for name in OBSERVED_BY:
        with pytest.raises(ConfigurationError, match=f"turns.{name} decides what is observed"):
            what_if(journal, **{name: 0.3})
    with pytest.raises(ConfigurationError, match=r"no setting named 'turns.magic'; there are: endpoint_min"):
        what_if(journal, magic=1)
    with pytest.raises(ConfigurationError, match="endpoint_min is 3; it must be at most endpoint_max"):
        what_if(journal, endpoint_min=3)


def test_a_reply_that_was_never_recorded_is_never_heard(tmp_path: Path) -> None:
    async def caller(line: LoopbackTransport) -> None:
        await line.speak(1.0)
        await line.silence(0.5)  # the caller hangs up before the long delay has passed

    recorded = run_virtual(
        have_call(
            tmp_path,
            caller,
            stt=ScriptedSTT(["what time"]),
            detector=ScriptedTurnDetector(otherwise=0.3),
        )
    )
    result = what_if(read_journal(recorded.journal), detector_threshold=0.2)
    assert 'new the agent was asked to answer turn 1 as reply 1: "what time"' in outline(result)
    assert any('no reply was recorded for "what time": it is never heard' in note for note in result.notes)
    (new, *_) = result.changes
    assert new.as_json() == {"kind": "new", "recorded_at": None, "at": new.at, "what": new.what}
    assert str(new) == f"{new.at:.3f} s: would have happened: {new.what}."


def test_a_question_that_the_detector_was_never_asked_has_no_answer(tmp_path: Path) -> None:
    async def caller(line: LoopbackTransport) -> None:
        await line.speak(1.0)
        await line.silence(1.2)
        await line.speak(1.0)
        await line.silence(4.0)

    recorded = run_virtual(
        have_call(
            tmp_path,
            caller,
            stt=ScriptedSTT(["two", "tickets"]),
            detector=ScriptedTurnDetector(),
            turns=TurnPolicy(join_window=0, barge_in_words=1),
        )
    )
    journal = read_journal(recorded.journal)
    assert what_if(journal).changes == ()
    result = what_if(journal, endpoint_min=2.0)
    assert any("no answer of the turn detector about" in note for note in result.notes), result


def test_a_reply_is_heard_again_after_a_pause_that_is_longer_now(tmp_path: Path) -> None:
    async def caller(line: LoopbackTransport) -> None:
        await line.speak(1.0)
        await line.silence(2.5)
        await line.speak(0.3)
        await line.silence(9.0)

    recorded = run_virtual(have_call(tmp_path, caller, stt=ScriptedSTT(["what about zebras", ""])))
    journal = read_journal(recorded.journal)
    assert what_if(journal).changes == ()
    moved = what_if(journal, pause_after=0.25).changes
    assert [change.what for change in moved if change.kind == "moved"] == [
        "the agent was paused, in reply 1",
        "reply 1 ended as played",
    ]
    paused, played = moved
    assert played.at - played.recorded_at == pytest.approx(-(paused.at - paused.recorded_at))
