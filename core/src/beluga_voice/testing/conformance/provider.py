"""The life cycle that all providers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from beluga_voice.contracts import Provider
from beluga_voice.testing.conformance.promises import Promises, Running

if TYPE_CHECKING:
    from collections.abc import Awaitable

P = TypeVar("P", bound=Provider)

promises: Promises[Callable[[], Provider]] = Promises("beluga_voice.contracts.provider")


@promises.made_by("Provider.aclose", "closing twice is harmless")
async def _closes_twice(make: Callable[[], Provider]) -> None:
    provider = make()
    await provider.open()
    await provider.aclose()
    await provider.aclose()


@promises.made_by("Provider.aclose", "when it returns nothing of the provider runs")
async def _leaves_nothing_running(make: Callable[[], Provider]) -> None:
    running = Running()
    async with make():
        pass
    running.expect_nothing_new()


async def check_provider(make: Callable[[], P], check: Callable[[P], Awaitable[None]]) -> None:
    """Hold the life cycle, and `check` on one open provider, after which nothing may be left running."""
    running = Running()
    provider = make()
    who = type(provider).__name__
    async with provider:
        await check(provider)
    ended: Promises[Running] = Promises(promises.module)
    ended.made_by("Provider.aclose", "when it returns nothing of the provider runs")(_nothing_new)
    await ended.check(running, who)
    await promises.check(make, who)


async def _nothing_new(running: Running) -> None:
    running.expect_nothing_new()
