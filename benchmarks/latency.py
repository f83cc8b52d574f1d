"""From the end of the caller's speech to the first audio of the answer, over recordings, in real time.

    python benchmarks/latency.py FILE.wav ... [--json]

Every file calls an agent that repeats what it heard, with the settings as they are: the local engines by
default. The total of each turn is split into segments that follow each other without gap. The floor is the
endpoint's minimum delay, which no turn can undercut; the goal is at most 60 ms beyond it at the median.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from beluga_voice import TurnPolicy

SEGMENTS = ("endpointing", "agent", "tts", "playout", "total")
GOAL = 0.060


def turns(files: list[str]) -> list[dict[str, float]]:
    """Run the files and return each turn's latency."""
    command = [sys.executable, "-m", "beluga_voice", "run", "--json", *files]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    found = [turn["latency"] for file in answer["files"] for turn in file["turns"]]
    return [latency for latency in found if latency is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency of turns over recordings, in real time.")
    parser.add_argument("files", nargs="+", metavar="FILE.wav")
    parser.add_argument("--json", action="store_true", help="print one object")
    options = parser.parse_args()
    measured = turns(options.files)
    if not measured:
        parser.exit(1, "no turn was heard in these files\n")
    floor = TurnPolicy().endpoint_min
    median = {name: statistics.median(turn[name] for turn in measured) for name in SEGMENTS}
    result = {
        "turns": len(measured),
        "endpoint_min": floor,
        "median": median,
        "beyond_endpoint_min": median["total"] - floor,
        "ratio_to_endpoint_min": median["total"] / floor,
        "each": measured,
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name in SEGMENTS:
        print(f"{name:<12} {median[name] * 1000:7.1f} ms at the median of {len(measured)} turns")
    beyond = result["beyond_endpoint_min"]
    print(
        f"beyond the minimum delay of {floor * 1000:.0f} ms: {median['total'] * 1000 - floor * 1000:.1f} ms",
        end="",
    )
    print(
        f" (goal {GOAL * 1000:.0f} ms: {'reached' if isinstance(beyond, float) and beyond <= GOAL else 'missed'})"
    )


if __name__ == "__main__":
    main()
