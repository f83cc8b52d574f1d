"""OpenAI, and servers compatible with it, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterLLM, RegisterS2S, RegisterSTT, RegisterTTS


@hookimpl
def register_llm(register: RegisterLLM) -> None:
    """Register `openai`."""
    register(
        "openai",
        "beluga_voice_openai.llm:OpenAILLM",
        settings="beluga_voice_openai.settings:OpenAILLMSettings",
    )


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register `openai` and `openai-realtime`."""
    register(
        "openai",
        "beluga_voice_openai.stt:OpenAISTT",
        settings="beluga_voice_openai.settings:OpenAISTTSettings",
    )
    register(
        "openai-realtime",
        "beluga_voice_openai.realtime_stt:OpenAIRealtimeSTT",
        settings="beluga_voice_openai.settings:OpenAIRealtimeSTTSettings",
    )


@hookimpl
def register_s2s(register: RegisterS2S) -> None:
    """Register `openai`."""
    register(
        "openai",
        "beluga_voice_openai.s2s:OpenAIS2S",
        settings="beluga_voice_openai.settings:OpenAIS2SSettings",
    )


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register `openai`."""
    register(
        "openai",
        "beluga_voice_openai.tts:OpenAITTS",
        settings="beluga_voice_openai.settings:OpenAITTSSettings",
    )
