"""Groq for beluga-voice, over the same code as OpenAI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterLLM, RegisterSTT, RegisterTTS


@hookimpl
def register_llm(register: RegisterLLM) -> None:
    """Register `groq`."""
    register(
        "groq", "beluga_voice_groq.providers:GroqLLM", settings="beluga_voice_groq.settings:GroqLLMSettings"
    )


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register `groq`."""
    register(
        "groq", "beluga_voice_groq.providers:GroqSTT", settings="beluga_voice_groq.settings:GroqSTTSettings"
    )


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register `groq`."""
    register(
        "groq", "beluga_voice_groq.providers:GroqTTS", settings="beluga_voice_groq.settings:GroqTTSSettings"
    )
