"""The checker passes a call that went as it must, and names what went wrong in any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.demo.caller import ROOM
from beluga_voice.demo.checker import Evidence, Verdict, check
from beluga_voice.demo.kept import AgentPiece, CallerSound, Kept
from beluga_voice.demo.script import Means
from beluga_voice.events import Outcome, Source

RATE = 8000
START = 100.0  # of the session's clock
LENGTH = 14.0

DRAW = np.random.default_rng(5)


def speech(seconds: float) -> np.ndarray:
    return DRAW.integers(500, 8000, round(seconds * RATE)).astype(np.int16)


def at(seconds: float) -> int:
    return round(seconds * RATE)


ASKED, HUM, COUGH, CUTS = speech(1.0), speech(0.4), speech(0.3), speech(1.0)
HALTING = np.concatenate([speech(0.5), np.zeros(RATE, np.int16), speech(0.5)])
STORY, STORY_2, LONG, SHORT = speech(2.0), speech(1.0), speech(4.0), speech(1.0)

CALLER = (
    (1.0, CallerSound(Means.TURN, "how much is it", 0.0, ASKED)),
    (3.0, CallerSound(Means.BACKCHANNEL, "mhm", 0.0, HUM)),
    (4.5, CallerSound(Means.COUGH, "", 0.0, COUGH)),
    (7.0, CallerSound(Means.TURN, "what is that", 1.0, HALTING)),
    (11.0, CallerSound(Means.TURN, "wait", 0.0, CUTS)),
)


def ended(when: float, utterance: int, outcome: Outcome) -> ev.UtteranceEnded:
    return ev.UtteranceEnded(START + when, utterance, Source.REPLY, outcome, "heard", "", "")


def closed(when: float, turn: int, text: str, speech_end: float) -> ev.TurnClosed:
    return ev.TurnClosed(START + when, turn, text, (turn,), START + speech_end)


EVENTS: tuple[ev.Event, ...] = (
    ev.SessionStarted(START),
    closed(2.4, 1, "how much is it", 2.0),
    ev.TextGiven(START + 2.4, 1, "Once."),
    ev.TextGiven(START + 2.4, 1, "Twice."),
    ev.PlayoutStarted(START + 2.4, 1),
    ev.UtterancePaused(START + 3.2, 1),
    ev.UtteranceResumed(START + 4.0, 1, "backchannel"),
    ended(6.2, 1, Outcome.PLAYED),
    ev.SpeechStopped(START + 7.7, START + 7.5),
    closed(9.4, 3, "what is that", 9.0),
    ev.TextGiven(START + 9.4, 2, "Long."),
    ev.PlayoutStarted(START + 9.4, 2),
    ev.UtterancePaused(START + 11.2, 2),
    ended(11.6, 2, Outcome.CUT),
    closed(12.4, 4, "wait", 12.0),
    ev.TextGiven(START + 12.4, 3, "Short."),
    ev.PlayoutStarted(START + 12.4, 3),
    ended(13.4, 3, Outcome.PLAYED),
)


def good() -> Evidence:
    """A call that went as it must: a hum and a cough over one answer, a pause in a question, a barge-in."""
    caller = DRAW.normal(0, ROOM, at(LENGTH))
    for place, sound in CALLER:
        caller[at(place) : at(place) + len(sound.samples)] += sound.samples
    agent = np.zeros(at(LENGTH), np.int16)
    told = np.concatenate([STORY, STORY_2])
    agent[at(2.4) : at(3.2)] = told[: at(0.8)]
    agent[at(4.0) : at(6.2)] = told[at(0.8) :]
    agent[at(9.4) : at(11.2)] = LONG[: at(1.8)]
    agent[at(12.4) : at(13.4)] = SHORT
    pieces = (("Once.", STORY), ("Twice.", STORY_2), ("Long.", LONG), ("Short.", SHORT))
    kept = Kept(RATE, tuple(sound for _, sound in CALLER), tuple(AgentPiece(*piece) for piece in pieces))
    return Evidence(np.round(caller).astype(np.int16), agent, RATE, START, EVENTS, True, kept)


def wrong(verdict: Verdict) -> str:
    return "; ".join(finding.text for finding in verdict.findings if not finding.ok)


def without(*kinds: type[ev.Event], utterance: int | None = None) -> tuple[ev.Event, ...]:
    return tuple(
        event
        for event in EVENTS
        if not (isinstance(event, kinds) and utterance in (None, getattr(event, "utterance", None)))
    )


def changed(old: ev.Event, *new: ev.Event) -> tuple[ev.Event, ...]:
    place = EVENTS.index(old)
    return (*EVENTS[:place], *new, *EVENTS[place + 1 :])


def moved(samples: np.ndarray, start: float, end: float, by: int) -> np.ndarray:
    """The samples from `start` to `end` come `by` samples later; silence is before them."""
    result = samples.copy()
    result[at(start) : at(end)] = 0
    result[at(start) + by : at(end) + by] = samples[at(start) : at(end)]
    return result


def test_a_call_that_went_as_it_must_passes_and_says_what_was_seen() -> None:
    verdict = check(good())
    assert wrong(verdict) == ""
    said = " | ".join(finding.text for finding in verdict.findings)
    assert "paused for 0.80 s after sample 6,400 and went on with the next" in said
    assert "the cough at 4.50 s took no turn: the agent went on and did not pause" in said
    assert "the barge-in at 11.00 s cut the agent: silent 0.20 s later; 14,400 of 32,000 samples" in said
    assert "the pause of 1.00 s in 'what is that' ended no turn" in said
    assert verdict.as_json()["ok"] is True


def lose_a_sample(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(4.0) : at(6.2) - 1] = agent[at(4.0) + 1 : at(6.2)]
    agent[at(6.2) - 1] = 0
    return replace(evidence, agent=agent)


def repeat_after_resuming(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(4.0) - 160 : at(4.0)] = agent[at(3.2) - 160 : at(3.2)]
    return replace(evidence, agent=agent)


def lose_the_end(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(13.3) : at(13.4)] = 0
    return replace(evidence, agent=agent)


def speak_after_the_cut(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(11.7) : at(11.8)] = LONG[at(1.8) : at(1.9)]
    return replace(evidence, agent=agent)


def speak_after_the_end(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(13.8) : at(13.81)] = 7
    return replace(evidence, agent=agent)


def stop_late(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(9.4) : at(11.6)] = LONG[: at(2.2)]
    return replace(evidence, agent=agent)


def answer_into_the_barge_in(evidence: Evidence) -> Evidence:
    return replace(evidence, agent=moved(evidence.agent, 12.4, 13.4, at(-0.6)))


def mishear(evidence: Evidence) -> Evidence:
    return replace(evidence, events=changed(closed(9.4, 3, "what is that", 9.0), closed(9.4, 3, "that", 9.0)))


def miss_a_turn(evidence: Evidence) -> Evidence:
    old = closed(2.4, 1, "how much is it", 2.0)
    return replace(evidence, events=changed(old))


def take_the_cough_for_a_turn(evidence: Evidence) -> Evidence:
    last = EVENTS[-1]
    return replace(evidence, events=(*EVENTS, closed(13.5, 5, "two", 13.0), last)[:-1])


def close_a_turn_too_late(evidence: Evidence) -> Evidence:
    old = closed(2.4, 1, "how much is it", 2.0)
    return replace(evidence, events=changed(old, closed(2.4, 1, "how much is it", 3.0)))


def end_the_turn_in_the_pause(evidence: Evidence) -> Evidence:
    old = closed(9.4, 3, "what is that", 9.0)
    return replace(
        evidence, events=changed(old, closed(7.9, 3, "what is", 7.5), closed(9.4, 3, "what is that", 9.0))
    )


def miss_the_pause(evidence: Evidence) -> Evidence:
    return replace(evidence, events=without(ev.SpeechStopped))


def cut_by_the_hum(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(4.0) : at(6.2)] = 0
    events = changed(ended(6.2, 1, Outcome.PLAYED), ended(4.0, 1, Outcome.CUT))
    return replace(evidence, agent=agent, events=events)


def pause_untold(evidence: Evidence) -> Evidence:
    return replace(evidence, events=without(ev.UtterancePaused, utterance=1))


def pause_longer_than_told(evidence: Evidence) -> Evidence:
    return replace(evidence, agent=moved(evidence.agent, 4.0, 6.2, at(0.4)))


def not_cut(evidence: Evidence) -> Evidence:
    agent = evidence.agent.copy()
    agent[at(9.4) : at(11.2)] = 0
    kept = replace(
        evidence.kept,
        agent=(*evidence.kept.agent[:2], AgentPiece("Long.", LONG[: at(1.0)]), evidence.kept.agent[3]),
    )
    agent[at(9.4) : at(10.4)] = LONG[: at(1.0)]
    events = tuple(ended(10.4, 2, Outcome.PLAYED) if e == ended(11.6, 2, Outcome.CUT) else e for e in EVENTS)
    return replace(evidence, agent=agent, events=events, kept=kept)


def hum_beside_the_agent(evidence: Evidence) -> Evidence:
    agent = moved(evidence.agent, 2.4, 3.2, at(3.0))
    agent[at(4.0) : at(5.4)] = 0
    told = np.concatenate([STORY, STORY_2])
    agent[at(3.45) : at(6.45)] = told
    events = without(ev.UtterancePaused, ev.UtteranceResumed, utterance=1)
    return replace(evidence, agent=agent, events=events)


def say_something_else(evidence: Evidence) -> Evidence:
    caller = evidence.caller.copy()
    caller[at(7.0) : at(7.5)] = ASKED[: at(0.5)]
    return replace(evidence, caller=caller)


def tear_off_the_journal(evidence: Evidence) -> Evidence:
    return replace(evidence, complete=False)


def fail_a_provider(evidence: Evidence) -> Evidence:
    return replace(evidence, events=(*EVENTS, ev.ProviderFailed(START + 13.0, "stt", "it broke")))


WRONG: list[tuple[Callable[[Evidence], Evidence], str]] = [
    (lose_a_sample, "is not what the TTS gave, at 4.000 s, sample 6,400"),
    (repeat_after_resuming, "is not what the TTS gave, at 3.980 s"),
    (lose_the_end, "was played but for its last 800 samples"),
    (speak_after_the_cut, "is not what the TTS gave, at 11.700 s"),
    (speak_after_the_end, "there is sound of the agent's at 13.80 s, where it had ended"),
    (stop_late, "the agent spoke on for 0.60 s; allowed are 0.5 s"),
    (answer_into_the_barge_in, "the agent spoke again at 11.80 s, into the barge-in"),
    (mishear, "turn 2: 'what is that' was heard as 'that'"),
    (miss_a_turn, "3 turns were said and 2 heard"),
    (take_the_cough_for_a_turn, "3 turns were said and 4 heard, also 'two'"),
    (close_a_turn_too_late, "turn 1 ended at 2.00 s, not at 3.00 s"),
    (end_the_turn_in_the_pause, "ended a turn at 7.90 s"),
    (miss_the_pause, "was not noticed by the VAD"),
    (cut_by_the_hum, "the 'mhm' at 3.00 s was over 'heard', which was cut"),
    (pause_untold, "and paused 0.80 s; the journal says not at all"),
    (pause_longer_than_told, "and paused 1.20 s; the journal says 0.80 s"),
    (not_cut, "0 answers were cut"),
    (hum_beside_the_agent, "the 'mhm' at 3.00 s was not over the agent"),
    (say_something_else, "the caller's sound 4, 'what is that', is not in the recording"),
    (tear_off_the_journal, "the journal has no end"),
    (fail_a_provider, "stt failed: it broke"),
]


@pytest.mark.parametrize(("spoil", "sentence"), WRONG, ids=[spoil.__name__ for spoil, _ in WRONG])
def test_what_went_wrong_is_named(spoil: Callable[[Evidence], Evidence], sentence: str) -> None:
    verdict = check(spoil(good()))
    assert not verdict.ok
    assert sentence in wrong(verdict)


TWO = "how much is the pretzel and do you have it on friday"
BOTH = "The pretzel is 1 dollar. I am sorry, on Friday there is no pretzel."


def two(*tools: tuple[float, float], heard: str = BOTH) -> Evidence:
    """The good call, with two questions in its first turn, and what was looked up for them, from when to when."""
    evidence = good()
    told: list[ev.Event] = [ev.ReplyStarted(START + 2.3, 1, 1)]
    for number, (since, until) in enumerate(tools, 1):
        told.append(ev.ToolStarted(START + since, 1, number, "till", 30.0))
        told.append(ev.ToolFinished(START + until, 1, number, "till", ev.ToolOutcome.DONE))
    first = EVENTS[1]
    assert isinstance(first, ev.TurnClosed)
    events = [*EVENTS[:1], replace(first, text=TWO.capitalize()), *told, *EVENTS[2:]]
    events = [replace(e, heard=heard) if e == ended(6.2, 1, Outcome.PLAYED) else e for e in events]
    sound = replace(evidence.kept.caller[0], text=TWO)
    kept = replace(evidence.kept, caller=(sound, *evidence.kept.caller[1:]))
    return replace(evidence, events=tuple(events), kept=kept)


def test_two_lookups_side_by_side_and_both_answers_are_told() -> None:
    verdict = check(two((2.3, 2.35), (2.31, 2.36)))
    assert wrong(verdict) == ""
    (said,) = (f.text for f in verdict.findings if "lookups" in f.text)
    assert "ran side by side, from 2.31 to 2.35 s, and both answers were heard" in said


@pytest.mark.parametrize(
    ("tools", "heard", "sentence"),
    [
        (((2.3, 2.35), (2.35, 2.4)), BOTH, "2 began, 2 ended, not side by side; 2 answers"),
        (((2.3, 2.35),), BOTH, "1 began, 1 ended, not side by side"),
        ((), BOTH, "0 began, 0 ended"),
        (((2.3, 2.35), (2.31, 2.36)), "The pretzel is 1 dollar.", "side by side; 1 answers were heard"),
    ],
)
def test_lookups_that_went_wrong_are_named(
    tools: tuple[tuple[float, float], ...], heard: str, sentence: str
) -> None:
    assert sentence in wrong(check(two(*tools, heard=heard)))
