"""Closing what a session has opened: within a bound, whatever the provider does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("beluga_voice")

Closing = tuple[str, Callable[[], Awaitable[object]]]
"""What is closed, by its name, and how; what gives False could not be closed."""


async def close_within(deadline: float, closing: Closing) -> bool:
    """Close something in `deadline` seconds at most; what fails or takes longer is logged, and left.

    Returns:
        Whether it was closed.
    """
    name, close = closing
    try:
        async with asyncio.timeout(deadline):
            return await close() is not False
    except Exception as error:  # noqa: BLE001 - the boundary to a provider
        logger.warning("closing the %s of a session failed: %r", name, error)
        return False


async def close_all(deadline: float, closings: list[Closing], left: list[str] | None = None) -> None:
    """Close everything, the latest first, `deadline` seconds at most for each; the list is empty then.

    Goes on to the end when it is cancelled meanwhile.

    Args:
        deadline: seconds for each.
        closings: what is open.
        left: takes the names of what could not be closed.

    Raises:
        CancelledError: it was cancelled meanwhile.
    """
    cancelled: asyncio.CancelledError | None = None
    failed = [] if left is None else left
    while closings:
        closing = closings.pop()
        try:
            if not await close_within(deadline, closing):
                failed.append(closing[0])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
