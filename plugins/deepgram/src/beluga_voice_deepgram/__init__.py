"""Deepgram's recognizers Nova and Flux and its voices Aura, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterSTT, RegisterTTS


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``deepgram``, which is Nova, and ``deepgram-flux``."""
    register(
        "deepgram",
        "beluga_voice_deepgram.nova:DeepgramSTT",
        settings="beluga_voice_deepgram.settings:NovaSettings",
    )
    register(
        "deepgram-flux",
        "beluga_voice_deepgram.flux:DeepgramFluxSTT",
        settings="beluga_voice_deepgram.settings:FluxSettings",
    )


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register ``deepgram``, which is Aura."""
    register(
        "deepgram",
        "beluga_voice_deepgram.tts:DeepgramTTS",
        settings="beluga_voice_deepgram.settings:AuraSettings",
    )
