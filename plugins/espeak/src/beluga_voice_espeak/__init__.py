# SPDX-License-Identifier: GPL-3.0-or-later
"""The espeak-ng voice for beluga-voice, offline. GPL-3.0-or-later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from beluga_voice.hookspecs import RegisterTTS


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    register(
        "espeak", "beluga_voice_espeak.tts:EspeakTTS", settings="beluga_voice_espeak.settings:EspeakSettings"
    )


@hookimpl
def register_commands(group: click.Group) -> None:
    from beluga_voice_espeak.commands import espeak_voices

    group.add_command(espeak_voices)
