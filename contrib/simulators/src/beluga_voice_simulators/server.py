"""What all simulated vendors have in common: a server of this machine, its faults, and what it was asked."""

from __future__ import annotations

import asyncio
import random
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.delays import NO_DELAYS, Delay, Delays
from beluga_voice_simulators.faults import Fault, Faults
from beluga_voice_simulators.line import Gone, Line
from beluga_voice_simulators.tls import Certificate

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[Line], Awaitable[None]]
Check = Callable[[web.Request], None]


@dataclass(frozen=True, slots=True)
class Talker:
    """What serves the WebSockets of an address, and what looks at a handshake before."""

    talk: Talk
    check: Check | None


MAX_BODY = 64 << 20
"""Bytes of a request's body: half an hour of speech."""


@dataclass(slots=True)
class Asked:
    """A call or handshake that came.

    Attributes:
        method: of HTTP.
        path: without the query.
        headers: as they came, keys included.
        query: of the address.
        body: of the call, once the handler has read it.
        line: the WebSocket, if it became one.
        status: that was answered; 0 while it was not.
        outcome: ``completed``, ``abandoned`` by the client in mid-answer, or ``open``.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: object = None
    line: Line | None = None
    status: int = 0
    outcome: str = "open"


ASKED = web.RequestKey("asked", Asked)


class Refusal(Exception):
    """A call is answered by an error.

    Attributes:
        response: the answer.
    """

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class Simulator(ABC):
    """A vendor on this machine; listens within ``async with``. Needs a loop with real time.

    Args:
        backends: what it hears, speaks and thinks with, opened and closed by who made them; scripts by default.
        delays: how long it takes; none by default, `vendor_delays` for the vendor's own.
        faults: what goes wrong.
        keys: those that it takes; None for any.
        host: address to listen on.
        port: to listen on; 0 for a free one.
        certificate: to serve TLS with; None for plain connections.
        seed: of the delays.

    Attributes:
        asked: what has come so far.
        talkers: who serves WebSockets, by the handlers that `talker` made.
    """

    vendor: ClassVar[str]
    """Its name on the command line."""

    vendor_delays: ClassVar[Delays] = NO_DELAYS
    """As measured at the vendor."""

    def __init__(
        self,
        backends: Backends | None = None,
        *,
        delays: Delays = NO_DELAYS,
        faults: Faults | None = None,
        keys: Collection[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Certificate | None = None,
        seed: int = 0,
    ) -> None:
        self.backends = Backends() if backends is None else backends
        self.delays = delays
        self.faults = Faults() if faults is None else faults
        self.keys = None if keys is None else frozenset(keys)
        self.asked: list[Asked] = []
        self.talkers: dict[Handler, Talker] = {}
        self.host = host
        self.port = port
        self._certificate = certificate
        self._random = random.Random(seed)  # noqa: S311 - delays are no secrets
        self._stack = AsyncExitStack()

    # -- what a vendor says --

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """Return its addresses, with `handler` or `talker` around what serves each."""

    @abstractmethod
    def refusal(self, status: int, message: str = "") -> web.Response:
        """Return an answer of an error's status, with the body that the vendor gives."""

    @abstractmethod
    def check_key(self, request: web.Request) -> None:
        """Hold the vendor's rules on keys, by `is_known`.

        Raises:
            Refusal: it is missing or wrong.
        """

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Return the variables by which a vendor's SDK, or our plugin, finds this server."""

    # -- the server --

    @property
    def url(self) -> str:
        """Its address, as in ``http://127.0.0.1:8100``; without a path."""
        return f"{'http' if self._certificate is None else 'https'}://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Its address for WebSockets."""
        return self.url.replace("http", "ws", 1)

    def is_known(self, key: str) -> bool:
        """Whether a key is taken."""
        return bool(key) if self.keys is None else key in self.keys

    async def wait(self, delay: Delay) -> None:
        """Let a delay of the vendor's pass."""
        if delay.median:
            await delay.wait(self._random)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_routes(list(self.routes()))
        app.router.add_route("*", "/{path:.*}", self.handler(self._nothing_here))
        runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.push_async_callback(self._cut_all)
        await web.TCPSite(runner, self.host, self.port, ssl_context=self._ssl()).start()
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _ssl(self) -> ssl.SSLContext | None:
        return None if self._certificate is None else self._certificate.context()

    async def _cut_all(self) -> None:
        for each in self.asked:
            transport = None if each.line is None else each.line.request.transport
            if transport is not None:
                transport.close()
        await asyncio.sleep(0)

    # -- a call --

    def handler(self, serve: Handler) -> Handler:
        """Return `serve` with the faults that any call has, and a note of what was asked."""

        async def handle(request: web.Request) -> web.StreamResponse:
            asked = Asked(request.method, request.path, request.headers.copy(), dict(request.query))
            request[ASKED] = asked
            self.asked.append(asked)
            try:
                response = await self._serve(serve, request)
            except Refusal as refused:
                response = refused.response
            except (Gone, OSError):
                asked.outcome = "abandoned"
                return web.Response(status=499)  # which nobody gets
            except asyncio.CancelledError:
                asked.outcome = "abandoned"
                raise
            asked.status = response.status
            asked.outcome = "completed"
            return response

        return handle

    def talker(self, talk: Talk, protocols: tuple[str, ...] = (), check: Check | None = None) -> Handler:
        """Return a handler that accepts a WebSocket and has `talk` serve it until either side ends.

        `check` looks at the handshake before, and raises a `Refusal`.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            if check is not None:
                check(request)
            line = await Line.open(request, self.faults, protocols=protocols)
            asked_of(request).line = line
            try:
                await talk(line)
            except* Gone:
                pass
            return line.response

        served = self.handler(handle)
        self.talkers[served] = Talker(talk, check)
        return served

    async def _serve(self, serve: Handler, request: web.Request) -> web.StreamResponse:
        status = self.faults.refusal()
        if status is not None:
            response = self.refusal(status)
            if status == 429:
                response.headers["Retry-After"] = f"{self.faults.retry_after:g}"
            return response
        if self.faults.take(Fault.SLOW_FIRST_BYTE):
            await asyncio.sleep(self.faults.slow)
        self.check_key(request)
        return await serve(request)

    async def _nothing_here(self, request: web.Request) -> web.StreamResponse:
        raise Refusal(self.refusal(404, f"Invalid URL ({request.method} {request.path})"))


def asked_of(request: web.Request) -> Asked:
    """Return the note of a request."""
    return request[ASKED]
