"""The microphone and loudspeaker of this machine for beluga-voice, by PortAudio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from beluga_voice.hookspecs import RegisterTransport


@hookimpl
def register_transport(register: RegisterTransport) -> None:
    """Register ``local-audio``."""
    register(
        "local-audio",
        "beluga_voice_local_audio.transport:LocalAudioTransport",
        settings="beluga_voice_local_audio.settings:LocalAudioSettings",
    )


@hookimpl
def register_commands(group: click.Group) -> None:
    """Add ``talk``."""
    from beluga_voice_local_audio.commands import talk

    group.add_command(talk)
