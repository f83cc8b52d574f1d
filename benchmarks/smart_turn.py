"""Smart Turn: what a decision costs, and what the event loop feels of it while ten sessions ask.

    python benchmarks/smart_turn.py --model FILE [--json] [--decisions N]

The floor of a decision is the model alone on features that are ready; the loop's lag is how late a timer of 5 ms
fires, with ten sessions that each ask every 250 ms, against the same loop when nobody asks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TurnContext
from beluga_voice_smart_turn.detector import SmartTurnDetector
from beluga_voice_smart_turn.features import log_mel
from beluga_voice_smart_turn.settings import SmartTurnSettings

SESSIONS, EVERY, TICK = 10, 0.25, 0.005


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Cost of a decision of Smart Turn, and the loop's lag.")
    parser.add_argument("--model", type=Path, help="ONNX file (default: the one that was fetched)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--decisions", type=int, default=40, help="of one session alone (default: 40)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of ten sessions (default: 5)")
    options = parser.parse_args()
    found = asyncio.run(_measure(SmartTurnSettings(model=options.model), options.decisions, options.seconds))
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:28} {value:8.2f}")


async def _measure(settings: SmartTurnSettings, decisions: int, seconds: float) -> dict[str, float]:
    samples = np.random.default_rng(1).integers(-3000, 3000, 128000, np.int16)
    context = TurnContext("so i thought", final=True, audio=AudioFrame(samples, 16000))
    async with SmartTurnDetector(settings) as detector:
        await detector.predict(context)
        took = []
        for _ in range(decisions):
            begun = time.perf_counter()
            await detector.predict(context)
            took.append(time.perf_counter() - begun)
        model = detector._model
        assert model is not None
        mel = log_mel(samples)
        floor = _timed(decisions, lambda: model._session.run(None, {"input_features": mel}))
        features = _timed(decisions, lambda: log_mel(samples))
        idle = await _lag(seconds / 5, None, context)
        busy = await _lag(seconds, detector, context)
    decision = float(np.median(took))
    return {
        "decision, ms": 1e3 * decision,
        "model alone, ms": 1e3 * floor,
        "features, ms": 1e3 * features,
        "decision / model alone": decision / floor,
        "loop's lag p99 idle, ms": 1e3 * idle[0],
        "loop's lag p99 asked, ms": 1e3 * busy[0],
        "decisions a second": busy[1],
    }


def _timed(count: int, run: Callable[[], object]) -> float:
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        run()
        took.append(time.perf_counter() - begun)
    return float(np.median(took))


async def _lag(
    seconds: float, detector: SmartTurnDetector | None, context: TurnContext
) -> tuple[float, float]:
    """Return how late the loop's timers are, at the 99th percentile, and decisions a second."""
    loop, late, made = asyncio.get_running_loop(), [], 0
    end = loop.time() + seconds

    async def ask(session: int) -> None:
        nonlocal made
        await asyncio.sleep(EVERY * session / SESSIONS)
        while detector is not None and loop.time() < end:
            begun = loop.time()
            await detector.predict(context)
            made += 1
            await asyncio.sleep(max(EVERY - (loop.time() - begun), 0))

    async with asyncio.TaskGroup() as group:
        for session in range(SESSIONS):
            group.create_task(ask(session))
        while loop.time() < end:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            late.append(loop.time() - due)
    return float(np.percentile(late, 99)), made / seconds


if __name__ == "__main__":
    main()
