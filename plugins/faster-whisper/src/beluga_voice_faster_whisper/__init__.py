"""Whisper on this machine, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterModel, RegisterSTT

_BASE_EN = (
    "https://huggingface.co/Systran/faster-whisper-base.en/resolve/3d3d5dee26484f91867d81cb899cfcf72b96be6c"
)


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``faster-whisper``."""
    register(
        "faster-whisper",
        "beluga_voice_faster_whisper.stt:FasterWhisperSTT",
        settings="beluga_voice_faster_whisper.settings:FasterWhisperSettings",
    )


@hookimpl
def register_models(register: RegisterModel) -> None:
    """Register a small Whisper of English, at one commit of its repository; no hashes are published."""
    register(
        "whisper-base-en",
        [f"{_BASE_EN}/{name}" for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")],
        licence="MIT",
        purpose="recognizes English with punctuation, an utterance at a time",
        size=148_000_000,
    )
