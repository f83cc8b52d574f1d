"""Anthropic's Claude for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterLLM


@hookimpl
def register_llm(register: RegisterLLM) -> None:
    """Register ``anthropic``."""
    register(
        "anthropic",
        "beluga_voice_anthropic.llm:AnthropicLLM",
        settings="beluga_voice_anthropic.settings:AnthropicSettings",
    )
