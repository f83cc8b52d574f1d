"""Cartesia's voices Sonic and its recognizer Ink, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterSTT, RegisterTTS


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register ``cartesia``, which is Sonic."""
    register(
        "cartesia",
        "beluga_voice_cartesia.tts:CartesiaTTS",
        settings="beluga_voice_cartesia.settings:SonicSettings",
    )


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``cartesia``, which is Ink, and ``cartesia-turns``, which finds the ends of turns."""
    register(
        "cartesia",
        "beluga_voice_cartesia.ink:CartesiaSTT",
        settings="beluga_voice_cartesia.settings:InkSettings",
    )
    register(
        "cartesia-turns",
        "beluga_voice_cartesia.turns:CartesiaTurnsSTT",
        settings="beluga_voice_cartesia.settings:InkTurnsSettings",
    )
