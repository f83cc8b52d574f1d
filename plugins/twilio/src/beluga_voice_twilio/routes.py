"""``/twilio``: tells Twilio what to do with a call, and is the far end of its media stream."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from beluga_voice.contracts import ASGI, Calls, Joined, Routes
from beluga_voice.errors import ProviderError, RefusedError
from beluga_voice_server.callers import headers_of, is_local
from beluga_voice_twilio.rest import TwilioClient
from beluga_voice_twilio.settings import TwilioSettings
from beluga_voice_twilio.signature import is_signed
from beluga_voice_twilio.stream import Stream
from beluga_voice_twilio.twiml import connect, stream_url

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, object]
Receive = Callable[[], Awaitable[MutableMapping[str, object]]]
Send = Callable[[MutableMapping[str, object]], Awaitable[None]]

SCHEMES = {"ws": "http", "wss": "https"}


class TwilioRoutes(Routes):
    """Adds ``/twilio``: TwiML by ``GET`` and ``POST``, the media stream by WebSocket.

    Args:
        settings: what the user says about Twilio.

    Raises:
        ConfigurationError: calls are to be hung up by REST, and the account is not told.
    """

    def __init__(self, settings: TwilioSettings | None = None) -> None:
        self._settings = settings or TwilioSettings()
        self._rest = TwilioClient(self._settings) if self._settings.hang_up else None

    def apps(self, calls: Callable[[Mapping[str, object]], Calls]) -> Mapping[str, ASGI]:
        """Return the application of ``/twilio``."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                self._check(scope, ())
                socket, limits = WebSocket(scope, receive, send), calls(scope).limits
                await Stream(socket, limits, lambda each: self._join(calls(scope), each), self._over).run()
            elif scope["method"] in ("GET", "HEAD", "POST"):
                response = await self._instruct(Request(scope, receive))
                await response(scope, receive, send)
            else:
                raise RefusedError(405, "method_not_allowed", "/twilio takes GET, POST and WebSockets")

        return {"/twilio": serve}

    async def aclose(self) -> None:
        """Close what is open. Idempotent."""
        if self._rest is not None:
            await self._rest.aclose()

    # -- who asks --

    def _check(self, scope: Mapping[str, object], form: tuple[tuple[str, str], ...]) -> None:
        """See that it is Twilio who asks.

        Raises:
            RefusedError: ``signature_wrong`` or ``not_configured``.
        """
        token = self._settings.auth_token
        if token is None:
            # The server's own rules are left: a WebSocket from elsewhere has to bring a token.
            if scope["type"] == "http" and not is_local(scope):
                raise RefusedError(403, "not_configured", "server.twilio.auth_token is not set")
            return
        given = headers_of(scope).get("x-twilio-signature", "")
        url = self._url(scope)
        if not is_signed(given, token.get_secret_value(), url, form):
            logger.warning(
                "X-Twilio-Signature of a request for %s is wrong; is server.twilio.url right?", url
            )
            raise RefusedError(403, "signature_wrong", "X-Twilio-Signature is missing or wrong")

    def _url(self, scope: Mapping[str, object]) -> str:
        """Return the address that Twilio has asked for."""
        scheme = str(scope["scheme"])
        base = self._address(scope)
        query = scope.get("query_string", b"")
        url = stream_url(base) if scheme in SCHEMES else base
        return f"{url}?{query.decode('latin-1')}" if isinstance(query, bytes) and query else url

    def _address(self, scope: Mapping[str, object]) -> str:
        if self._settings.url is not None:
            return self._settings.url
        scheme = SCHEMES.get(str(scope["scheme"]), str(scope["scheme"]))
        path = scope.get("raw_path") or str(scope["path"]).encode()
        assert isinstance(path, bytes)
        return f"{scheme}://{headers_of(scope).get('host', '')}{path.partition(b'?')[0].decode('latin-1')}"

    # -- what Twilio is told --

    async def _instruct(self, request: Request) -> Response:
        """Have a call connected to the media stream."""
        posted = _form(await request.body()) if request.method == "POST" else ()
        self._check(request.scope, posted)
        told = dict(_form(request.scope.get("query_string", b""))) | dict(posted)
        parameters = {name: told[key] for name, key in (("from", "From"), ("to", "To")) if key in told}
        twiml = connect(stream_url(self._address(request.scope)), parameters)
        return Response(twiml, media_type="application/xml", headers={"Cache-Control": "no-store"})

    # -- the call --

    async def _join(self, calls: Calls, stream: Stream) -> Joined:
        """Begin the session of a stream that has started."""
        settings, call = self._settings, stream.call
        profile = call.parameters.get("profile") or settings.profiles.get(call.called)
        if settings.auth_token is None:
            token = call.parameters.get("token", "")
            return await calls.join(stream.connection, token=token, profile=profile)
        if settings.account_sid not in (None, call.account_sid):
            raise RefusedError(403, "wrong_account", f"a call of account {call.account_sid[:40]!r}")
        deps = call if settings.call_as_deps else None
        return await calls.admit(stream.connection, profile=profile, deps=deps)

    async def _over(self, stream: Stream) -> None:
        """Hang up a call whose session has ended, if that is asked for."""
        if self._rest is not None:
            try:
                await self._rest.hang_up(stream.call.call_sid)
            except ProviderError as error:
                logger.warning("call %s could not be hung up: %s", stream.call.call_sid, error)


def _form(body: object) -> tuple[tuple[str, str], ...]:
    """Read a form, or a query.

    Raises:
        RefusedError: it is none.
    """
    assert isinstance(body, bytes)
    try:
        return tuple(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200, errors="strict"))
    except ValueError:
        raise RefusedError(400, "bad_request", "the body is no form of at most 200 fields") from None
