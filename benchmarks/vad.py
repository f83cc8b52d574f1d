"""What detecting speech costs: Silero's network, the vendor's graph beside it, and both detectors' streams.

    python benchmarks/vad.py [--json] [--seconds 1.0]

Each figure is the best of several rounds, in microseconds. The rounds of all cases take turns, so that a
disturbance of the machine meets all of them, and ratios hold where absolute figures do not. The vendor's graph
runs if onnxruntime is installed, on one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.vad import VAD, VADStream
from beluga_voice_energy.vad import EnergyVAD
from beluga_voice_silero import vad as silero
from beluga_voice_silero.network import INPUT_SAMPLES, MAX_BATCH, Network
from beluga_voice_silero.vad import SileroVAD
from beluga_voice_silero.weights import load_weights

MODEL = Path(silero.__file__).parent / "model" / "silero_vad_16k_op15.onnx"
BATCHES = (1, 2, 4, 8, MAX_BATCH)
SESSIONS = (1, 64)
ROUNDS = 7
FRAME_PER_WINDOW = 320 / 512

Case = Callable[[], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What detecting speech costs, in microseconds.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="time to spend on each figure (default: 1)"
    )
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.seconds))
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name:52} {value:8.2f}")


async def measure(seconds: float) -> dict[str, float]:
    """Return all figures and their ratios by name."""
    noise = np.random.default_rng(1).normal(0, 1000, (MAX_BATCH, INPUT_SAMPLES)).astype(np.int16)
    windows = {f"silero window, batch {rows}": (case, rows) for rows, case in ours(noise)}
    if find_spec("onnxruntime"):
        windows |= {f"vendor window, batch {rows}": (case, rows) for rows, case in vendors(noise)}
    lowest: defaultdict[str, float] = defaultdict(lambda: float("inf"))
    async with SileroVAD() as silero_vad, EnergyVAD() as energy_vad:
        lines = {
            f"{vad} frame, sessions {sessions}": open_lines(detector, sessions)
            for vad, detector in (("silero", silero_vad), ("energy", energy_vad))
            for sessions in SESSIONS
        }
        for _ in range(ROUNDS):
            for name, (case, rows) in windows.items():
                lowest[name] = min(lowest[name], time_of(case, seconds / ROUNDS) / rows)
            for name, streams in lines.items():
                lowest[name] = min(lowest[name], await time_of_frame(streams, seconds / ROUNDS))
    return lowest | ratios(lowest)


def ours(samples: NDArray[np.int16]) -> Iterator[tuple[int, Case]]:
    """Yield the network at each size of batch."""
    network = Network(load_weights(MODEL))
    network.samples[:] = samples
    for rows in BATCHES:
        yield rows, lambda rows=rows: network.score(rows)  # type: ignore[misc]


def vendors(samples: NDArray[np.int16]) -> Iterator[tuple[int, Case]]:
    """Yield the vendor's graph at each size of batch."""
    onnxruntime = import_module("onnxruntime")  # untyped

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])
    for rows in BATCHES:
        window = samples[:rows].astype(np.float32) / 32768
        feed = {
            "input": window,
            "state": np.zeros((2, rows, 128), np.float32),
            "sr": np.array(16000, np.int64),
        }
        yield rows, lambda feed=feed: session.run(None, feed)  # type: ignore[misc]


def time_of(case: Case, seconds: float) -> float:
    """Return the microseconds that a call takes, after one to warm up."""
    case()
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(10):
            case()
        calls += 10
    return (time.perf_counter() - start) / calls * 1e6


def ignore(start: int, end: int, probability: float) -> None:
    """Take a score."""


def open_lines(vad: VAD, sessions: int) -> list[VADStream]:
    """Open streams that did not start together: their windows fill up in different iterations of the loop."""
    streams = [vad.open_stream(ignore) for _ in range(sessions)]
    for number, stream in enumerate(streams):
        stream.feed(AudioFrame(np.zeros(1 + number * 8, np.int16), 16000))
    return streams


async def time_of_frame(streams: list[VADStream], seconds: float) -> float:
    """Return the microseconds that 20 ms cost each stream, with one turn of the loop for all of them."""
    noise = np.random.default_rng(2).normal(0, 1000, (8, 320)).astype(np.int16)
    frames = [AudioFrame(samples, 16000) for samples in noise]
    turns, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for frame in frames:
            for stream in streams:
                stream.feed(frame)
            await asyncio.sleep(0)
        turns += len(frames)
    return (time.perf_counter() - start) / turns / len(streams) * 1e6


def ratios(figures: Mapping[str, float]) -> dict[str, float]:
    """Compare with the model alone, whose window of 32 ms is worth 1.6 frames of 20 ms."""
    alone = figures["silero window, batch 1"] * FRAME_PER_WINDOW
    batched = figures[f"silero window, batch {MAX_BATCH}"] * FRAME_PER_WINDOW
    compared = {
        "ratio: silero frame alone / its model": figures["silero frame, sessions 1"] / alone,
        "ratio: silero frame among 64 / its model batched": figures["silero frame, sessions 64"] / batched,
    }
    for rows in BATCHES:
        vendor = figures.get(f"vendor window, batch {rows}")
        if vendor:
            name = f"ratio: silero / vendor window, batch {rows}"
            compared[name] = figures[f"silero window, batch {rows}"] / vendor
    return compared


if __name__ == "__main__":
    main()
