"""The keys of a telephone, as a recognizer for beluga-voice."""

from __future__ import annotations

from beluga_voice.hookspecs import RegisterSTT, hookimpl


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``keypad``."""
    register(
        "keypad", "beluga_voice_keypad.stt:KeypadSTT", settings="beluga_voice_keypad.settings:KeypadSettings"
    )
