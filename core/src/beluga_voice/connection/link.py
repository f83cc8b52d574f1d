"""A connection that is looked after: opened, kept, opened again, and ended; what is said on it, a driver tells."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Protocol

from beluga_voice.connection.policy import ConnectionPolicy, Supervisor
from beluga_voice.connection.request import Message, Request, Service
from beluga_voice.connection.socket import Connector, Socket, close_socket
from beluga_voice.errors import ProviderError, ProviderTimeoutError


class Driver(Protocol):
    """What is said over a link. All methods are sync, and are called on the loop's thread."""

    @property
    def ready(self) -> bool:
        """Whether the vendor takes messages: it gives its word, where it gives one."""

    @property
    def wanted(self) -> bool:
        """Whether a connection that is lost is needed again now."""

    @property
    def owed(self) -> bool:
        """Whether the vendor owes a message."""

    @property
    def due(self) -> float | None:
        """When, in the loop's time, `expire` is to be called; None for never."""

    def expire(self, now: float) -> None:
        """Time has come to what `due` told."""

    def request(self) -> Request:
        """Return the handshake's request; asked for at each connection."""

    def opening(self) -> Iterable[Message]:
        """Yield what is sent first on each connection, before it is `ready`."""

    def next_message(self) -> Message | None:
        """Return what is to be sent next, taken as sent; None if there is nothing now."""

    def received(self, message: Message) -> None:
        """Take a message.

        Raises:
            ProviderError: it says that the vendor failed.
        """

    def keep_alive(self) -> Message | None:
        """Return what keeps an idle connection; None for a ping."""

    def closing(self) -> Message | None:
        """Return what is sent before a polite end; None for nothing."""

    def lost(self) -> None:
        """The connection is lost: what was sent and not acknowledged is to be sent again, on the next."""

    def failed(self, error: Exception) -> None:
        """There will be no other connection."""


class Link:
    """Keeps a WebSocket to a vendor for a driver, in a task of its own that `aclose` ends.

    Args:
        driver: says what is said.
        connector: opens sockets.
        service: named in errors.
        policy: deadlines and tries.
        reopens: whether a connection that was ready and is lost is opened again.
    """

    def __init__(
        self,
        driver: Driver,
        connector: Connector,
        service: Service,
        policy: ConnectionPolicy,
        *,
        reopens: bool = True,
    ) -> None:
        self._reopens = reopens
        self._driver = driver
        self._connector = connector
        self._service = service
        self._policy = policy
        self._supervisor = Supervisor(policy, random.random)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._watch_again = asyncio.Event()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    # -- for who owns it --

    async def open(self) -> None:
        """Connect, and return when the vendor is ready.

        Raises:
            ProviderError: it cannot be had, with what the policy allows of tries.
        """
        self._task = asyncio.create_task(self._run(), name=f"beluga-voice link to {self._service.name}")
        try:
            await asyncio.shield(self._opened)
        except BaseException:
            await self.aclose()
            raise

    def wake(self) -> None:
        """There is something to be sent, or `Driver.due` has changed."""
        self._wake.set()
        self._watch_again.set()

    async def aclose(self) -> None:
        """End the connection, within the policy's deadline. Idempotent."""
        self._closing = True
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not self._opened.done():
            self._opened.cancel()
        elif not self._opened.cancelled():
            self._opened.exception()

    # -- its life --

    async def _run(self) -> None:
        try:
            while True:
                error = await self._attempt()
                if self._closing:
                    return  # cancelled in the instant of the failure, which hides that
                delay = self._supervisor.lost(error, self._loop.time())
                if delay is None or (self._opened.done() and not self._reopens):
                    raise error
                self._driver.lost()
                await asyncio.sleep(delay)
                if self._opened.done():
                    await self._wait_wanted()
        except Exception as error:  # noqa: BLE001 - raised to whoever uses the driver
            if not self._opened.done():
                self._opened.set_exception(error)
                self._opened.exception()
            self._driver.failed(error)

    async def _wait_wanted(self) -> None:
        while not self._driver.wanted:
            self._wake.clear()
            await self._wake.wait()

    async def _attempt(self) -> ProviderError:
        """Use one connection until it fails, and return why."""
        try:
            socket = await self._connect()
        except ProviderError as error:
            return error
        try:
            self._supervisor.opened(self._loop.time())
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(socket))
                group.create_task(self._write(socket))
                group.create_task(self._watch(socket))
        except ExceptionGroup as errors:
            return _first(errors)
        finally:
            await self._close(socket, politely=self._closing)
        raise AssertionError("a connection is used until it fails")

    async def _connect(self) -> Socket:
        deadline = self._policy.open_deadline
        try:
            async with asyncio.timeout(deadline):
                return await self._connector.connect(self._driver.request(), self._service, self._policy)
        except TimeoutError:
            raise ProviderTimeoutError(
                f"{self._service.name} did not open a connection within {deadline:g} s"
            ) from None

    async def _close(self, socket: Socket, *, politely: bool) -> None:
        try:
            message = self._driver.closing() if politely and self._driver.ready else None
            if message is not None:
                async with asyncio.timeout(self._policy.close_deadline):
                    await socket.send(message)
            await close_socket(socket, self._policy.close_deadline if politely else 0)
        except (ProviderError, TimeoutError):
            pass
        finally:
            socket.abort()

    # -- its three tasks --

    async def _read(self, socket: Socket) -> None:
        while True:
            message = await socket.receive()
            self._supervisor.received(self._loop.time())
            self._driver.received(message)
            if self._driver.ready and not self._opened.done():
                self._opened.set_result(None)
            self.wake()

    async def _write(self, socket: Socket) -> None:
        for message in self._driver.opening():
            await self._send(socket, message)
        if self._driver.ready and not self._opened.done():
            self._opened.set_result(None)
        while True:
            self._wake.clear()
            while self._driver.ready and (following := self._driver.next_message()) is not None:
                await self._send(socket, following)
                self._watch_again.set()
            await self._wake.wait()

    async def _send(self, socket: Socket, message: Message) -> None:
        deadline = self._policy.send_deadline
        try:
            async with asyncio.timeout(deadline):
                await socket.send(message)
        except TimeoutError:
            raise ProviderTimeoutError(
                f"{self._service.name} did not take a message within {deadline:g} s"
            ) from None
        self._supervisor.sent(self._loop.time())

    async def _watch(self, socket: Socket) -> None:
        """Do what is due: keep the connection, or give it up."""
        ready_by = self._loop.time() + self._policy.open_deadline
        while True:
            now = self._loop.time()
            if self._driver.due is not None and now >= self._driver.due:
                self._driver.expire(now)
            self._supervisor.owed(self._driver.owed, now)
            if not self._driver.ready and now >= ready_by:
                raise self._late("say that it is ready", self._policy.open_deadline)
            if self._supervisor.answer_by is not None and now >= self._supervisor.answer_by:
                raise self._late("answer", self._policy.answer_deadline)
            if self._supervisor.keep_alive_at is not None and now >= self._supervisor.keep_alive_at:
                await self._keep(socket)
            await self._sleep_until(None if self._driver.ready else ready_by)

    async def _keep(self, socket: Socket) -> None:
        message = self._driver.keep_alive() if self._driver.ready else None
        if message is not None:
            await self._send(socket, message)
        else:
            self._supervisor.sent(self._loop.time())
            await socket.ping()

    async def _sleep_until(self, ready_by: float | None) -> None:
        dues = (ready_by, self._driver.due, self._supervisor.answer_by, self._supervisor.keep_alive_at)
        self._watch_again.clear()
        try:
            async with asyncio.timeout_at(min((due for due in dues if due is not None), default=None)):
                await self._watch_again.wait()
        except TimeoutError:
            return

    def _late(self, what: str, deadline: float) -> ProviderTimeoutError:
        return ProviderTimeoutError(f"{self._service.name} did not {what} within {deadline:g} s")


def _first(group: ExceptionGroup[Exception]) -> ProviderError:
    """Return the error of a group that was raised first.

    Raises:
        Exception: it is none of a vendor's, but a bug.
    """
    first = group.exceptions[0]
    if isinstance(first, ProviderError):
        return first
    raise first
