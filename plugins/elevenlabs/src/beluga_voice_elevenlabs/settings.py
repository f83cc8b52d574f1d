"""What can be set about ElevenLabs' voices and its recognizer."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

KEY = "ELEVENLABS_API_KEY"
ADDRESS = "ELEVENLABS_BASE_URL"
VENDOR = "https://api.elevenlabs.io"
SCHEMES = ("https://", "http://")
RATES = (8000, 16000, 22050, 24000, 44100, 48000)
"""Hz that the vendor gives 16-bit PCM at; the higher ones in some plans only."""


class ElevenLabsSettings(BaseModel, frozen=True, extra="forbid"):
    """What all of ElevenLabs' services have in common."""

    api_key: SecretStr | None = Field(default=None, description="The key; `ELEVENLABS_API_KEY` if not set.")
    base_url: str | None = Field(
        default=None,
        description="Address without `/v1`; `ELEVENLABS_BASE_URL` if not set, else https://api.elevenlabs.io. "
        "There are others for data that must stay in the US, the EU or India.",
    )
    enable_logging: bool = Field(
        default=True,
        description="Whether the vendor may keep texts and audio; some plans only may turn it off.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(SCHEMES):
            raise ValueError(f"{value!r} is no address; it must begin with https:// or http://")
        return value

    @property
    def key(self) -> str:
        """The key; empty if there is none."""
        return os.environ.get(KEY, "") if self.api_key is None else self.api_key.get_secret_value()

    @property
    def address(self) -> str:
        """The address, without a slash at its end."""
        return (self.base_url or os.environ.get(ADDRESS) or VENDOR).rstrip("/")


class ElevenLabsTTSSettings(ElevenLabsSettings, frozen=True, extra="forbid"):
    """Settings of `ElevenLabsTTS` and `ElevenLabsHttpTTS`."""

    voice: str = Field(default="21m00Tcm4TlvDq8ikWAM", min_length=1, description="Id of a voice.")
    model: str = Field(default="eleven_flash_v2_5", min_length=1, description="Model, of any that speaks.")
    language: str | None = Field(
        default=None, min_length=2, description="ISO 639-1 code, for models that can be told it."
    )
    sample_rate: int = Field(
        default=24000, description="Hz of the audio: 8000, 16000, 22050, 24000, 44100 or 48000."
    )
    stability: float | None = Field(default=None, ge=0, le=1, description="The voice's own if not set.")
    similarity_boost: float | None = Field(
        default=None, ge=0, le=1, description="The voice's own if not set."
    )
    style: float | None = Field(default=None, ge=0, le=1, description="The voice's own if not set.")
    speaker_boost: bool | None = Field(default=None, description="The voice's own if not set.")
    speed: float | None = Field(default=None, ge=0.7, le=1.2, description="Times as fast as the voice's own.")
    text_normalization: Literal["auto", "on", "off"] | None = Field(
        default=None, description="Whether numbers and the like are written out first; `auto` if not set."
    )

    @field_validator("sample_rate")
    @classmethod
    def _is_rate(cls, value: int) -> int:
        if value not in RATES:
            raise ValueError(f"{value} Hz is none of {', '.join(map(str, RATES))}")
        return value

    @property
    def voice_settings(self) -> dict[str, float | bool]:
        """What is set of how the voice speaks, in the vendor's words."""
        given = {
            "stability": self.stability,
            "similarity_boost": self.similarity_boost,
            "style": self.style,
            "use_speaker_boost": self.speaker_boost,
            "speed": self.speed,
        }
        return {name: value for name, value in given.items() if value is not None}


class ScribeSettings(ElevenLabsSettings, frozen=True, extra="forbid"):
    """Settings of `ElevenLabsSTT`."""

    model: str = Field(
        default="scribe_v2_realtime", min_length=1, description="Model, of any that listens live."
    )
    language: str | None = Field(
        default=None, min_length=2, description="ISO 639 code; found by the vendor if not set."
    )
    keyterms: tuple[str, ...] = Field(
        default=(),
        max_length=50,
        description="Words and phrases that are to be heard, of 20 characters at most.",
    )
    no_verbatim: bool = Field(default=False, description="Whether fillers and false starts are left out.")
