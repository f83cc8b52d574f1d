"""What it costs to write down what a session decides and says.

    python benchmarks/journal.py [--json] [--runs 7]

CPU time in microseconds, the best of the runs: of the engine's decision alone, of writing it to the journal with
its words and masked, of a score of the VAD, and of 20 ms of both sides in the recording. The events are those of a
short call with a barge-in.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from beluga_voice.commands import Command
from beluga_voice.events import Observed
from beluga_voice.journal.format import Header
from beluga_voice.journal.writer import JournalWriter
from beluga_voice.recording import CallRecording
from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy, step

REPEATED = 100
FRAMES = 3000

Steps = list[tuple[Observed, list[Command]]]


def scripted() -> Steps:
    """Decide a call: a question, its answer, and a barge-in."""
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=False)
    script.starts(5.0)
    script.interim("no wait", 5.4)
    script.stops(6.0)
    script.final("no wait tell me the date", 6.3, answers=2)
    script.until(7.0)
    script.plays(2, 7.5)
    script.ends(2, 9.0)
    script.stop(10.0)
    return script.steps


def decide(steps: Steps) -> int:
    """Step the engine through the events."""
    for _ in range(REPEATED):
        state = Header(session_id="", policy=TurnPolicy(), abilities=Abilities()).begin()
        for event, _commands in steps:
            state, _commands = step(state, event)
    return REPEATED * len(steps)


def write(steps: Steps, folder: Path, content: bool) -> int:
    """Write the events and commands to a journal."""
    header = Header(session_id="", policy=TurnPolicy(), abilities=Abilities(), content=content)
    journal = JournalWriter(folder / "call.jsonl", header, max_bytes=1 << 30)
    for _ in range(REPEATED):
        for event, commands in steps:
            journal.decided(event, commands)
    journal.close()
    return REPEATED * len(steps)


def score(folder: Path) -> int:
    """Write scores to a journal."""
    header = Header(session_id="", policy=TurnPolicy(), abilities=Abilities())
    journal = JournalWriter(folder / "call.jsonl", header, max_bytes=1 << 30)
    for place in range(FRAMES):
        journal.scored(512 * place, 512 * (place + 1), 0.25, 16000)
    journal.close()
    return FRAMES


def record(folder: Path) -> int:
    """Record both sides of a call."""
    recording = CallRecording(folder / "call.wav", 24000)
    frame = np.ones(480, np.int16)
    for place in range(FRAMES):
        recording.add_caller(frame, 480 * place)
        recording.add_agent(frame, 480 * place)
    recording.close()
    return FRAMES


def best(work: Callable[[], int], runs: int) -> float:
    """Return the microseconds of one unit of work, in the best of the runs."""
    figures = []
    for _ in range(runs):
        before = time.process_time()
        units = work()
        figures.append((time.process_time() - before) / units * 1e6)
    return round(min(figures), 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    steps = scripted()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {
            "decide an event": best(lambda: decide(steps), arguments.runs),
            "write an event": best(lambda: write(steps, folder, True), arguments.runs),
            "write an event without content": best(lambda: write(steps, folder, False), arguments.runs),
            "write a score": best(lambda: score(folder), arguments.runs),
            "record 20 ms of both sides": best(lambda: record(folder), arguments.runs),
        }
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        for what, microseconds in figures.items():
            print(f"{what:<32}{microseconds:>8.2f} us")


if __name__ == "__main__":
    main()
