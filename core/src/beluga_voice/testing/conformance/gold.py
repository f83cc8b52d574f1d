"""Latency as it is measured, and a soak: on the machine's time, so that figures are the engine's own."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import threading
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

from beluga_voice.clock import VirtualTimeLoop
from beluga_voice.testing.conformance.promises import expect
from beluga_voice.testing.conformance.report import Measure, measured

ROUNDS = 20
"""How often a latency is measured, unless `SECONDS` are over before."""

SECONDS = 20.0
"""Seconds that one measurement or soak takes at most, begun rounds aside."""

WARM_UP = 5
"""Rounds before a soak counts: caches fill, modules are loaded."""

SOAK = 60
"""Rounds of a soak, unless `SECONDS` are over before."""

GROWTH = 512 * 1024
"""Bytes by which a soak may let Python's memory grow: a stream that is kept has more, its audio alone."""


async def measure(what: str, once: Callable[[], Awaitable[float]], limit: float, where: str) -> None:
    """Note how long something takes, and fail when 95 of 100 times are beyond `limit` seconds.

    Args:
        what: is measured.
        once: does it once, and returns the seconds.
        limit: seconds.
        where: the limit comes from.
    """
    loop = _real_loop()
    until = loop.time() + SECONDS
    await once()  # the first pays for what is loaded late
    taken: list[float] = []
    while len(taken) < ROUNDS and (not taken or loop.time() < until):
        taken.append(await once())
    ordered = sorted(taken)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    measured(Measure(what, len(ordered), ordered[len(ordered) // 2], p95, limit))
    expect(p95 <= limit, f"{what} took {p95:.3f} s at the 95th of 100, and {limit:g} s are allowed ({where})")


async def soak(once: Callable[[], Awaitable[object]]) -> None:
    """Fail when doing `once` again and again leaves tasks, threads, files or memory behind."""
    loop = _real_loop()
    until = loop.time() + SECONDS
    for _ in range(WARM_UP):
        await once()
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    try:
        before, rounds = _held(), 0
        while rounds < SOAK and (rounds < WARM_UP or loop.time() < until):
            await once()
            rounds += 1
        await asyncio.sleep(0.1)
        after = _held()
    finally:
        if started:
            tracemalloc.stop()
    for name, allowed in (("tasks", 0), ("threads", 0), ("files", 0), ("bytes", GROWTH)):
        more = after[name] - before[name]
        expect(more <= allowed, f"{rounds} rounds left {more} {name} behind")


def _held() -> dict[str, int]:
    gc.collect()
    descriptors = Path("/proc/self/fd")
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate()),
        "files": len(os.listdir(descriptors)) if descriptors.exists() else 0,
        "bytes": tracemalloc.get_traced_memory()[0],
    }


def _real_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.get_running_loop()
    expect(
        not isinstance(loop, VirtualTimeLoop),
        "gold is measured in real time: run the check by asyncio.run, or mark its test real_time",
    )
    return loop
