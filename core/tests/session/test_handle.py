"""The handle of a say."""

from __future__ import annotations

import asyncio

from beluga_voice.events import Outcome, Source, UtteranceEnded
from beluga_voice.session.handle import SayHandle

ENDED = UtteranceEnded(1.0, -1, Source.SAY, Outcome.PLAYED, "Hello.")


def _handle() -> tuple[SayHandle, asyncio.Future[UtteranceEnded], list[int]]:
    ended: asyncio.Future[UtteranceEnded] = asyncio.get_running_loop().create_future()
    cuts: list[int] = []
    return SayHandle(-1, "Hello.", ended, cuts.append), ended, cuts


async def test_many_may_await_it_and_again_later() -> None:
    handle, ended, _ = _handle()
    waiting = [asyncio.create_task(handle.wait_for_playout()) for _ in range(3)]
    await asyncio.sleep(1)
    ended.set_result(ENDED)
    assert await asyncio.gather(*waiting) == [ENDED] * 3
    assert await handle == ENDED
    assert handle.done


async def test_one_who_gives_up_waiting_cuts_nothing() -> None:
    handle, ended, cuts = _handle()
    waiting = asyncio.create_task(handle.wait_for_playout())
    await asyncio.sleep(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (handle.done, ended.cancelled(), cuts) == (False, False, [])


async def test_cancel_asks_for_the_cut_and_after_the_end_for_nothing() -> None:
    handle, ended, cuts = _handle()
    handle.cancel()
    assert cuts == [-1]
    ended.set_result(ENDED)
    handle.cancel()
    assert cuts == [-1]
