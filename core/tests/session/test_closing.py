"""Closing what a session has opened."""

from __future__ import annotations

import asyncio

import pytest

from beluga_voice.session.closing import Closing, close_all


async def test_everything_is_closed_the_latest_first_whatever_the_others_do() -> None:
    closed: list[str] = []

    def closing(name: str, wait: float = 0.0) -> Closing:
        async def close() -> None:
            closed.append(name)
            await asyncio.sleep(wait)
            if name == "raises":
                raise OSError("no")

        return name, close

    closings = [closing("first"), closing("raises"), closing("hangs", 1000), closing("last")]
    await close_all(0.5, closings)
    assert closed == ["last", "hangs", "raises", "first"]
    assert closings == []
    assert asyncio.get_running_loop().time() == 0.5


async def test_what_is_cancelled_while_it_closes_closes_the_rest_all_the_same() -> None:
    closed: list[str] = []

    async def first() -> None:
        closed.append("first")

    async def hangs() -> None:
        await asyncio.sleep(1000)

    task = asyncio.create_task(close_all(5, [("first", first), ("hangs", hangs)]))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["first"]
