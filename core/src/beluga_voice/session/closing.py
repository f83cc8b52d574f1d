"""Closing what a session has opened: within a bound, whatever the provider does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("beluga_voice")

Closing = tuple[str, Callable[[], Awaitable[None]]]
"""What is closed, by its name, and how."""


async def close_within(deadline: float, closing: Closing) -> None:
    """Close something in `deadline` seconds at most; what fails or takes longer is logged, and left."""
    name, close = closing
    try:
        async with asyncio.timeout(deadline):
            await close()
    except Exception as error:  # noqa: BLE001 - the boundary to a provider
        logger.warning("closing the %s of a session failed: %r", name, error)


async def close_all(deadline: float, closings: list[Closing]) -> None:
    """Close everything, the latest first, `deadline` seconds at most for each; the list is empty then.

    Goes on to the end when it is cancelled meanwhile.

    Raises:
        CancelledError: it was cancelled meanwhile.
    """
    cancelled: asyncio.CancelledError | None = None
    while closings:
        try:
            await close_within(deadline, closings.pop())
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
