"""Telephone calls for beluga-voice, by Twilio Media Streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterRoutes


@hookimpl
def register_routes(register: RegisterRoutes) -> None:
    """Register ``twilio``, which adds ``/twilio``."""
    register(
        "twilio",
        "beluga_voice_twilio.routes:TwilioRoutes",
        settings="beluga_voice_twilio.settings:TwilioSettings",
    )
