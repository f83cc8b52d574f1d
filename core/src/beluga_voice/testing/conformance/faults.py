"""Faults of a vendor's line, put between a provider and its vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from beluga_voice.codecs.codec import Codec
from beluga_voice.connection.policy import ConnectionPolicy
from beluga_voice.connection.request import Message, Request, Service
from beluga_voice.connection.socket import Connector, Socket
from beluga_voice.errors import ProviderError
from beluga_voice.testing.conformance.promises import expect

P = TypeVar("P")


class VendorFaults(Protocol):
    """A vendor whose line can be made to fail. `FaultyLine` is one for every provider over `beluga_voice.codecs`.

    A provider with a connection of its own is checked by giving such an object to its check.
    """

    def cut(self) -> None:
        """Break all connections without a close frame; those that are opened after it work."""

    def stop_reading(self) -> None:
        """Accept connections and take nothing from any, those that are open included."""

    def fall_silent(self) -> None:
        """Take everything, and answer nothing."""

    def recover(self) -> None:
        """Work again."""


class FaultyLine:
    """Stands between codecs and their connector, and breaks what goes over it."""

    def __init__(self) -> None:
        self._sockets: set[_FaultySocket] = set()
        self.reading = asyncio.Event()
        self.answering = asyncio.Event()
        self.recover()

    def between(self, make: Callable[[], P]) -> Callable[[], P]:
        """Return what makes the same providers, each with this line between itself and its connector."""

        def made() -> P:
            provider = make()
            if isinstance(provider, Codec):
                provider.connector = _FaultyConnector(self, provider.connector)
            return provider

        return made

    def cut(self) -> None:
        """Break all connections without a close frame."""
        for socket in tuple(self._sockets):
            socket.break_off()

    def stop_reading(self) -> None:
        """Take nothing, but connections."""
        self.reading.clear()

    def fall_silent(self) -> None:
        """Answer nothing."""
        self.answering.clear()

    def recover(self) -> None:
        """Work again."""
        self.reading.set()
        self.answering.set()

    def add(self, socket: _FaultySocket) -> None:
        """Know of an open connection."""
        self._sockets.add(socket)

    def discard(self, socket: _FaultySocket) -> None:
        """Know that a connection is over."""
        self._sockets.discard(socket)


class _FaultyConnector:
    """Opens connections that the line can break."""

    def __init__(self, line: FaultyLine, inner: Connector) -> None:
        self._line = line
        self._inner = inner

    async def connect(self, request: Request, service: Service, policy: ConnectionPolicy) -> Socket:
        """Open a connection; see `Connector.connect`."""
        return _FaultySocket(self._line, await self._inner.connect(request, service, policy))

    async def aclose(self) -> None:
        """Release what is shared."""
        await self._inner.aclose()


class _FaultySocket:
    """A connection that the line can break."""

    def __init__(self, line: FaultyLine, inner: Socket) -> None:
        self._line = line
        self._inner = inner
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.add(self)

    def break_off(self) -> None:
        """Lose the connection, as by a cable that is pulled."""
        self._line.discard(self)
        if not self._broken.done():
            self._broken.set_result(None)
        self._inner.abort()

    async def send(self, message: Message) -> None:
        """Send a message, once the vendor reads."""
        await self._unless_broken(self._line.reading.wait())
        await self._inner.send(message)

    async def receive(self) -> Message:
        """Receive a message, once the vendor answers."""
        message = await self._unless_broken(self._inner.receive())
        await self._unless_broken(self._line.answering.wait())
        return message

    async def ping(self) -> None:
        """Ping, once the vendor reads."""
        await self._unless_broken(self._line.reading.wait())
        await self._inner.ping()

    async def aclose(self) -> None:
        """Close politely."""
        self._line.discard(self)
        if not self._broken.done():
            await self._inner.aclose()

    def abort(self) -> None:
        """Cut the connection."""
        self._line.discard(self)
        self._inner.abort()

    async def _unless_broken(self, call: Coroutine[object, object, P]) -> P:
        waiting: asyncio.Future[P] = asyncio.ensure_future(call)
        try:
            either: list[asyncio.Future[Any]] = [waiting, self._broken]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._broken.done():
                raise ProviderError("the connection was lost", retryable=True, code="network_error")
            return waiting.result()
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.wait([waiting])
            elif not waiting.cancelled():
                waiting.exception()


GIVES_UP_WITHIN = 45.0
"""Seconds within which a provider tells that its vendor fails: some tries, each with its deadlines."""

PROMPT = 5.0
"""Seconds that closing may take while the vendor fails."""


def expect_retryable(error: ProviderError, when: str) -> None:
    """Fail unless whoever gets `error` is told that another try may work."""
    expect(error.retryable, f"{when} raised {type(error).__name__}, which is not retryable: {error}")
