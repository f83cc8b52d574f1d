"""WebRTC for beluga-voice, by aiortc: browsers talk to sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterRoutes


@hookimpl
def register_routes(register: RegisterRoutes) -> None:
    """Register ``webrtc``, which adds ``/api/offer``."""
    register(
        "webrtc",
        "beluga_voice_webrtc.routes:WebRTCRoutes",
        settings="beluga_voice_webrtc.settings:WebRTCSettings",
    )
