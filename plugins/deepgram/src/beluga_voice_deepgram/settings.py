"""What can be set about Deepgram's recognizers and voices."""

from __future__ import annotations

import os
from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

KEY = "DEEPGRAM_API_KEY"
ADDRESS = "DEEPGRAM_BASE_URL"
VENDOR = "https://api.deepgram.com"
SCHEMES = ("https://", "http://", "wss://", "ws://")


class DeepgramSettings(BaseModel, frozen=True, extra="forbid"):
    """What all of Deepgram's services have in common."""

    api_key: SecretStr | None = Field(default=None, description="The key; `DEEPGRAM_API_KEY` if not set.")
    base_url: str | None = Field(
        default=None,
        description="Address without `/v1`; `DEEPGRAM_BASE_URL` if not set, else https://api.deepgram.com.",
    )
    model_improvement: bool = Field(
        default=True,
        description="Whether Deepgram may keep the audio to improve its models, for a lower price.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(SCHEMES):
            raise ValueError(
                f"{value!r} is no address; it must begin with https://, http://, wss:// or ws://"
            )
        return value

    @property
    def key(self) -> str:
        """The key; empty if there is none."""
        return os.environ.get(KEY, "") if self.api_key is None else self.api_key.get_secret_value()

    @property
    def websocket(self) -> str:
        """The address for WebSockets."""
        address = (self.base_url or os.environ.get(ADDRESS) or VENDOR).rstrip("/")
        return f"ws{address.removeprefix('http')}" if address.startswith("http") else address


class NovaSettings(DeepgramSettings, frozen=True, extra="forbid"):
    """Settings of `DeepgramSTT`."""

    model: str = Field(default="nova-3", min_length=1, description="Model, of any that `/v1/listen` has.")
    language: str = Field(default="en", min_length=2, description="BCP 47 tag; `multi` for several at once.")
    interim_results: bool = Field(default=True, description="Whether words are told before they are final.")
    punctuate: bool = Field(default=True, description="Whether words have punctuation and capitals.")
    smart_format: bool = Field(
        default=False, description="Whether numbers, dates and addresses are written as they are read."
    )
    numerals: bool = Field(default=False, description="Whether numbers are written in digits.")
    profanity_filter: bool = Field(default=False, description="Whether profanity is left out.")
    keyterms: tuple[str, ...] = Field(
        default=(), max_length=100, description="Words and phrases that are to be heard; `nova-3` only."
    )
    endpointing: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Seconds of silence after which words become final without being asked for; 0 for never. "
        "Default is the vendor's: 0.01.",
    )
    utterance_end: float | None = Field(
        default=None,
        ge=1,
        le=5,
        description="Seconds without words after which the vendor tells that an utterance is over, in noise too; "
        "needs `interim_results`. Not told by default.",
    )
    ends_turns: bool = Field(
        default=False,
        description="Whether the vendor's endpointing and `utterance_end` end the caller's turn; else the session "
        "decides that by itself.",
    )

    @model_validator(mode="after")
    def _needs_interims(self) -> Self:
        if self.utterance_end is not None and not self.interim_results:
            raise ValueError("utterance_end needs interim_results. Try: interim_results = true")
        return self


class FluxSettings(DeepgramSettings, frozen=True, extra="forbid"):
    """Settings of `DeepgramFluxSTT`."""

    model: str = Field(
        default="flux-general-en", min_length=1, description="Model, of any that `/v2/listen` has."
    )
    language_hints: tuple[str, ...] = Field(
        default=(), max_length=20, description="Languages to expect, with `flux-general-multi`."
    )
    end_of_turn: float | None = Field(
        default=None,
        ge=0.5,
        le=1.0,
        description="Confidence from which the turn is over; higher waits longer. Default is the vendor's: 0.7.",
    )
    eager_end_of_turn: float | None = Field(
        default=None,
        ge=0.3,
        le=0.9,
        description="Confidence from which the turn may be over, so that a reply can be prepared; at most "
        "`end_of_turn`. Not told by default.",
    )
    end_of_turn_timeout: float | None = Field(
        default=None,
        ge=0.5,
        le=30,
        description="Seconds of silence after which the turn is over whatever the confidence. Default is the "
        "vendor's: 5.",
    )
    keyterms: tuple[str, ...] = Field(
        default=(), max_length=100, description="Words and phrases that are to be heard."
    )

    @model_validator(mode="after")
    def _eager_comes_first(self) -> Self:
        eager, last = self.eager_end_of_turn, self.end_of_turn if self.end_of_turn is not None else 0.7
        if eager is not None and eager > last:
            raise ValueError(f"eager_end_of_turn is {eager:g}; it must be at most end_of_turn, {last:g}")
        return self


class AuraSettings(DeepgramSettings, frozen=True, extra="forbid"):
    """Settings of `DeepgramTTS`."""

    model: str = Field(
        default="aura-2-thalia-en",
        min_length=1,
        description="Voice, of any that `/v1/speak` has: model, name and language in one.",
    )
    sample_rate: int = Field(
        default=24000, description="Hz of the audio: 8000, 16000, 24000, 32000 or 48000."
    )
    speed: float | None = Field(
        default=None, ge=0.7, le=1.5, description="Times as fast as the voice's own; some voices only."
    )

    @field_validator("sample_rate")
    @classmethod
    def _is_rate(cls, value: int) -> int:
        if value not in RATES:
            raise ValueError(f"{value} Hz is none of {', '.join(map(str, RATES))}")
        return value


RATES = (8000, 16000, 24000, 32000, 48000)
"""Hz that Aura gives 16-bit PCM at."""
