"""A vendor's WebSocket server in memory: for codecs on virtual time, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from beluga_voice.connection.policy import ConnectionPolicy
from beluga_voice.connection.request import Message, Request, Service
from beluga_voice.connection.socket import Socket
from beluga_voice.errors import ClosedError, ProviderError


class Caller:
    """A connection as the server sees it.

    Attributes:
        request: of the handshake.
        number: counts the connections from 1.
        sent: what the client has sent, in order.
    """

    def __init__(self, request: Request, number: int) -> None:
        self.request = request
        self.number = number
        self.sent: list[Message] = []
        self.pings = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._to_client: asyncio.Queue[Message | ProviderError] = asyncio.Queue()
        self._to_server: asyncio.Queue[Message | None] = asyncio.Queue()
        self._gone = False

    async def receive(self) -> Message:
        """Wait for the client's next message.

        Raises:
            ClosedError: the client is gone.
        """
        message = None if self._gone else await self._to_server.get()
        if message is None:
            self._gone = True
            raise ClosedError("the client is gone")
        return message

    async def send(self, message: Message) -> None:
        """Send a message to the client."""
        self._to_client.put_nowait(message)
        await asyncio.sleep(0)

    def stop_reading(self) -> None:
        """Take nothing more from the client: its sends wait."""
        self.reading.clear()

    def close(self, *, retryable: bool = True) -> None:
        """Close the connection."""
        self._to_client.put_nowait(ProviderError("the server closed the connection", retryable=retryable))


class _MemorySocket:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send(self, message: Message) -> None:
        await self._caller.reading.wait()
        self._caller.sent.append(message)
        self._caller._to_server.put_nowait(message)

    async def receive(self) -> Message:
        message = await self._caller._to_client.get()
        if isinstance(message, ProviderError):
            raise message
        return message

    async def ping(self) -> None:
        self._caller.pings += 1

    async def aclose(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._caller._to_server.put_nowait(None)


Serve: TypeAlias = Callable[[Caller], Awaitable[None]]


class MemoryServer:
    """Stands in the place of a codec's `connector`, and serves each connection by a function.

    When the function returns, the connection stays open; `Caller.close` closes it.

    Args:
        serve: serves a connection; `ClosedError` from `Caller.receive` may leave it.

    Attributes:
        callers: the connections so far.
        refusals: errors with which the next handshakes are refused, in order.
        open_delay: seconds that a handshake takes.
    """

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []
        self.callers: list[Caller] = []
        self.refusals: list[ProviderError] = []
        self.open_delay = 0.0

    async def connect(self, request: Request, service: Service, policy: ConnectionPolicy) -> Socket:  # noqa: ARG002
        """Open a connection; see `beluga_voice.connection.Connector`."""
        await asyncio.sleep(self.open_delay)
        if self.refusals:
            raise self.refusals.pop(0)
        caller = Caller(request, len(self.callers) + 1)
        self.callers.append(caller)
        task = asyncio.create_task(self._run(caller), name=f"memory server {caller.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _MemorySocket(caller)

    async def _run(self, caller: Caller) -> None:
        try:
            await self._serve(caller)
        except* ClosedError:
            pass
        except* Exception as errors:  # noqa: BLE001 - raised by `aclose`
            self._errors.extend(errors.exceptions)
            caller.close()

    async def aclose(self) -> None:
        """End what still serves. Idempotent.

        Raises:
            ExceptionGroup: of what the serving function raised.
        """
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        errors, self._errors = self._errors, []
        if errors:
            raise ExceptionGroup("the serving function failed", errors)
