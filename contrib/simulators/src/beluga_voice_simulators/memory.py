"""A simulator without sockets: in the place of a codec's `connector`, also on virtual time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from beluga_voice.connection import ConnectionPolicy, Request, Service, Socket
from beluga_voice.connection.status import status_error
from beluga_voice.errors import ClosedError
from beluga_voice.testing import Caller, MemoryServer
from beluga_voice_simulators.faults import Fault, Faults
from beluga_voice_simulators.line import Gone, Line
from beluga_voice_simulators.server import Refusal, Simulator, Talker


class MemoryVendor(MemoryServer):
    """Serves WebSockets as a simulator does, without a socket.

    Keys, queries and faults are as over the network; HTTP calls are not served.

    Args:
        simulator: need not be entered.
    """

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(self._talk)
        self._simulator = simulator

    async def connect(self, request: Request, service: Service, policy: ConnectionPolicy) -> Socket:
        """Open a connection, unless the vendor refuses it; see `beluga_voice.connection.Connector`."""
        status = self._simulator.faults.refusal()
        try:
            if status is not None:
                raise Refusal(self._simulator.refusal(status))
            talker, handshake = self._find(request)
            self._simulator.check_key(handshake)
            if talker.check is not None:
                talker.check(handshake)
        except Refusal as refused:
            response = refused.response
            if response.status == 429:
                response.headers["Retry-After"] = f"{self._simulator.faults.retry_after:g}"
            raise status_error(response.status, service, headers=response.headers) from None
        return await super().connect(request, service, policy)

    def _find(self, request: Request) -> tuple[Talker, web.Request]:
        """Return who serves an address, and the handshake as it sees it."""
        parts = urlsplit(request.full_url)
        for route in self._simulator.routes():
            talker, found = self._simulator.talkers.get(route.handler), _match(route.path, parts.path)
            if talker is not None and found is not None:
                return talker, _handshake(request, f"{parts.path}?{parts.query}", found)
        raise Refusal(self._simulator.refusal(404, f"Invalid URL ({parts.path})"))

    async def _talk(self, caller: Caller) -> None:
        talker, handshake = self._find(caller.request)
        line = MemoryLine(handshake, caller, self._simulator.faults)
        if self._simulator.faults.take(Fault.NEVER_READS):
            await caller.stop_reading()
        try:
            await talker.talk(line)
        except* Gone:
            pass


class MemoryLine(Line):
    """A connection that is a pair of queues."""

    def __init__(self, request: web.Request, caller: Caller, faults: Faults) -> None:
        super().__init__(request, web.WebSocketResponse(), faults)
        self._caller = caller

    async def receive_data(self) -> str | bytes:
        """Wait for the client's next message."""
        try:
            return await self._caller.receive()
        except ClosedError:
            raise Gone from None

    async def send_data(self, data: str | bytes) -> None:
        """Send a message."""
        await self._caller.send(data)

    async def close(self, code: int = 1000, reason: str = "") -> NoReturn:  # noqa: ARG002 - queues have none
        """Close with a close frame."""
        with suppress(ClosedError):
            await self._caller.close(code)
        raise Gone

    def cut(self) -> NoReturn:
        """Break the connection."""
        with suppress(ClosedError):
            self._caller.cut().send(None)
        raise Gone


def _match(pattern: str, path: str) -> Mapping[str, str] | None:
    """Return the parts of a path that stand in braces in the pattern; None if it is another path."""
    expression = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(pattern))
    found = re.fullmatch(expression, path)
    return None if found is None else found.groupdict()


def _handshake(request: Request, path: str, found: Mapping[str, str]) -> web.Request:
    headers = CIMultiDict(request.headers)
    if request.protocols:
        headers["Sec-WebSocket-Protocol"] = ", ".join(request.protocols)
    return make_mocked_request("GET", path, headers, match_info=dict(found))
