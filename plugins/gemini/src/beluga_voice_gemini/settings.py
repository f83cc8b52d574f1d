"""Settings of the two kinds of ``gemini`` models."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from beluga_voice.errors import ConfigurationError

HOST = "https://generativelanguage.googleapis.com"


def _key() -> SecretStr:
    return SecretStr(os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY") or "")


class _Common(BaseModel):
    """How the vendor is reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(
        default_factory=_key,
        description="Key of the Gemini API; that of the variable GEMINI_API_KEY, or else GOOGLE_API_KEY, by "
        "default.",
    )
    base_url: str = Field(
        default_factory=lambda: os.environ.get("GOOGLE_GEMINI_BASE_URL") or HOST,
        pattern=r"^https?://",
        description="Address without a version, of the vendor or a gateway; GOOGLE_GEMINI_BASE_URL by default, "
        "else the vendor's. WebSockets are opened at it, too.",
    )
    api_version: str = Field(
        default="v1beta",
        pattern=r"^v[0-9a-z]+$",
        description="Version of the API, as it stands in addresses.",
    )

    def require_key(self) -> None:
        """Look for a key.

        Raises:
            ConfigurationError: there is none.
        """
        if not self.api_key.get_secret_value():
            raise ConfigurationError(
                "Gemini is to be used and there is no key for it. Try: set GEMINI_API_KEY"
            )


class GeminiSettings(_Common):
    """Which language model answers, and how."""

    model: str = Field(
        default="gemini-3.8-flash",
        min_length=1,
        description="Any model that the server has, without models/.",
    )
    max_output_tokens: int = Field(
        default=2048,
        ge=1,
        description="Tokens after which an answer is cut, hidden thinking included. A minute of speech is some "
        "250.",
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="How freely words are chosen; the model's own default if not given.",
    )
    thinking_level: Literal["default", "minimal", "low", "medium", "high"] = Field(
        default="default",
        description="How much the model thinks before it answers; less is sooner heard. Models before Gemini 3 "
        "know thinking_budget only.",
    )
    thinking_budget: int | None = Field(
        default=None,
        ge=-1,
        description="Tokens that a model before Gemini 3 may think; 0 for none, -1 for as many as it sees fit.",
    )
    first_byte_timeout: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Seconds that an answer may take to begin, and to go on, before the call counts as failed.",
    )
    tries: int = Field(
        default=2,
        ge=1,
        le=10,
        description="How often a call is made in all, as long as nothing of its answer has come.",
    )


class GeminiLiveSettings(_Common):
    """Which speech-to-speech model talks, and how."""

    model: str = Field(
        default="gemini-3.1-flash-live-preview",
        min_length=1,
        description="Any model of the Live API, without models/.",
    )
    voice: str = Field(default="", description="Name of a voice, as in Kore; the model's own if empty.")
    thinking_level: Literal["default", "minimal", "low", "medium", "high"] = Field(
        default="default", description="How much the model thinks before it answers; less is sooner heard."
    )
    compression: bool = Field(
        default=True,
        description="Whether the vendor drops the oldest of a conversation that outgrows its window; else it ends "
        "the stream after a quarter of an hour.",
    )
