"""Voice activity by the detector of WebRTC, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterVAD


@hookimpl
def register_vad(register: RegisterVAD) -> None:
    """Register ``webrtcvad``."""
    register(
        "webrtcvad",
        "beluga_voice_webrtcvad.vad:WebRTCVAD",
        settings="beluga_voice_webrtcvad.settings:WebRTCVADSettings",
    )
