"""Settings of OpenAI's providers. Models and voices are open: other servers have others."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, JsonValue, SecretStr


class AccountSettings(BaseModel, frozen=True, extra="forbid"):
    """Where the vendor is, and who asks."""

    api_key: SecretStr | None = Field(
        default=None, description="the key; OPENAI_API_KEY if not set, and none is needed at another base_url"
    )
    base_url: str | None = Field(
        default=None,
        description="address up to and with /v1; OPENAI_BASE_URL if not set, else OpenAI's own. Another for "
        "servers that are compatible: Ollama, vLLM, speaches, LocalAI",
    )
    organization: str | None = Field(default=None, description="who is charged; OPENAI_ORG_ID if not set")
    project: str | None = Field(default=None, description="which project; OPENAI_PROJECT_ID if not set")
    open_timeout: float = Field(default=5.0, gt=0, le=60, description="seconds to connect")
    first_byte_timeout: float = Field(
        default=20.0, gt=0, le=300, description="seconds from asking to the first byte of the answer"
    )
    idle_timeout: float = Field(
        default=10.0, gt=0, le=300, description="seconds between two pieces of an answer"
    )
    tries: int = Field(
        default=3, ge=1, le=10, description="how often a call is made in all, while nothing was answered"
    )


class OpenAILLMSettings(AccountSettings, frozen=True, extra="forbid"):
    """Settings of the language model."""

    model: str = Field(default="gpt-4.1-mini", min_length=1, description="the model")
    api: Literal["chat", "responses"] = Field(
        default="chat", description="Chat Completions, which all compatible servers have, or Responses"
    )
    temperature: float | None = Field(default=None, ge=0, le=2, description="the model's own if not set")
    max_output_tokens: int | None = Field(default=None, ge=1, description="tokens that an answer may take")
    reasoning_effort: str | None = Field(
        default=None, description="none, minimal, low, medium, high; for models that reason"
    )
    parallel_tool_calls: bool | None = Field(
        default=None, description="whether one answer may call several tools; the vendor's default if not set"
    )
    service_tier: str | None = Field(default=None, description="auto, default, flex or priority")
    extra: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="further fields of the request's body, as a compatible server knows them",
    )


class OpenAISTTSettings(AccountSettings, frozen=True, extra="forbid"):
    """Settings of the recognizer."""

    model: str = Field(default="gpt-4o-mini-transcribe", min_length=1, description="the model")
    language: str | None = Field(
        default=None,
        min_length=2,
        description="ISO 639-1 code of what is spoken; found by the model if not set",
    )
    prompt: str | None = Field(default=None, description="words and style to expect")
    stream: bool = Field(
        default=True, description="have words as they are recognised; turn off for servers that cannot"
    )
    first_byte_timeout: float = Field(
        default=10.0, gt=0, le=300, description="seconds from asking to the first byte of the answer"
    )
    longest: float = Field(
        default=120.0,
        ge=1,
        le=600,
        description="seconds of speech after which a part is transcribed by itself",
    )


class OpenAITTSSettings(AccountSettings, frozen=True, extra="forbid"):
    """Settings of the voice."""

    model: str = Field(default="gpt-4o-mini-tts", min_length=1, description="the model")
    voice: str = Field(
        default="marin", min_length=1, description="the voice; alloy, cedar, coral, marin, and others"
    )
    instructions: str | None = Field(default=None, description="how to speak: accent, tone, pace, mood")
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="times as fast")
    response_format: Literal["pcm", "wav"] = Field(
        default="pcm", description="16-bit samples, bare or with a header, for servers that give only one"
    )
    sample_rate: int = Field(
        default=24000,
        ge=8000,
        le=48000,
        description="Hz of bare samples; OpenAI's are of 24000, other servers' vary",
    )
    first_byte_timeout: float = Field(
        default=10.0, gt=0, le=300, description="seconds from asking to the first byte of the answer"
    )


class RealtimeSettings(AccountSettings, frozen=True, extra="forbid"):
    """What both users of the Realtime interface are told."""

    noise_reduction: Literal["near_field", "far_field"] | None = Field(
        default=None, description="what the vendor takes noise for: around a headset, or across a room"
    )
    tries: int = Field(default=4, ge=1, le=10, description="how often in a row a connection may fail")


class OpenAIRealtimeSTTSettings(RealtimeSettings, frozen=True, extra="forbid"):
    """Settings of the recognizer that hears speech while it is spoken."""

    model: str = Field(default="gpt-4o-mini-transcribe", min_length=1, description="the model")
    language: str | None = Field(
        default=None,
        min_length=2,
        description="ISO 639-1 code of what is spoken; found by the model if not set",
    )
    prompt: str | None = Field(default=None, description="words and style to expect")
    answer_timeout: float = Field(
        default=10.0, gt=0, le=60, description="seconds from the end of speech within which words must come"
    )


class OpenAIS2SSettings(RealtimeSettings, frozen=True, extra="forbid"):
    """Settings of the Realtime model."""

    model: str = Field(default="gpt-realtime", min_length=1, description="the model")
    voice: str = Field(
        default="marin", min_length=1, description="the voice; alloy, cedar, marin, and others"
    )
    speed: float = Field(default=1.0, ge=0.25, le=1.5, description="times as fast")
    transcription_model: str | None = Field(
        default="gpt-4o-mini-transcribe", description="what writes down the caller's words; none if null"
    )
    language: str | None = Field(
        default=None, min_length=2, description="ISO 639-1 code of what is spoken; the session's if not set"
    )
    turn_detection: Literal["session", "server_vad", "semantic_vad"] = Field(
        default="session",
        description="who finds the ends of turns: the session's own, or the vendor's detectors",
    )
    silence: float | None = Field(
        default=None, ge=0.1, le=5, description="seconds of it that end a turn for server_vad"
    )
    eagerness: Literal["low", "medium", "high", "auto"] | None = Field(
        default=None, description="how soon semantic_vad takes a turn for over"
    )
    create_response: bool = Field(
        default=True, description="whether the vendor answers the turns that it finds itself"
    )
    interrupt_response: bool = Field(
        default=True, description="whether the vendor ends its answer when it hears the caller"
    )
