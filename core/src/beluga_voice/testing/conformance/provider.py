"""The life cycle that all providers share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from beluga_voice.contracts import Provider
from beluga_voice.testing.conformance.promises import Promises, Running, soon

P = TypeVar("P", bound=Provider)

ENDS_WITHIN = 30.0
"""Seconds that a provider may take to close: connections are drained, worker processes end."""


@dataclass(frozen=True, slots=True)
class Case:
    """A provider that was opened and used, and what ran before it was made."""

    provider: Provider
    before: Running


promises: Promises[Case] = Promises("beluga_voice.contracts.provider")


async def check_provider(make: Callable[[], P], check: Callable[[P], Awaitable[None]]) -> None:
    """Hold `check` on one open provider, and then its life cycle."""
    before = Running()
    provider = make()
    await provider.open()
    try:
        await check(provider)
    except BaseException:
        await provider.aclose()
        raise
    await promises.check(Case(provider, before), type(provider).__name__)


@promises.made_by("Provider.aclose", "when it returns nothing of the provider runs")
async def _leaves_nothing_running(case: Case) -> None:
    await soon(case.provider.aclose(), "aclose", ENDS_WITHIN)
    case.before.expect_nothing_new()


@promises.made_by("Provider.aclose", "closing twice is harmless")
async def _closes_twice(case: Case) -> None:
    await soon(case.provider.aclose(), "the second aclose", ENDS_WITHIN)
