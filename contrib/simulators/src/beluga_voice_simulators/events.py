"""Answers that are streams of server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn, Self

from aiohttp import web

from beluga_voice_simulators.line import Gone


class EventStream:
    """An answer of status 200 whose events are sent as they are made."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._request = request
        self.response = response

    @classmethod
    async def open(cls, request: web.Request) -> Self:
        """Send the headers."""
        response = web.StreamResponse(headers={"Cache-Control": "no-cache"})
        response.content_type, response.charset = "text/event-stream", "utf-8"
        await response.prepare(request)
        return cls(request, response)

    async def send(self, data: Mapping[str, object] | str, name: str = "") -> None:
        """Send one event; a mapping as JSON."""
        text = data if isinstance(data, str) else json.dumps(data)
        await self.response.write(
            f"event: {name}\ndata: {text}\n\n".encode() if name else f"data: {text}\n\n".encode()
        )

    def cut(self) -> NoReturn:
        """Break off, without the end of the body.

        Raises:
            Gone: always.
        """
        cut(self._request)


def cut(request: web.Request) -> NoReturn:
    """Break an answer's connection.

    Raises:
        Gone: always.
    """
    if request.transport is not None:
        request.transport.abort()
    raise Gone
