"""WAV files as a caller's line, for beluga-voice: audio in, stereo recording out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterCheck, RegisterTransport


@hookimpl
def register_transport(register: RegisterTransport) -> None:
    """Register ``file``."""
    register(
        "file",
        "beluga_voice_file.transport:FileTransport",
        settings="beluga_voice_file.settings:FileSettings",
    )


@hookimpl
def register_checks(register: RegisterCheck) -> None:
    """Register how ``file`` is checked: with a recording that is made for it."""
    register("transport", "file", "beluga_voice_file.checks:check")
