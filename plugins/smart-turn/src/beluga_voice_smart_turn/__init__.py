"""A turn detector by how the caller's speech sounds, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterModel, RegisterTurnDetector


@hookimpl
def register_turn_detector(register: RegisterTurnDetector) -> None:
    """Register ``smart-turn``."""
    register(
        "smart-turn",
        "beluga_voice_smart_turn.detector:SmartTurnDetector",
        settings="beluga_voice_smart_turn.settings:SmartTurnSettings",
    )


@hookimpl
def register_models(register: RegisterModel) -> None:
    """Register the model that the detector runs."""
    register(
        "smart-turn",
        "https://huggingface.co/pipecat-ai/smart-turn-v3/resolve/main/smart-turn-v3.2-cpu.onnx",
        sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
        size=8_679_182,
        licence="BSD-2-Clause",
        purpose="tells by the sound whether a pause ends the caller's turn, in 23 languages",
    )
