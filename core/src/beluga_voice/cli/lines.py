"""Standard input, a line at a time, while a loop runs."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import AsyncIterator, Iterable


async def lines_of_stdin() -> AsyncIterator[str]:
    """Give the lines as they come, read no faster than they are taken; what cannot be decoded is replaced.

    They are read by a thread of their own that nobody waits for: while one types, Ctrl-C must not wait for Enter.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    def put(line: str | None) -> None:
        putting = lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        finally:
            putting.close()

    def read() -> None:
        try:
            for line in _stdin():
                put(line)
            put(None)
        except (RuntimeError, asyncio.CancelledError):
            return  # the loop has ended

    threading.Thread(target=read, name="beluga-voice stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _stdin() -> Iterable[str]:
    """Standard input; by a reader of the thread's own, as the interpreter's end would wait for `sys.stdin`."""
    try:
        number = sys.stdin.fileno()
    except io.UnsupportedOperation:
        return sys.stdin
    return open(number, encoding=sys.stdin.encoding, errors="replace", closefd=False)
