"""Running a command's coroutine: in real time, or as fast as the engines go."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import click

from beluga_voice.clock import run_virtual

T = TypeVar("T")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as of a shell's command that a signal ended: 128 + SIGINT."""


def run_command(work: Coroutine[object, object, T], *, fast: bool = False) -> T:
    """Run `work`; Ctrl-C ends it in order, with status 130."""
    try:
        return run_virtual(work) if fast else asyncio.run(work)
    except KeyboardInterrupt:
        click.get_current_context().exit(INTERRUPTED)
