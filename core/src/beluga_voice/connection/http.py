"""HTTP calls to a vendor: pooled, each wait bounded, tried again with a fresh body, read as they come."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Self

from beluga_voice.connection.policy import ConnectionPolicy, Supervisor
from beluga_voice.connection.request import Request, Service
from beluga_voice.connection.socket import Pool, connect_error, load_aiohttp
from beluga_voice.connection.sse import EventParser, ServerEvent
from beluga_voice.connection.status import status_error
from beluga_voice.errors import ProviderError, ProviderTimeoutError

if TYPE_CHECKING:
    import aiohttp

ERROR_BYTES = 4096
"""Of a refusal's body that are read for its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """How long what may take, in seconds, and how often a call is tried.

    Attributes:
        open_deadline: to connect.
        first_byte_deadline: from sending to the first byte of the answer's body.
        idle_deadline: between two pieces of it.
        tries: in all, as long as nothing of the answer has come and the error is retryable.
        delay: before the second try, doubled for each further one.
        max_delay: before a try; a vendor that asks for more (Retry-After) is given up.
        jitter: share by which each delay is varied at random.
    """

    open_deadline: float = 5.0
    first_byte_deadline: float = 10.0
    idle_deadline: float = 10.0
    tries: int = 3
    delay: float = 0.2
    max_delay: float = 5.0
    jitter: float = 0.2


class HttpResponse:
    """An answer whose body is read as it comes."""

    def __init__(
        self, response: aiohttp.ClientResponse, first: bytes, service: Service, policy: HttpPolicy
    ) -> None:
        self._response = response
        self._first = first
        self._service = service
        self._policy = policy

    @property
    def status(self) -> int:
        """The status, from 200 to 299."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; letter case of their names does not matter."""
        return self._response.headers

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body in pieces of any length, as they come.

        Raises:
            ProviderError: the connection is lost before its end, or nothing comes for too long.
        """
        first, self._first = self._first, b""
        while first:
            yield first
            first = await _piece(self._response, self._policy.idle_deadline, self._service)

    async def events(self) -> AsyncGenerator[ServerEvent, None]:
        """Yield the body's server-sent events. A vendor's ``[DONE]`` is one as well.

        Raises:
            ProviderError: as `chunks`.
        """
        parser = EventParser()
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                for event in parser.feed(chunk):
                    yield event

    async def read(self, limit: int = 16 << 20) -> bytes:
        """Return the whole body.

        Raises:
            ProviderError: as `chunks`, or it is longer than `limit` bytes.
        """
        body = bytearray()
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > limit:
                    raise ProviderError(f"{self._service.name} answered with more than {limit} bytes")
        return bytes(body)


class HttpClient:
    """Makes a provider's HTTP calls; its connections are kept and used again.

    Args:
        service: named in errors.
        policy: deadlines and tries.
        pool: shares its connections; a new one if None.
    """

    def __init__(self, service: Service, policy: HttpPolicy | None = None, pool: Pool | None = None) -> None:
        self.service = service
        self.policy = HttpPolicy() if policy is None else policy
        self._pool = Pool() if pool is None else pool

    async def aclose(self) -> None:
        """Close all connections. Idempotent."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncIterator[HttpResponse]:
        """Make a call; within the block the answer's body may be read, and after it the connection is let go.

        Raises:
            ProviderError: no answer of status 2xx could be had; `status_error` tells what each status means.
            ClosedError: after `aclose`.
            PluginError: aiohttp is not installed.
        """
        response, first = await self._first_answer(request)
        try:
            yield HttpResponse(response, first, self.service, self.policy)
        finally:
            # Closed where it was not read to its end: what is left is not waited for.
            response.release() if response.content.at_eof() else response.close()

    async def read(self, request: Request, limit: int = 16 << 20) -> bytes:
        """Make a call and return the whole body.

        Raises:
            ProviderError, ClosedError, PluginError: as `send` and `HttpResponse.read`.
        """
        async with self.send(request) as response:
            return await response.read(limit)

    async def _first_answer(self, request: Request) -> tuple[aiohttp.ClientResponse, bytes]:
        policy = self.policy
        tries = ConnectionPolicy(
            tries=policy.tries,
            first_delay=policy.delay,
            delay=2 * policy.delay,
            max_delay=policy.max_delay,
            jitter=policy.jitter,
        )
        supervisor = Supervisor(tries, random.random)
        while True:
            try:
                return await self._try(request)
            except ProviderError as error:
                delay = supervisor.lost(error, asyncio.get_running_loop().time())
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    async def _try(self, request: Request) -> tuple[aiohttp.ClientResponse, bytes]:
        deadline = self.policy.first_byte_deadline
        try:
            async with asyncio.timeout(deadline):
                response = await self._request(request)
                try:
                    return response, await _piece(response, deadline, self.service)
                except BaseException:
                    response.close()
                    raise
        except TimeoutError:
            raise ProviderTimeoutError(f"{self.service.name} did not answer within {deadline:g} s") from None

    async def _request(self, request: Request) -> aiohttp.ClientResponse:
        client, session = load_aiohttp(), self._pool.session()
        headers = dict(request.headers)
        if request.content_type:
            headers["Content-Type"] = request.content_type
        try:
            response: aiohttp.ClientResponse = await session.request(
                request.method,
                request.full_url,
                headers=headers,
                data=BytesIO(request.body) if request.body else None,  # bytes would hold the loop up if many
                allow_redirects=False,
                timeout=client.ClientTimeout(total=None, sock_connect=self.policy.open_deadline),
            )
        except client.ServerTimeoutError:
            raise ProviderTimeoutError(
                f"{self.service.name} did not open a connection within {self.policy.open_deadline:g} s"
            ) from None
        except (client.ClientError, OSError, ValueError) as error:
            raise connect_error(error, request, self.service) from None
        if 200 <= response.status < 300:
            return response
        try:
            raise status_error(
                response.status, self.service, headers=response.headers, text=await _words(response)
            )
        finally:
            response.close()


async def _piece(response: aiohttp.ClientResponse, deadline: float, service: Service) -> bytes:
    """Return the next piece of the body; empty at its end."""
    client = load_aiohttp()
    try:
        async with asyncio.timeout(deadline):
            piece: bytes = await response.content.readany()
            return piece
    except TimeoutError:
        raise ProviderTimeoutError(f"{service.name} sent nothing for {deadline:g} s") from None
    except (client.ClientError, OSError) as error:
        raise ProviderError(
            f"{service.name}'s answer broke off: {type(error).__name__}", retryable=True
        ) from None


async def _words(response: aiohttp.ClientResponse) -> str:
    """What a refusal says: the ``message`` that most vendors put in their JSON, else its text."""
    body = b""
    with suppress(load_aiohttp().ClientError, OSError):
        body = await response.content.read(ERROR_BYTES)
    text = body.decode("utf-8", "replace")
    if "html" in response.headers.get("Content-Type", ""):
        return ""
    try:
        return _message(json.loads(text)) or text
    except ValueError:
        return text


def _message(answer: object) -> str:
    """The text below the first of the names under which vendors put it."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, dict):
        for name in ("message", "error", "detail", "err_msg", "error_message", "reason"):
            if name in answer and (found := _message(answer[name])):
                return found
    return ""
