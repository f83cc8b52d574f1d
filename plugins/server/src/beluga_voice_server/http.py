"""HTTP under uvicorn, for callers who take their time."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


def in_time(deadline: float) -> type[H11Protocol]:
    """Return uvicorn's protocol with a deadline for the first request of a connection, which uvicorn has not.

    Args:
        deadline: seconds from the first byte until the request's headers are there; then it is closed.
    """

    class TimedProtocol(H11Protocol):
        """Closes a connection that asks for nothing."""

        seconds: ClassVar[float] = deadline

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            loop = asyncio.get_running_loop()
            self._first = loop.call_later(self.seconds, self._give_up, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            self._first.cancel()
            super().connection_lost(exc)

        def _give_up(self, transport: asyncio.Transport) -> None:
            # A connection that became a WebSocket has another protocol.
            if transport.get_protocol() is self and getattr(self, "cycle", None) is None:
                transport.abort()

    return TimedProtocol
