"""The server as an ASGI application: its own paths, and those of the transports."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from beluga_voice.agents import AgentLike
from beluga_voice.contracts import ASGI
from beluga_voice.errors import ConfigurationError, RefusedError
from beluga_voice_server.callers import Caller, client_of, headers_of, is_local
from beluga_voice_server.gate import Gate, Receive, Scope, Send
from beluga_voice_server.metrics import exposition
from beluga_voice_server.page import Page
from beluga_voice_server.tokens import same

if TYPE_CHECKING:
    from beluga_voice_server.server import Server

logger = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


class App:
    """Serves the callers of one agent.

    Mounted, its paths follow the mount's. Run alone it opens the container's lifespan.
    """

    def __init__(self, server: Server, agent: AgentLike) -> None:
        self._server = server
        self._agent = agent
        self._own: Mapping[tuple[str, str], Endpoint] = {
            ("POST", "/start"): self._start,
            ("GET", "/health"): self._health,
            ("GET", "/ready"): self._ready,
            ("GET", "/metrics"): self._metrics,
        }
        self._page = Page(server) if server.settings.page else None
        self._added = _added(server, self._caller)
        self._gate = Gate(self._route, server.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._gate(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open the container's lifespan, as nobody around does."""
        await receive()
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._server.voice.lifespan())
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        except Exception as error:  # noqa: BLE001 - told to whoever runs the application
            text = "".join(traceback_of(error))
            await send({"type": "lifespan.startup.failed", "message": text})

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._server.voice.open_server()
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        if (added := self._added.get(path)) is not None:
            await added(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RefusedError(404, "not_found", f"no WebSocket at {path[:80]!r}")
        method = "GET" if scope["method"] == "HEAD" else str(scope["method"])
        request = Request(scope, receive)
        endpoint = self._own.get((method, path))
        if endpoint is not None:
            response: Response | None = await endpoint(request)
        elif method == "GET" and self._page is not None:
            response = self._page.answer(request, path, trusted=self._trusts(scope))
        else:
            response = None
        if response is None:
            raise _not_found(path, [each for each, known in self._own if known == path])
        await response(scope, receive, send)

    def _caller(self, scope: Mapping[str, object]) -> Caller:
        trusted = self._trusts(scope)
        kept = trusted and self._page is not None and "origin" in headers_of(scope)  # by a browser
        client = client_of(scope, self._server.settings.proxies)
        return Caller(self._server, self._agent, client, trusted, kept=kept)

    def _trusts(self, scope: Mapping[str, object]) -> bool:
        settings = self._server.settings
        return settings.tokens == "auto" and is_local(scope)

    # -- the server's own paths --

    async def _start(self, request: Request) -> Response:
        """Issue a token, for one session."""
        server = self._server
        self._check_key(request.scope)
        profile = _profile(await request.body())
        if (
            problem := server.admission.problem(client_of(request.scope, server.settings.proxies))
        ) is not None:
            raise server.admission.refuse(problem)
        try:
            session_id, token = server.issue(profile)
        except ConfigurationError as error:
            raise RefusedError(400, "bad_profile", str(error)) from error
        transports = {name: await each.describe(session_id) for name, each in server.routes.items()}
        content = {
            "session_id": session_id,
            "token": token,
            "expires_in": server.settings.token_lifetime,
            "transports": transports,
        }
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    async def _health(self, _: Request) -> Response:
        """Say that the process lives."""
        return PlainTextResponse("ok\n")

    async def _ready(self, _: Request) -> Response:
        """Say whether a session would be begun."""
        problem = self._server.admission.problem()
        if problem is not None:
            raise problem
        return PlainTextResponse("ready\n")

    async def _metrics(self, request: Request) -> Response:
        """Show the figures, in Prometheus's text format."""
        self._check_key(request.scope)
        return PlainTextResponse(exposition(self._server), media_type="text/plain; version=0.0.4")

    def _check_key(self, scope: Mapping[str, object]) -> None:
        """See that whoever asks may.

        Raises:
            RefusedError: ``key_missing`` or ``key_wrong``.
        """
        settings = self._server.settings
        if self._trusts(scope) or (settings.key is None and settings.public):
            return
        if settings.key is None:
            text = (
                "sessions are begun from this machine alone; set server.key, or server.public for everybody"
            )
            raise RefusedError(403, "not_public", text)
        scheme, _, given = headers_of(scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise RefusedError(401, "key_missing", "a key is needed, as Authorization: Bearer KEY")
        if not same(given.strip(), settings.key.get_secret_value()):
            raise RefusedError(401, "key_wrong", "the key is not this server's")


def _added(server: Server, calls: Callable[[Mapping[str, object]], Caller]) -> dict[str, ASGI]:
    """Return the transports' paths; one that two of them add is left out."""
    added = [each.apps(calls) for each in server.routes.values()]
    count = Counter(path for apps in added for path in apps)
    for path in (path for path, times in count.items() if times > 1):
        logger.error("the path %s is added by %d transports, and given to none of them", path, count[path])
    return {path: app for apps in added for path, app in apps.items() if count[path] == 1}


def _profile(body: bytes) -> str | None:
    """Return the profile that a request to ``/start`` asks for."""
    try:
        asked = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise RefusedError(400, "bad_request", "the body is no JSON") from None
    profile = asked.get("profile") if isinstance(asked, dict) else 0
    if profile is not None and not isinstance(profile, str):
        raise RefusedError(400, "bad_request", 'the body is not of the form {"profile": "name"}')
    return profile


def _not_found(path: str, methods: list[str]) -> RefusedError:
    if methods:
        return RefusedError(405, "method_not_allowed", f"{path} takes {', '.join(methods)}")
    return RefusedError(404, "not_found", f"nothing at {path[:80]!r}")


def traceback_of(error: BaseException) -> list[str]:
    """Return what is told of a failed start."""
    return [f"{type(error).__name__}: {error}"]
