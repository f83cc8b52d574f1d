"""A vendor's WebSocket server for tests: in memory on virtual time, or on a real socket of this machine.

Both serve each connection by the same function, so that every fault that one can play is shown on both:

    async def serve(caller: Caller) -> None:
        while True:
            message = await caller.receive()
            await caller.send(answer_to(message))

    stt.connector = MemoryServer(serve)                   # no socket at all
    async with LocalServer(serve) as server:              # a real one; its address is server.url
        ...
"""

from __future__ import annotations

import asyncio
import importlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from beluga_voice.connection.policy import ConnectionPolicy
from beluga_voice.connection.request import Message, Request, Service
from beluga_voice.connection.socket import RETRYABLE_CLOSES, Socket
from beluga_voice.connection.status import status_error
from beluga_voice.errors import ClosedError, ProviderError

if TYPE_CHECKING:
    from aiohttp import web


class Caller(ABC):
    """A connection as the server sees it.

    Attributes:
        request: of the handshake.
        number: counts the connections from 1.
        sent: what the client has sent so far, as far as it was read.
    """

    def __init__(self, request: Request, number: int) -> None:
        self.request = request
        self.number = number
        self.sent: list[Message] = []

    @abstractmethod
    async def receive(self) -> Message:
        """Wait for the client's next message.

        Raises:
            ClosedError: the client is gone.
        """

    @abstractmethod
    async def send(self, message: Message) -> None:
        """Send a message to the client."""

    @abstractmethod
    async def stop_reading(self) -> None:
        """Take nothing more from the client, and leave the connection open until the client gives it up."""

    @abstractmethod
    async def close(self, code: int = 1000) -> None:
        """Close the connection with a close frame.

        Raises:
            ClosedError: always: it is closed.
        """

    @abstractmethod
    async def cut(self) -> None:
        """Break the connection without a close frame.

        Raises:
            ClosedError: always: it is gone.
        """


Serve: TypeAlias = Callable[[Caller], Awaitable[None]]


class _Server:
    """What both servers have in common.

    Attributes:
        callers: the connections so far.
        refusals: statuses with which the next handshakes are refused, in order, each with its `Retry-After`.
    """

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._errors: list[Exception] = []
        self.callers: list[Caller] = []
        self.refusals: list[tuple[int, float | None]] = []

    def refuse(self, *statuses: int, retry_after: float | None = None) -> None:
        """Refuse as many handshakes from now on with these statuses."""
        self.refusals += [(status, retry_after) for status in statuses]

    async def _run(self, caller: Caller) -> None:
        self.callers.append(caller)
        try:
            await self._serve(caller)
        except* ClosedError:
            pass
        except* Exception as errors:  # noqa: BLE001 - raised when the server is closed
            self._errors.extend(errors.exceptions)

    def _raise_errors(self) -> None:
        errors, self._errors = self._errors, []
        if errors:
            raise ExceptionGroup("the serving function failed", errors)


# -- in memory --


class MemoryServer(_Server):
    """Stands in the place of a codec's `connector`: connections are queues, and virtual time may be used.

    When the serving function returns, the connection stays open.

    Args:
        serve: serves a connection.

    Attributes:
        open_delay: seconds that a handshake takes.
        pings: how often a client has sent a ping.
    """

    def __init__(self, serve: Serve) -> None:
        super().__init__(serve)
        self._tasks: set[asyncio.Task[None]] = set()
        self.open_delay = 0.0
        self.pings = 0

    async def connect(self, request: Request, service: Service, policy: ConnectionPolicy) -> Socket:  # noqa: ARG002
        """Open a connection; see `beluga_voice.connection.Connector`."""
        await asyncio.sleep(self.open_delay)
        if self.refusals:
            status, after = self.refusals.pop(0)
            headers = {} if after is None else {"Retry-After": str(after)}
            raise status_error(status, service, headers=headers)
        caller = _MemoryCaller(request, len(self.callers) + 1)
        task = asyncio.create_task(self._run(caller), name=f"memory server {caller.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _MemorySocket(self, caller)

    async def aclose(self) -> None:
        """End what still serves. Idempotent.

        Raises:
            ExceptionGroup: of what the serving function raised.
        """
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        self._raise_errors()


class _MemoryCaller(Caller):
    def __init__(self, request: Request, number: int) -> None:
        super().__init__(request, number)
        self.reading = asyncio.Event()
        self.reading.set()
        self.gone = asyncio.Event()
        self.to_client: asyncio.Queue[Message | ProviderError] = asyncio.Queue()
        self.to_server: asyncio.Queue[Message | None] = asyncio.Queue()

    async def receive(self) -> Message:
        message = None if self.gone.is_set() else await self.to_server.get()
        if message is None:
            self.gone.set()
            raise ClosedError("the client is gone")
        return message

    async def send(self, message: Message) -> None:
        self.to_client.put_nowait(message)
        await asyncio.sleep(0)

    async def stop_reading(self) -> None:
        self.reading.clear()
        await self.gone.wait()
        raise ClosedError("the client is gone")

    async def close(self, code: int = 1000) -> None:
        text = f"the server closed the connection (code {code})"
        self.to_client.put_nowait(ProviderError(text, retryable=code in RETRYABLE_CLOSES))
        raise ClosedError("it is closed")

    async def cut(self) -> None:
        await self.close(1006)


class _MemorySocket:
    def __init__(self, server: MemoryServer, caller: _MemoryCaller) -> None:
        self._server = server
        self._caller = caller

    async def send(self, message: Message) -> None:
        await self._caller.reading.wait()
        self._caller.sent.append(message)
        self._caller.to_server.put_nowait(message)

    async def receive(self) -> Message:
        message = await self._caller.to_client.get()
        if isinstance(message, ProviderError):
            raise message
        return message

    async def ping(self) -> None:
        self._server.pings += 1

    async def aclose(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._caller.gone.set()
        self._caller.to_server.put_nowait(None)


# -- on a socket --


class LocalServer(_Server):
    """Listens on a free port of this machine. Needs real time (``pytest.mark.real_time``) and the extra ``net``.

    When the serving function returns, the connection is closed.

    Args:
        serve: serves a connection.
    """

    def __init__(self, serve: Serve) -> None:
        super().__init__(serve)
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The address of its WebSocket."""
        return f"ws://127.0.0.1:{self.port}/"

    async def __aenter__(self) -> Self:
        module = importlib.import_module("aiohttp.web")
        app = module.Application()
        app.router.add_get("/{path:.*}", self._handle)
        runner = module.AppRunner(app, shutdown_timeout=0.5, handler_cancellation=True)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await module.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        await self._stack.aclose()
        if error is None:
            self._raise_errors()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        module = importlib.import_module("aiohttp.web")
        if self.refusals:
            status, after = self.refusals.pop(0)
            headers = {} if after is None else {"Retry-After": str(after)}
            refused: web.StreamResponse = module.Response(status=status, headers=headers)
            return refused
        opened: web.WebSocketResponse = module.WebSocketResponse(timeout=0.2)
        await opened.prepare(request)
        caller = _LocalCaller(request, opened, len(self.callers) + 1)
        task = asyncio.create_task(self._run(caller), name=f"local server {caller.number}")
        self._tasks.add(task)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._tasks.discard(task)
        return opened


class _LocalCaller(Caller):
    def __init__(self, request: web.Request, opened: web.WebSocketResponse, number: int) -> None:
        super().__init__(Request(str(request.url), headers=dict(request.headers)), number)
        self._transport = request.transport
        self._opened = opened

    async def receive(self) -> Message:
        message = await self._opened.receive()
        if not isinstance(message.data, (str, bytes)):
            raise ClosedError("the client is gone")
        self.sent.append(message.data)
        return message.data

    async def send(self, message: Message) -> None:
        try:
            if isinstance(message, str):
                await self._opened.send_str(message)
            else:
                await self._opened.send_bytes(message)
        except OSError:
            raise ClosedError("the client is gone") from None

    async def stop_reading(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.pause_reading()
        await asyncio.get_running_loop().create_future()

    async def close(self, code: int = 1000) -> None:
        await self._opened.close(code=code)
        raise ClosedError("it is closed")

    async def cut(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()
        raise ClosedError("it is gone")
