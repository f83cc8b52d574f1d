"""What sessions leave behind: hundreds of starts and stops over the local engines, in real time.

    python benchmarks/cycles.py [--json] [--cycles 500]

Each cycle starts a session of a container that stays open, lets the agent speak while the caller does, and
stops it somewhere within. After the first tenth, in which engines load what they load once, tasks, threads,
processes and file descriptors have to stay what they are, and memory flat. After the container's lifespan none
of them may be left that was not there before. Exit 1 when something is. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import resource
import sys
import threading
import time
from pathlib import Path

from beluga_voice.container import VoiceContainer
from beluga_voice.testing import sounds

SPEECH = sounds.speech_like(1.0)
ALLOWED_GROWTH = 2 * 2**20
"""Bytes that all cycles after the first tenth may add to the resident memory: the allocator's rounding."""


def count() -> dict[str, int]:
    """Count what the process holds."""
    gc.collect()
    children = [
        child
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "processes": len(children),
        "files": len(os.listdir("/proc/self/fd")),
        "objects": len(gc.get_objects()),
        "bytes": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize(),
    }


async def cycle(voice: VoiceContainer, length: float) -> None:
    """Hold a call for `length` seconds, both sides speaking."""
    async with voice.get_sessions().open(lambda turn: f"You said {turn.text}.") as session:
        session.say("Hello there, how are you today?")
        end = time.perf_counter() + length
        for frame in sounds.frames(SPEECH):
            session.process_audio(frame)
            if time.perf_counter() >= end:
                break
            await asyncio.sleep(0.001)


async def measure(cycles: int) -> dict[str, dict[str, int]]:
    """Run all cycles; returns what was held before, after the first tenth, after all, and after the lifespan."""
    draw = random.Random(1)
    voice = VoiceContainer()
    counts = {"before": count()}
    async with voice.lifespan():
        for number in range(cycles):
            await cycle(voice, draw.uniform(0.0, 0.1))
            if number + 1 == max(1, cycles // 10):
                counts["settled"] = count()
        counts["after all"] = count()
    counts["after the lifespan"] = count()
    return counts


def problems(counts: dict[str, dict[str, int]], cycles: int) -> list[str]:
    """Say what was left."""
    found = []
    settled, after, closed = counts["settled"], counts["after all"], counts["after the lifespan"]
    for kind in ("tasks", "threads", "processes", "files"):
        if after[kind] > settled[kind]:
            found.append(f"{after[kind] - settled[kind]} {kind} more after {cycles} cycles")
        if closed[kind] > counts["before"][kind]:
            found.append(f"{closed[kind] - counts['before'][kind]} {kind} left after the lifespan")
    if after["objects"] - settled["objects"] >= cycles:
        found.append(
            f"{after['objects'] - settled['objects']} objects more: at least one of each session stays"
        )
    if after["bytes"] - settled["bytes"] > ALLOWED_GROWTH:
        found.append(f"memory grew by {(after['bytes'] - settled['bytes']) / 2**20:.1f} MB")
    return found


def main() -> int:
    """Measure, print, and say whether it is as it should be."""
    parser = argparse.ArgumentParser(description="What sessions leave behind after many starts and stops.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--cycles", type=int, default=500, help="sessions to start and stop (default: 500)")
    options = parser.parse_args()
    start = time.perf_counter()
    counts = asyncio.run(measure(options.cycles))
    seconds = time.perf_counter() - start
    found = problems(counts, options.cycles)
    if options.json:
        result = {"cycles": options.cycles, "seconds": seconds, "counts": counts, "problems": found}
        print(json.dumps(result, indent=2))
    else:
        print(f"{options.cycles} cycles in {seconds:.1f} s")
        for when, held in counts.items():
            print(f"{when:<20}", *(f"{value:>10} {kind}" for kind, value in held.items()))
        print(*(found or ["nothing was left"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
