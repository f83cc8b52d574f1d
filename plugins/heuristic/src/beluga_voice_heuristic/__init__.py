"""A turn detector by the words' ending, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterTurnDetector


@hookimpl
def register_turn_detector(register: RegisterTurnDetector) -> None:
    register(
        "heuristic",
        "beluga_voice_heuristic.detector:HeuristicTurnDetector",
        settings="beluga_voice_heuristic.settings:HeuristicSettings",
    )
