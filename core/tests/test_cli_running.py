"""A command's coroutine: in real time or as fast as it goes, and stopped by Ctrl-C in order."""

from __future__ import annotations

import asyncio
import signal
import time

import click
import pytest
from click.testing import CliRunner

from beluga_voice.cli.running import INTERRUPTED, run_command


async def doze(duration: float) -> float:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.sleep(duration)
    return loop.time() - begun


def test_fast_an_hour_takes_no_time() -> None:
    begun = time.monotonic()
    assert run_command(doze(3600), fast=True) == pytest.approx(3600)
    assert time.monotonic() - begun < 30


def test_otherwise_time_is_real() -> None:
    begun = time.monotonic()
    assert run_command(doze(0.02)) >= 0.019
    assert time.monotonic() - begun >= 0.019


def test_ctrl_c_ends_the_work_in_order_with_the_status_of_a_shell() -> None:
    closed = []

    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(30)
        finally:
            closed.append(True)

    @click.command()
    def command() -> None:
        run_command(work())

    assert CliRunner().invoke(command).exit_code == INTERRUPTED
    assert closed == [True]
