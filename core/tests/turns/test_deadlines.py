"""When each timer is due, and what a boundary belongs to (rule 19)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beluga_voice import events as ev
from beluga_voice.events import TimerName
from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy, step

POLICY = TurnPolicy(
    endpoint_min=0.25,
    endpoint_max=2.5,
    transcript_deadline=2.0,
    turn_limit=60,
    join_window=0.5,
    pause_after=0.125,
    barge_in_seconds=0.5,
    undecided_max=3,
    false_barge_in=1,
    first_text=8,
    first_audio=9,
    stall=5,
    away_after=30,
    session_timeout=1800,
)
"""Numbers that add up exactly."""


def _script(abilities: Abilities | None = None) -> Script:
    return Script(POLICY, abilities)


def _stopped() -> Script:
    script = _script()
    script.speech(1.0, 2.0)
    return script


def _settled(abilities: Abilities | None = None) -> Script:
    script = _script(abilities)
    script.speech(1.0, 2.0)
    script.final("hello", 2.125, answers=1)
    return script


def _preparing() -> Script:
    script = _script()
    script.asks("hello", 1.0, 2.0)
    return script


def _given_to_tts() -> Script:
    script = _preparing()
    script.feed(ev.AudioAwaited(3.0, 1))
    return script


def _ready() -> Script:
    script = _preparing()
    script.makes(1, 3.0)
    return script


def _heard() -> Script:
    script = _preparing()
    script.plays(1, 3.0, finished=False)
    return script


def _silent() -> Script:
    script = _heard()
    script.feed(ev.AudioAwaited(3.5, 1))
    script.starves(1, 4.0)
    return script


def _spoken_over() -> Script:
    script = _heard()
    script.starts(4.0)
    return script


def _over_and_done() -> Script:
    script = _spoken_over()
    script.stops(4.5)
    return script


def _over_with_words() -> Script:
    script = _heard()
    script.speech(4.0, 4.25)
    script.interim("what about that", 4.5)
    script.starts(5.0)
    return script


def _second_part() -> Script:
    script = _heard()
    script.speech(4.0, 5.0)
    script.starts(5.5)
    return script


CASES: list[tuple[Callable[[], Script], TimerName, float]] = [
    (_script, TimerName.AWAY, 30.0),
    (_script, TimerName.SESSION, 1800.0),
    (_stopped, TimerName.TURN_LIMIT, 61.0),
    (_stopped, TimerName.TRANSCRIPT, 4.0),
    (_stopped, TimerName.AWAY, 32.0),
    (_stopped, TimerName.SESSION, 1802.25),
    (_settled, TimerName.ENDPOINT, 2.25),
    (lambda: _settled(Abilities(detects_turns=True)), TimerName.ENDPOINT, 4.5),
    (_preparing, TimerName.FIRST_TEXT, 10.25),
    (_given_to_tts, TimerName.FIRST_AUDIO, 12.0),
    (_ready, TimerName.STALL, 8.0),
    (_silent, TimerName.STALL, 9.0),
    (_spoken_over, TimerName.PAUSE, 4.125),
    (_over_and_done, TimerName.FALSE_BARGE_IN, 5.5),
    (_over_with_words, TimerName.BARGE_IN, 5.25),
    (_second_part, TimerName.UNDECIDED, 7.5),
]


@pytest.mark.parametrize(("build", "timer", "due"), CASES)
def test_a_timer_is_due(build: Callable[[], Script], timer: TimerName, due: float) -> None:
    assert build().running()[timer] == due


@pytest.mark.parametrize("build", [_heard, _over_and_done, _spoken_over])
def test_what_is_heard_or_paused_has_no_clock_of_agent_and_tts(build: Callable[[], Script]) -> None:
    assert not {TimerName.FIRST_TEXT, TimerName.FIRST_AUDIO, TimerName.STALL} & set(build().running())


def test_the_first_moment_after_the_join_window_is_no_part_of_it() -> None:
    script = _heard()
    script.new()
    script.starts(3.5)
    script.until(3.625)
    script.interim("one", 4.0)
    assert "opened 1" not in script.new()


def test_the_last_moment_of_the_join_window_is_part_of_it() -> None:
    script = _heard()
    script.new()
    script.starts(3.499)
    script.interim("one", 4.0)
    assert "opened 1" in script.new()


def test_a_timer_that_a_loop_fires_a_moment_early_still_counts() -> None:
    script = _settled()
    due = script.state.timers[TimerName.ENDPOINT]
    script.feed(ev.TimerFired(due - 1e-9, TimerName.ENDPOINT, due))
    assert "closed 1: hello" in script.new()


def test_at_one_instant_the_caller_comes_before_the_timer() -> None:
    script = _settled()
    script.feed(ev.SpeechStarted(2.25, 2.2, 0))
    script.until(3.0)
    assert not [line for line in script.new() if line.startswith("closed")]


def test_at_one_instant_any_order_of_timers_ends_alike() -> None:
    script = _over_and_done()  # no words: the transcript deadline and the false barge-in come to the same
    timers = [(name, due) for name, due in script.state.timers.items() if due < 10]
    ends = []
    for order in (timers, timers[::-1]):
        state = script.state
        for name, due in order:
            state, _ = step(state, ev.TimerFired(10.0, name, due))
        ends.append((state.visible, state.turn, state.utterances, state.timers))
    assert len(timers) == 2
    assert ends[0] == ends[1]
