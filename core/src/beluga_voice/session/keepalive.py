"""Keeping idle streams and lines open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from beluga_voice.errors import BelugaVoiceError, ProviderTimeoutError


async def keep_alive(
    streams: Mapping[str, Callable[[], Awaitable[None]]],
    *,
    interval: float,
    deadline: float,
    failed: Callable[[str, BelugaVoiceError], None],
) -> None:
    """Call each of `streams` every `interval` seconds, for ever; what fails is told, and called again next time.

    Args:
        streams: what keeps a stream alive, by its kind.
        interval: seconds from one time to the next.
        deadline: seconds that each may take.
        failed: takes the kind, and what was wrong.
    """
    while True:
        await asyncio.sleep(interval)
        for kind, keep in streams.items():
            try:
                async with asyncio.timeout(deadline):
                    await keep()
            except TimeoutError:
                failed(kind, ProviderTimeoutError(f"no keep-alive within {deadline:g} s", kind=kind))
            except BelugaVoiceError as error:
                failed(kind, error)
