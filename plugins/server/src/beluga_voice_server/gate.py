"""What every request passes: its host, its origin, the size of its body, and the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from beluga_voice.contracts import ASGI
from beluga_voice.errors import RefusedError
from beluga_voice_server.callers import client_of, headers_of, is_local
from beluga_voice_server.settings import ServerSettings

access = logging.getLogger("beluga_voice_server.access")
logger = logging.getLogger(__name__)

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Names by which this machine calls itself; another one may be a page's whose name leads here (DNS rebinding)."""

Scope = MutableMapping[str, object]
Receive = Callable[[], Awaitable[MutableMapping[str, object]]]
Send = Callable[[MutableMapping[str, object]], Awaitable[None]]


def check_host(scope: Mapping[str, object], settings: ServerSettings) -> None:
    """See that the server is called by one of its names.

    Raises:
        RefusedError: ``host_unknown``.
    """
    host = headers_of(scope).get("host", "")
    name = _without_port(host)
    if settings.hosts:
        allowed: tuple[str, ...] = settings.hosts
    elif is_local(scope):
        allowed = LOCAL_HOSTS
    else:
        return
    if name not in allowed:
        raise RefusedError(
            421, "host_unknown", f"no host {name[:80]!r} here; add it to server.hosts if it is"
        )


def check_origin(scope: Mapping[str, object], settings: ServerSettings) -> None:
    """See that a browser's page may call: one of the server's own, or one that the settings name.

    Raises:
        RefusedError: ``origin_refused``.
    """
    headers = headers_of(scope)
    origin = headers.get("origin")
    if origin is None or origin in settings.origins:
        return
    if urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != "":
        return
    raise RefusedError(
        403, "origin_refused", f"pages of {origin[:80]!r} may not call; add it to server.origins if they may"
    )


def limited(receive: Receive, most: int, deadline: float) -> Receive:
    """Return `receive` that takes a body of `most` bytes at most, within `deadline` seconds.

    Raises:
        RefusedError: ``body_too_large`` or ``body_too_slow``; from within the returned function.
    """
    taken, whole = 0, False
    until = asyncio.get_running_loop().time() + deadline

    async def receive_some() -> MutableMapping[str, object]:
        nonlocal taken, whole
        try:
            async with asyncio.timeout_at(None if whole else until):
                message = await receive()
        except TimeoutError:
            raise RefusedError(408, "body_too_slow", f"no whole body within {deadline:g} s") from None
        whole = not message.get("more_body", False)
        body = message.get("body", b"")
        taken += len(body) if isinstance(body, bytes) else 0
        if taken > most:
            raise RefusedError(413, "body_too_large", f"a body of more than {most} bytes; allowed are {most}")
        return message

    return receive_some


class Gate:
    """Lets requests through to `app`, or refuses them, and writes the access log.

    The log has no query and no header: tokens may stand there.
    """

    def __init__(self, app: ASGI, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        loop = asyncio.get_running_loop()
        began, status = loop.time(), 0

        async def watch(message: MutableMapping[str, object]) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = int(str(message["status"]))
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._serve(scope, receive, watch)
        finally:
            if self._settings.access_log:
                method, path, client = (
                    scope.get("method", "WS"),
                    scope["path"],
                    client_of(scope, self._settings.proxies),
                )
                access.info("%s %s %s %d %.3f", client, method, path, status, loop.time() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = False

        async def watch(message: MutableMapping[str, object]) -> None:
            nonlocal sent
            sent = True
            await send(message)

        try:
            check_host(scope, self._settings)
            check_origin(scope, self._settings)
            if scope["type"] == "http":
                receive = limited(receive, self._settings.max_body, self._settings.setup)
            await self._app(scope, receive, watch)
        except RefusedError as error:
            await refuse(error, scope, receive, send, sent=sent)
        except Exception:
            logger.exception("a request to %s failed", scope["path"])
            failure = RefusedError(500, "internal_error", "the server failed; its log says how")
            await refuse(failure, scope, receive, send, sent=sent)


async def refuse(error: RefusedError, scope: Scope, receive: Receive, send: Send, *, sent: bool) -> None:
    """Tell whoever asked that they are refused, if they can still be told."""
    if sent:
        return
    if scope["type"] == "websocket":
        extensions = scope.get("extensions") or {}
        assert isinstance(extensions, Mapping)
        if "websocket.http.response" not in extensions:
            await send({"type": "websocket.close", "code": 4000 + error.status, "reason": error.code})
            return
    await response_of(error)(scope, receive, send)


def response_of(error: RefusedError) -> Response:
    """Return the response that tells of a refusal."""
    headers = {} if error.retry_after is None else {"Retry-After": f"{error.retry_after:.0f}"}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = {"error": {"code": error.code, "message": str(error)}}
    return JSONResponse(content, error.status, headers)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
