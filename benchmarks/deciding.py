"""What the engine's decisions cost: each alone, and those of a ten-minute call.

    python benchmarks/deciding.py [--json] [--minutes 10]

The call is a lively one: caller and agent take turns every ten seconds, with interim words, backchannels, barge-ins
and noise, as a session would tell it. Its events are made first, then decided several times; each figure is the
median run's. The floor, of the same run, is a step that copies the state, compares the timers, and decides nothing:
what it costs to be pure. Exit 1 if ten minutes of a call cost 0.3 s or more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

from beluga_voice import events as ev
from beluga_voice.testing.script import Script
from beluga_voice.turns import State, TurnPolicy, step
from beluga_voice.turns.draft import Draft

RUNS = 7
ALLOWED = 0.3
"""Seconds of deciding in a call of ten minutes."""

SPEECH = ("well", "I", "would", "like", "to", "know", "when", "the", "next", "train", "leaves", "for", "Rome")


def call(minutes: float) -> list[ev.Observed]:
    """The events of a lively call, in order."""
    script = Script(TurnPolicy(preemptive="discard"))
    at, number = 1.0, 0
    while at < minutes * 60:
        number += 1
        _asks(script, at)
        _answers(script, at + 3.4, interrupted=number % 3 == 0, hummed=number % 3 == 1)
        at += 10.0
    return [event for event, _ in script.steps]


def _asks(script: Script, at: float) -> None:
    """Three seconds of speech with a pause within, an interim with each word, and the finals."""
    for start, words in ((at, SPEECH[:8]), (at + 1.6, SPEECH[8:])):
        script.starts(start)
        for count in range(1, len(words) + 1):
            said = start + 0.15 * count
            script.interim(" ".join(words[:count]), max(script.now, said + 0.1), start=start, end=said)
        end = start + 0.15 * len(words)
        script.stops(end)
        script.final(" ".join(words), script.now + 0.1, start=start, end=end, answers=script.state.requests)
    script.until(script.now + 0.4)


def _answers(script: Script, at: float, *, interrupted: bool, hummed: bool) -> None:
    """Five seconds of the agent in two pieces, over which the caller coughs, hums or says stop."""
    assert script.state.reply is not None
    reply = script.state.reply.number
    script.plays(reply, at, finished=False)
    script.starves(reply, at + 1.0)
    script.feed(ev.AudioAwaited(at + 1.05, reply))
    script.feed(ev.AudioReceived(at + 1.1, reply))
    script.feed(ev.PlayoutContinued(at + 1.1, reply))
    script.feed(ev.SynthesisFinished(at + 1.3, reply))
    script.starts(at + 2.0)
    script.interim("stop" if interrupted else "mhm" if hummed else "", at + 2.3, start=at + 2.0, end=at + 2.2)
    script.stops(at + 2.3)
    text = "stop" if interrupted else "mhm" if hummed else ""
    script.final(text, at + 2.6, start=at + 2.0, end=at + 2.3, answers=script.state.requests)
    script.until(at + 3.2)
    if script.state.utterance(reply) is not None:
        script.ends(reply, at + 5.0)
    for left in script.state.utterances:
        script.plays(left.number, max(script.now, at + 5.0))
        script.ends(left.number, max(script.now, at + 5.4))


def decide(events: list[ev.Observed], state: State) -> None:
    """Decide by all events."""
    for event in events:
        state, _ = step(state, event)


def decide_nothing(events: list[ev.Observed], state: State) -> None:
    """Copy the state for each event, and bring what follows from it into line, which is nothing."""
    for event in events:
        state, _ = Draft(state, event.at).finish()


def seconds(run: Callable[[], None]) -> float:
    """CPU seconds of the median run."""
    taken = []
    for _ in range(RUNS):
        begin = time.process_time()
        run()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


def measure(minutes: float) -> dict[str, float]:
    """All figures."""
    events = call(minutes)
    policy = TurnPolicy(preemptive="discard")
    whole = seconds(lambda: decide(events, State(policy=policy)))
    midway = State(policy=policy)
    for event in events[: len(events) // 2]:
        midway, _ = step(midway, event)
    floor = seconds(lambda: decide_nothing(events, midway))
    return {
        "minutes": minutes,
        "events": len(events),
        "microseconds per decision": whole / len(events) * 1e6,
        "microseconds of the floor": floor / len(events) * 1e6,
        "ratio": whole / floor,
        "seconds per call": whole,
        "seconds per ten minutes": whole / minutes * 10,
    }


def main() -> int:
    """Measure, print, and say whether it is cheap enough."""
    parser = argparse.ArgumentParser(description="What the engine's decisions cost.")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the call (default 10)")
    options = parser.parse_args()
    figures = measure(options.minutes)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<28} {value:10.4g}")
    return 1 if figures["seconds per ten minutes"] >= ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main())
