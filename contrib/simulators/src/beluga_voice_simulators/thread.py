"""A simulator in a thread of its own: for tests and programs without a loop, or with one to be let alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from beluga_voice_simulators.server import Simulator

S = TypeVar("S", bound=Simulator)

STARTS_WITHIN = 30.0
"""Seconds that a simulator may take to listen, and to end."""


@contextmanager
def running(simulator: S) -> Iterator[S]:
    """Run a simulator on a loop with real time in another thread, until the block ends.

    Its `faults`, `asked` and address may be used from here.

    Raises:
        OSError: it cannot listen, as when its port is taken.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"simulated {simulator.vendor}", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(simulator.__aenter__(), loop).result(STARTS_WITHIN)
        try:
            yield simulator
        finally:
            asyncio.run_coroutine_threadsafe(simulator.__aexit__(None, None, None), loop).result(
                STARTS_WITHIN
            )
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STARTS_WITHIN)
        loop.close()
