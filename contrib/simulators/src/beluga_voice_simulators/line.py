"""A WebSocket as a simulated vendor holds it, with the faults that any vendor has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import NoReturn

from aiohttp import WSMsgType, web

from beluga_voice_simulators.faults import Fault, Faults

BROKEN = '{"type": "'
"""A message that is no JSON."""

SECOND = 1
"""Answers that come before one that goes wrong."""


class Gone(Exception):
    """The client is gone, or the connection was ended."""


class Line:
    """An open WebSocket.

    Attributes:
        request: of the handshake.
        received: messages that have come, oldest first; audio as bytes.
        sent: how many answers were given.
    """

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, faults: Faults) -> None:
        self.request = request
        self.received: list[str | bytes] = []
        self.sent = 0
        self._socket = socket
        self._faults = faults

    @classmethod
    async def open(
        cls,
        request: web.Request,
        faults: Faults,
        *,
        protocols: tuple[str, ...] = (),
        max_size: int = 16 << 20,
    ) -> Line:
        """Accept the handshake; with `Fault.NEVER_READS`, do no more until the client gives up.

        Raises:
            Gone: the client has given up.
        """
        socket = web.WebSocketResponse(protocols=protocols, max_msg_size=max_size, timeout=0.5)
        await socket.prepare(request)
        line = cls(request, socket, faults)
        if faults.take(Fault.NEVER_READS):
            await line._never_read()
        return line

    @property
    def response(self) -> web.WebSocketResponse:
        """What a handler returns."""
        return self._socket

    async def receive(self) -> str | bytes:
        """Wait for the client's next message.

        Raises:
            Gone: the client is gone; or it said nothing for as long as `Fault.IDLE_TIMEOUT` allows.
        """
        idle = self._faults.idle if self._faults.has(Fault.IDLE_TIMEOUT) else None
        try:
            async with asyncio.timeout(idle):
                data = await self.receive_data()
        except TimeoutError:
            self._faults.take(Fault.IDLE_TIMEOUT)
            await self.close(1011, "idle for too long")
        self.received.append(data)
        return data

    async def send(self, message: str | bytes | Mapping[str, object]) -> None:
        """Send a message; a mapping as JSON.

        Raises:
            Gone: the client is gone, or a fault has cut the connection.
        """
        if self.sent >= SECOND:
            if self._faults.take(Fault.CUT):
                self.cut()
            if self._faults.take(Fault.MALFORMED):
                message = BROKEN
        data = json.dumps(message) if isinstance(message, Mapping) else message
        await self.send_data(data)
        self.sent += 1

    async def receive_data(self) -> str | bytes:
        """Wait for the next message, whatever the faults; raises `Gone` as `receive`."""
        message = await self._socket.receive()
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            raise Gone
        data: str | bytes = message.data
        return data

    async def send_data(self, data: str | bytes) -> None:
        """Send a message, whatever the faults; raises `Gone` as `send`."""
        try:
            if isinstance(data, str):
                await self._socket.send_str(data)
            else:
                await self._socket.send_bytes(data)
        except (OSError, RuntimeError):
            raise Gone from None

    async def close(self, code: int = 1000, reason: str = "") -> NoReturn:
        """Close with a close frame.

        Raises:
            Gone: always.
        """
        await self._socket.close(code=code, message=reason.encode())
        raise Gone

    def cut(self) -> NoReturn:
        """Break the connection without a close frame.

        Raises:
            Gone: always.
        """
        if self.request.transport is not None:
            self.request.transport.abort()
        raise Gone

    async def _never_read(self) -> NoReturn:
        transport = self.request.transport
        if isinstance(transport, asyncio.Transport):
            transport.pause_reading()
            cleared = self._faults.cleared
            while self._faults.cleared == cleared and not transport.is_closing():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)
        raise Gone
