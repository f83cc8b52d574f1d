"""Lines of standard input: as they come, whatever their bytes, and never waited for after the loop's end."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from beluga_voice.cli.lines import lines_of_stdin

pytestmark = pytest.mark.real_time


@contextmanager
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make a pipe standard input; give the number to write to."""
    read, write = os.pipe()
    with open(read, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield write


def readers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "beluga-voice stdin"]


async def test_lines_come_in_order_and_what_cannot_be_decoded_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with piped(monkeypatch) as write:
        os.write(write, b"one\ntw\xff\nlast")
        os.close(write)
        assert [line async for line in lines_of_stdin()] == ["one\n", "tw\N{REPLACEMENT CHARACTER}\n", "last"]


async def test_a_line_is_given_before_the_next_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(monkeypatch) as write:
        lines = lines_of_stdin()
        for line in ("one\n", "two\n"):
            os.write(write, line.encode())
            assert await asyncio.wait_for(anext(lines), 10) == line
        os.close(write)
        assert [line async for line in lines] == []


async def test_a_standard_input_without_a_number_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\n"))
    assert [line async for line in lines_of_stdin()] == ["one\n", "two\n"]


def test_a_line_that_comes_after_the_loops_end_ends_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    async def first() -> str:
        return await anext(lines_of_stdin())

    with piped(monkeypatch) as write:
        os.write(write, b"one\n")
        assert asyncio.run(first()) == "one\n"
        os.write(write, b"two\nthree\n")
        os.close(write)
        for reader in readers():
            reader.join(10)
        assert readers() == []
