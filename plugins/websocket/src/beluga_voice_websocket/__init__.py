"""WebSocket for beluga-voice: a documented protocol, its server side, and a Python client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterRoutes


@hookimpl
def register_routes(register: RegisterRoutes) -> None:
    """Register ``websocket``, which adds ``/ws``."""
    register("websocket", "beluga_voice_websocket.routes:WebSocketRoutes")
