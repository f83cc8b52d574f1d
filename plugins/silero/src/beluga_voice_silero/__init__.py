"""Silero voice activity detection for beluga-voice: weights included, windows of all sessions in one
batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterVAD


@hookimpl
def register_vad(register: RegisterVAD) -> None:
    """Register ``silero``."""
    register(
        "silero", "beluga_voice_silero.vad:SileroVAD", settings="beluga_voice_silero.settings:SileroSettings"
    )
