"""A WebSocket as the link sees it, and how one is opened; aiohttp is loaded when the first is."""

from __future__ import annotations

import asyncio
import importlib
import socket as sockets
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from beluga_voice.connection.policy import ConnectionPolicy
from beluga_voice.connection.request import Message, Request, Service
from beluga_voice.connection.status import SHOWN, status_error
from beluga_voice.errors import ClosedError, PluginError, ProviderError

if TYPE_CHECKING:
    from types import ModuleType

    import aiohttp

RETRYABLE_CLOSES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014})
"""Close codes after which the same connection may work later (RFC 6455, 7.4; the IANA registry).

Vendors end a session that has lasted too long by 1000; 1002, 1003, 1007 to 1010 say that we are wrong.
"""


class Socket(Protocol):
    """An open WebSocket."""

    async def send(self, message: Message) -> None:
        """Send a message; waits while the other side is slow.

        Raises:
            ProviderError: the connection is lost.
        """

    async def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            ProviderError: the connection is closed or lost; `retryable` tells whether another one may work.
        """

    async def ping(self) -> None:
        """Send a ping, for a vendor with no message of its own that keeps the connection."""

    async def aclose(self) -> None:
        """Close politely; waits for the other side."""

    def abort(self) -> None:
        """Cut the connection at once."""


class Connector(Protocol):
    """Opens WebSockets, and holds what they share."""

    async def connect(self, request: Request, service: Service, policy: ConnectionPolicy) -> Socket:
        """Open a WebSocket.

        Raises:
            ProviderError: it cannot be had; `retryable` tells whether later.
        """

    async def aclose(self) -> None:
        """Release what is shared. Idempotent."""


def load_aiohttp() -> ModuleType:
    """Import aiohttp.

    Raises:
        PluginError: it is not installed.
    """
    try:
        return importlib.import_module("aiohttp")
    except ModuleNotFoundError as error:
        raise PluginError(
            'aiohttp, which vendors are reached by, is not installed. Try: pip install "beluga-voice[net]"'
        ) from error


class Pool:
    """The connections of one provider: an aiohttp session, made when first asked for, closed by `aclose`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    def session(self) -> aiohttp.ClientSession:
        """Return the session.

        Raises:
            ClosedError: after `aclose`.
            PluginError: aiohttp is not installed.
        """
        if self._closed:
            raise ClosedError("this provider was closed; make a new one")
        if self._session is None:
            client = load_aiohttp()
            # Deadlines are the link's and the HTTP client's; a cookie of one session is none of another's.
            self._session = client.ClientSession(
                timeout=client.ClientTimeout(total=None), cookie_jar=client.DummyCookieJar()
            )
        assert self._session is not None
        return self._session

    async def connect(self, request: Request, service: Service, policy: ConnectionPolicy) -> Socket:
        """Open a WebSocket; see `Connector.connect`."""
        client, session = load_aiohttp(), self.session()
        try:
            opened = await session.ws_connect(
                request.full_url,
                headers=dict(request.headers),
                protocols=request.protocols,
                heartbeat=policy.ping or None,
                max_msg_size=policy.max_message,
                timeout=client.ClientWSTimeout(ws_close=policy.close_deadline),
            )
        except client.WSServerHandshakeError as error:
            raise status_error(error.status, service, headers=error.headers) from None
        except (client.ClientError, OSError, ValueError) as error:
            raise connect_error(error, request, service) from None
        return AiohttpSocket(opened, service)

    async def aclose(self) -> None:
        """Close the session. Idempotent."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def connect_error(error: Exception, request: Request, service: Service) -> ProviderError:
    """Return the error for a connection that could not be had; without what aiohttp says of the URL's query."""
    client = load_aiohttp()
    if isinstance(error, (client.InvalidURL, client.NonHttpUrlClientError, ValueError)):
        return ProviderError(f"{request.shown!r} is no address that {service.name} can be reached at")
    reason = getattr(error, "os_error", error)
    words = getattr(reason, "strerror", None) or type(error).__name__
    retryable = not isinstance(error, client.ClientConnectorCertificateError)
    return ProviderError(
        f"{service.name} cannot be reached at {request.shown}: {words}",
        retryable=retryable,
        kind=service.kind,
        code="network_error",
    )


class AiohttpSocket:
    """A WebSocket of aiohttp's."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse, service: Service) -> None:
        self._opened = opened
        self._service = service
        self._socket: sockets.socket | None = opened.get_extra_info("socket")

    async def send(self, message: Message) -> None:
        """Send a message; see `Socket.send`."""
        try:
            if isinstance(message, str):
                await self._opened.send_str(message)
            else:
                await self._opened.send_bytes(message)
        except (OSError, load_aiohttp().ClientError) as error:
            raise self._lost(error) from None

    async def receive(self) -> Message:
        """Wait for the next message; see `Socket.receive`."""
        kinds = load_aiohttp().WSMsgType
        message = await self._opened.receive()
        if message.type in (kinds.TEXT, kinds.BINARY):
            data: Message = message.data
            return data
        if message.type is kinds.ERROR:
            raise self._lost(self._opened.exception())
        raise self._closed(message.data, message.extra)

    async def ping(self) -> None:
        """Send a ping."""
        try:
            await self._opened.ping()
        except (OSError, load_aiohttp().ClientError) as error:
            raise self._lost(error) from None

    async def aclose(self) -> None:
        """Close politely, as long as the policy says."""
        await self._opened.close()

    def abort(self) -> None:
        """Cut the connection: what waits in the socket's buffers for a peer that does not read is given up."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(sockets.SHUT_RDWR)

    def _lost(self, error: BaseException | None) -> ProviderError:
        reason = "" if error is None else f": {getattr(error, 'strerror', None) or error}"
        text = f"the connection to {self._service.name} was lost{reason}"
        return ProviderError(text, retryable=True, kind=self._service.kind, code="network_error")

    def _closed(self, code: object, reason: object) -> ProviderError:
        number = self._opened.close_code if not isinstance(code, int) else code
        if number is None or number == 1006:
            return self._lost(None)
        words = f": {str(reason)[:SHOWN]}" if reason else ""
        retryable = number in RETRYABLE_CLOSES
        text = f"{self._service.name} closed the connection (code {number}){words}"
        return ProviderError(text, retryable=retryable, kind=self._service.kind, code="stream_closed")


async def close_socket(socket: Socket, deadline: float) -> None:
    """Close politely within `deadline` seconds, else cut; cut too when that is cancelled."""
    try:
        async with asyncio.timeout(deadline):
            await socket.aclose()
    except (TimeoutError, ProviderError):
        pass
    finally:
        socket.abort()
