"""Offline speech recognition by CMU PocketSphinx, in worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterSTT


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``pocketsphinx``."""
    register(
        "pocketsphinx",
        "beluga_voice_pocketsphinx.stt:PocketSphinxSTT",
        settings="beluga_voice_pocketsphinx.settings:PocketSphinxSettings",
    )
