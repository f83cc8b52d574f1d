"""Voice activity by energy over an adaptive noise floor, for beluga-voice; numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterVAD


@hookimpl
def register_vad(register: RegisterVAD) -> None:
    """Register ``energy``."""
    register(
        "energy", "beluga_voice_energy.vad:EnergyVAD", settings="beluga_voice_energy.settings:EnergySettings"
    )
