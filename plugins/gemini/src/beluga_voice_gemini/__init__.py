"""Google's Gemini for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterLLM, RegisterS2S


@hookimpl
def register_llm(register: RegisterLLM) -> None:
    """Register ``gemini``."""
    register(
        "gemini", "beluga_voice_gemini.llm:GeminiLLM", settings="beluga_voice_gemini.settings:GeminiSettings"
    )


@hookimpl
def register_s2s(register: RegisterS2S) -> None:
    """Register ``gemini``: the Live API."""
    register(
        "gemini",
        "beluga_voice_gemini.live:GeminiS2S",
        settings="beluga_voice_gemini.settings:GeminiLiveSettings",
    )
