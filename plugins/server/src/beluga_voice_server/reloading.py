"""``dev``: the server in a process of its own, begun anew whenever the program changes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from beluga_voice.cli.running import run_command

PERIOD = 0.25
"""Seconds between two looks at the files."""

ENDING = 3.0
"""Seconds that the process may take to end; then it is killed."""

PATTERNS = ("*.py", "*.toml", ".env")
SKIPPED = {"__pycache__", "node_modules", "site-packages"}
MOST_FILES = 5000

Seen = dict[Path, int]
"""When each file was changed, in nanoseconds of its file system."""


def watch() -> None:
    """Run ``serve`` in place of ``dev``, again whenever a file below this folder changes."""
    arguments = sys.argv[1:]
    at = arguments.index("dev")
    program = sys.orig_argv[: len(sys.orig_argv) - len(arguments)]
    command = [*program, *arguments[:at], "serve", *arguments[at + 1 :]]
    with suppress(asyncio.CancelledError):  # by SIGTERM
        run_command(_watch([sys.executable, *command[1:]], Path.cwd()))


async def _watch(command: Sequence[str], folder: Path) -> None:
    task = asyncio.current_task()
    if task is not None and os.name != "nt":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    seen = look(folder)
    while True:
        environ = {**os.environ, "BELUGA_VOICE_SERVER__DRAIN": "0"}
        process = await asyncio.create_subprocess_exec(*command, env=environ)
        try:
            now = await _changed(folder, seen)
        finally:
            await _end(process)
        changed = sorted({path for path, _ in now.items() ^ seen.items()})
        seen = now
        click.echo(f"{changed[0].relative_to(folder)} has changed: starting again", err=True)


async def _changed(folder: Path, seen: Seen) -> Seen:
    """Wait until the files are not as they were `seen`; return how they are."""
    while True:
        await asyncio.sleep(PERIOD)
        if (now := look(folder)) != seen:
            return now


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(ENDING):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def look(folder: Path) -> Seen:
    """Return when each file that matters was changed; hidden folders and installed packages do not."""
    seen: Seen = {}
    for parent, folders, _ in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".") and each not in SKIPPED]
        for pattern in PATTERNS:
            for path in Path(parent).glob(pattern):
                try:
                    seen[path] = path.stat().st_mtime_ns
                except OSError:  # it has just been removed
                    continue
        if len(seen) > MOST_FILES:
            break
    return seen
