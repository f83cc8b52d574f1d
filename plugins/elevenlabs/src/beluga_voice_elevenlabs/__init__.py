"""ElevenLabs' voices and its recognizer Scribe, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterSTT, RegisterTTS


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register ``elevenlabs``, over a WebSocket, and ``elevenlabs-http``."""
    register(
        "elevenlabs",
        "beluga_voice_elevenlabs.tts:ElevenLabsTTS",
        settings="beluga_voice_elevenlabs.settings:ElevenLabsTTSSettings",
    )
    register(
        "elevenlabs-http",
        "beluga_voice_elevenlabs.http:ElevenLabsHttpTTS",
        settings="beluga_voice_elevenlabs.settings:ElevenLabsTTSSettings",
    )


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``elevenlabs``, which is Scribe."""
    register(
        "elevenlabs",
        "beluga_voice_elevenlabs.scribe:ElevenLabsSTT",
        settings="beluga_voice_elevenlabs.settings:ScribeSettings",
    )
