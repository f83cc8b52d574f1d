"""Settings of Groq's providers: OpenAI's, with Groq's models and voices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from beluga_voice_openai.settings import OpenAILLMSettings, OpenAISTTSettings, OpenAITTSSettings


class GroqLLMSettings(OpenAILLMSettings, frozen=True, extra="forbid"):
    """Settings of the language model."""

    model: str = Field(default="llama-3.3-70b-versatile", min_length=1, description="the model")


class GroqSTTSettings(OpenAISTTSettings, frozen=True, extra="forbid"):
    """Settings of the recognizer."""

    model: str = Field(default="whisper-large-v3-turbo", min_length=1, description="the model")
    stream: bool = Field(default=False, description="Groq gives all words at once")


class GroqTTSSettings(OpenAITTSSettings, frozen=True, extra="forbid"):
    """Settings of the voice."""

    model: str = Field(default="canopylabs/orpheus-v1-english", min_length=1, description="the model")
    voice: str = Field(
        default="hannah", min_length=1, description="the voice; austin, daniel, diana, hannah, troy"
    )
    response_format: Literal["pcm", "wav"] = Field(default="wav", description="Groq gives WAV only")
