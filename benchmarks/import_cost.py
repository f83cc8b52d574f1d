"""What `import beluga_voice` costs in time and memory, beside a bare interpreter and one with numpy.

    python benchmarks/import_cost.py [--runs 15] [--json]

Every run is an interpreter of its own; the three kinds take turns, so that a busy moment falls on all alike.
Figures are medians. Goals (with core's requirements installed): at most 150 ms and 45 MB resident.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass

KINDS = {
    "bare": "pass",
    "numpy": "import numpy",
    "beluga_voice": "import beluga_voice",  # public names are imported on first use
    "every name": "from beluga_voice import *",
}
GOAL_SECONDS, GOAL_MB = 0.150, 45.0

# Time around the import alone; then the highest resident size: Linux gives it in kB, macOS in bytes.
# Imported before: what the probe itself needs.
PROBE = """
import resource, sys, time
began = time.perf_counter()
{code}
took = time.perf_counter() - began
scale = 1 if sys.platform == "darwin" else 1024
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6, len(sys.modules))
"""

# Bytecode is written by the first runs and found by the others, as after an installation by pip.
ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Cost:
    """Medians over the runs of one kind: seconds of the import, MB (1e6 bytes) resident, modules loaded."""

    seconds: float
    resident_mb: float
    modules: int


def probe(code: str) -> tuple[float, float, int]:
    """Run `code` in a fresh interpreter; return seconds, MB and the number of modules."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)], env=ENV, capture_output=True, text=True, check=True
    )
    seconds, resident, modules = done.stdout.split()
    return float(seconds), float(resident), int(modules)


def measure(runs: int) -> dict[str, Cost]:
    """Measure every kind `runs` times, after one run each that fills the caches and is not counted."""
    for code in KINDS.values():
        probe(code)
    rounds = [{kind: probe(code) for kind, code in KINDS.items()} for _ in range(runs)]
    return {
        kind: Cost(*(statistics.median(figures) for figures in zip(*(r[kind] for r in rounds), strict=True)))
        for kind in KINDS
    }


def main() -> int:
    """Run the benchmark; a goal that a busy machine misses is no failure."""
    parser = argparse.ArgumentParser(description="What importing beluga_voice costs.")
    parser.add_argument("--runs", type=int, default=15, help="interpreters of each kind (default 15)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    costs = measure(options.runs)
    ours, numpy = costs["beluga_voice"], costs["numpy"]
    reached = ours.seconds <= GOAL_SECONDS and ours.resident_mb <= GOAL_MB
    whole = costs["every name"]
    ratios = {
        "seconds_to_numpy": whole.seconds / numpy.seconds,
        "resident_to_numpy": whole.resident_mb / numpy.resident_mb,
    }
    if options.json:
        answer = {kind: asdict(cost) for kind, cost in costs.items()}
        print(json.dumps(answer | {"ratios": ratios, "runs": options.runs, "goals_reached": reached}))
    else:
        for kind, cost in costs.items():
            print(
                f"{kind:13} {cost.seconds * 1e3:6.1f} ms {cost.resident_mb:6.1f} MB {cost.modules:5} modules"
            )
        print(f"goals (150 ms, 45 MB): {'reached' if reached else 'missed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
