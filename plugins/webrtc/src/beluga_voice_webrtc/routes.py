"""``/api/offer``: an offer is posted, and candidates follow by PATCH."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, cast

from aiortc import RTCIceCandidate, RTCIceServer
from aiortc.sdp import candidate_from_sdp
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from beluga_voice.contracts import ASGI, Answer, Calls, Offer, Routes
from beluga_voice.errors import ConfigurationError, RefusedError
from beluga_voice_webrtc.peer import Peer
from beluga_voice_webrtc.settings import WebRTCSettings

logger = logging.getLogger(__name__)

MOST_CANDIDATES = 50
"""Candidates of one caller, in all."""

LONGEST_CANDIDATE = 400


class WebRTCRoutes(Routes):
    """Adds ``/api/offer``, and answers offers for hosts."""

    def __init__(self, settings: WebRTCSettings | None = None) -> None:
        self._settings = settings or WebRTCSettings()
        self._peers: dict[str, Peer] = {}
        self._candidates: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def apps(self, calls: Callable[[Mapping[str, object]], Calls]) -> Mapping[str, ASGI]:
        """Return the application of ``/api/offer``."""

        async def serve(
            scope: MutableMapping[str, object],
            receive: Callable[[], Awaitable[MutableMapping[str, object]]],
            send: Callable[[MutableMapping[str, object]], Awaitable[None]],
        ) -> None:
            request = Request(scope, receive) if scope["type"] == "http" else None
            if request is None or request.method not in ("POST", "PATCH"):
                raise RefusedError(405, "method_not_allowed", "/api/offer takes POST and PATCH")
            if request.method == "POST":
                response = await self._post(await request.body(), calls(scope))
            else:
                response = await self._patch(await request.body())
            await response(scope, receive, send)

        return {"/api/offer": serve}

    async def describe(self, session_id: str) -> Mapping[str, object]:
        """Return where offers go, and the servers that a caller may use, with a login for this session."""
        return {"path": "api/offer", "iceServers": self._servers(session_id)}

    async def answer(self, offer: Offer, calls: Calls) -> Answer:
        """Answer an offer.

        Raises:
            RefusedError: the offer or its token is wrong, or there is no room.
        """
        check_sdp(offer.sdp)
        servers = [RTCIceServer(**cast("Any", each)) for each in self._servers("server")]
        peer = Peer(self._settings, servers, calls.limits)
        try:
            joined = await calls.join(peer, token=offer.token, profile=offer.profile)
        except BaseException:
            await peer.discard()
            raise
        try:
            async with asyncio.timeout(calls.limits.setup):
                sdp = self._advertised(await peer.answer(offer.sdp))
        except BaseException as error:
            joined.leave()
            await peer.discard()
            if isinstance(error, Exception):
                logger.info("an offer was refused: %r", error)
                raise RefusedError(
                    400, "bad_sdp", "the offer cannot be answered; it is wrong, or has no Opus"
                ) from error
            raise
        self._peers[peer.id] = peer
        task = asyncio.create_task(peer.run(joined), name=f"beluga-voice webrtc {joined.session_id}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(peer, done))
        return Answer(sdp=sdp, session_id=joined.session_id, token=joined.token, connection=peer.id)

    async def aclose(self) -> None:
        """Close all peer connections."""
        await asyncio.gather(
            *(peer.aclose("closing", "the server ends") for peer in list(self._peers.values()))
        )
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def _ended(self, peer: Peer, task: asyncio.Task[None]) -> None:
        self._peers.pop(peer.id, None)
        self._candidates.pop(peer.id, None)
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a peer connection failed", exc_info=error)

    async def _post(self, body: bytes, calls: Calls) -> Response:
        table = read_object(body)
        known = {key: table[key] for key in ("sdp", "type", "token", "profile") if table.get(key) is not None}
        if not all(isinstance(each, str) for each in known.values()):
            raise RefusedError(400, "bad_request", "sdp, type, token and profile must be texts")
        try:
            offer = Offer(**known)  # type: ignore[arg-type]
        except (TypeError, ConfigurationError) as error:
            raise RefusedError(400, "bad_request", f"the body is no offer: {error}") from error
        answer = await self.answer(offer, calls)
        return JSONResponse(asdict(answer), 201, {"Cache-Control": "no-store"})

    async def _patch(self, body: bytes) -> Response:
        table = read_object(body)
        peer = self._peers.get(str(table.get("connection")))
        if peer is None:
            raise RefusedError(404, "no_connection", "no such connection; it has ended, or there was none")
        listed = table.get("candidates")
        count = self._candidates.get(peer.id, 0) + (len(listed) if isinstance(listed, list) else 0)
        if not isinstance(listed, list) or count > MOST_CANDIDATES:
            raise RefusedError(
                400, "bad_candidates", f"candidates must be a list; {MOST_CANDIDATES} at most in all"
            )
        self._candidates[peer.id] = count
        for candidate in [read_candidate(each) for each in listed]:
            await peer.add_candidate(candidate)
        return Response(status_code=204)

    def _servers(self, name: str) -> list[dict[str, str | list[str]]]:
        """Return the ICE servers as browsers are told them.

        A login is ``expiry:name`` and its HMAC-SHA1 by the secret that is shared with the TURN server: what coturn
        calls ``use-auth-secret`` (draft-uberti-behave-turn-rest).
        """
        settings = self._settings
        servers: list[dict[str, str | list[str]]] = []
        if settings.stun:
            servers.append({"urls": list(settings.stun)})
        if settings.turn:
            server: dict[str, str | list[str]] = {"urls": list(settings.turn)}
            if settings.turn_secret is not None:
                username = f"{datetime.now(UTC).timestamp() + settings.turn_lifetime:.0f}:{name}"
                secret = settings.turn_secret.get_secret_value().encode()
                digest = hmac.digest(secret, username.encode(), "sha1")
                server |= {"username": username, "credential": base64.b64encode(digest).decode("ascii")}
            servers.append(server)
        return servers

    def _advertised(self, sdp: str) -> str:
        """Put the advertised address in the place of this machine's own."""
        if self._settings.advertise is None:
            return sdp
        return _HOST_CANDIDATE.sub(rf"\g<1>{self._settings.advertise}\g<2>", sdp)


_HOST_CANDIDATE = re.compile(r"(a=candidate:\S+ \d+ udp \d+ )[\d.]+( \d+ typ host)")


def check_sdp(sdp: str) -> None:
    """See that an offer asks for what there is: one audio, and one data channel at most.

    Raises:
        RefusedError: ``bad_sdp``.
    """
    media = re.findall(r"^m=(\w*)", sdp, re.MULTILINE)
    if media.count("audio") != 1 or media.count("application") > 1:
        raise RefusedError(400, "bad_sdp", "an offer has one audio, and one data channel at most; no video")
    if {*media} - {"audio", "application"}:
        raise RefusedError(400, "bad_sdp", "an offer has one audio, and one data channel at most; no video")
    if sdp.count("a=candidate:") > MOST_CANDIDATES:
        raise RefusedError(400, "bad_sdp", f"an offer of more than {MOST_CANDIDATES} candidates")


def read_object(body: bytes) -> dict[str, object]:
    """Read the body of a request.

    Raises:
        RefusedError: it is no JSON object.
    """
    try:
        table = json.loads(body)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise RefusedError(400, "bad_request", "the body is no JSON object")
    return table


def read_candidate(given: object) -> RTCIceCandidate | None:
    """Read a candidate as browsers tell it; None says that no more will come.

    Raises:
        RefusedError: ``bad_candidates``.
    """
    if given is None:
        return None
    refusal = RefusedError(400, "bad_candidates", "a candidate is no RTCIceCandidate")
    if not isinstance(given, dict):
        raise refusal
    text, mid, index = given.get("candidate"), given.get("sdpMid"), given.get("sdpMLineIndex")
    if not isinstance(text, str) or len(text) > LONGEST_CANDIDATE:
        raise refusal
    if not text:
        return None
    try:
        candidate = candidate_from_sdp(text.removeprefix("candidate:"))
    except (ValueError, AssertionError, IndexError):
        raise refusal from None
    if (
        not isinstance(mid, (str, type(None)))
        or not isinstance(index, (int, type(None)))
        or (mid, index) == (None, None)
    ):
        raise refusal
    candidate.sdpMid, candidate.sdpMLineIndex = mid, index
    return candidate
