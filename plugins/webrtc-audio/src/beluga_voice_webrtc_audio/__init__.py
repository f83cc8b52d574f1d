"""WebRTC's audio processing for beluga-voice: echo cancellation, noise suppression, gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterNoiseSuppressor


@hookimpl
def register_noise_suppressor(register: RegisterNoiseSuppressor) -> None:
    """Register ``webrtc-audio``."""
    register(
        "webrtc-audio",
        "beluga_voice_webrtc_audio.suppressor:WebRTCNoiseSuppressor",
        settings="beluga_voice_webrtc_audio.settings:WebRTCAudioSettings",
    )
