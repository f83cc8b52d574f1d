"""What can be set about Cartesia's voices and recognizers."""

from __future__ import annotations

import os
from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

KEY = "CARTESIA_API_KEY"
ADDRESS = "CARTESIA_BASE_URL"
VENDOR = "https://api.cartesia.ai"
VERSION = "2026-03-01"
"""Of the protocol that is spoken here."""

SCHEMES = ("https://", "http://", "wss://", "ws://")
RATES = (8000, 16000, 22050, 24000, 44100, 48000)
"""Hz that Sonic gives raw audio at."""


class CartesiaSettings(BaseModel, frozen=True, extra="forbid"):
    """What all of Cartesia's services have in common."""

    api_key: SecretStr | None = Field(default=None, description="The key; `CARTESIA_API_KEY` if not set.")
    base_url: str | None = Field(
        default=None, description="Address; `CARTESIA_BASE_URL` if not set, else https://api.cartesia.ai."
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


class SonicSettings(CartesiaSettings, frozen=True, extra="forbid"):
    """Settings of `CartesiaTTS`."""

    voice: str = Field(
        default="6ccbfb76-1fc6-48f7-b71d-91ac6298247b", min_length=1, description="Id of a voice."
    )
    model: str = Field(default="sonic-3", min_length=1, description="Model, of any that speaks.")
    language: str = Field(default="en", min_length=2, description="ISO 639-1 code.")
    sample_rate: int = Field(
        default=24000, description="Hz of the audio: 8000, 16000, 22050, 24000, 44100 or 48000."
    )
    speed: float | None = Field(default=None, ge=0.6, le=1.5, description="Times as fast as the voice's own.")
    volume: float | None = Field(
        default=None, ge=0.5, le=2.0, description="Times as loud as the voice's own."
    )
    emotion: str | None = Field(default=None, min_length=1, description="As in `calm`; `sonic-3` and newer.")
    pronunciation: str | None = Field(
        default=None, min_length=1, description="Id of a pronunciation dictionary."
    )

    @field_validator("sample_rate")
    @classmethod
    def _is_rate(cls, value: int) -> int:
        if value not in RATES:
            raise ValueError(f"{value} Hz is none of {', '.join(map(str, RATES))}")
        return value


class InkSettings(CartesiaSettings, frozen=True, extra="forbid"):
    """Settings of `CartesiaSTT`."""

    model: str = Field(default="ink-2", min_length=1, description="Model, of any that `/stt/websocket` has.")
    language: str = Field(default="en", min_length=2, description="ISO 639-1 code.")
    keyterms: tuple[str, ...] = Field(
        default=(), max_length=100, description="Words and phrases that are to be heard."
    )


class InkTurnsSettings(CartesiaSettings, frozen=True, extra="forbid"):
    """Settings of `CartesiaTurnsSTT`. Thresholds are of how likely it is that the caller speaks."""

    model: str = Field(
        default="ink-2", min_length=1, description="Model, of any that `/stt/turns/websocket` has."
    )
    keyterms: tuple[str, ...] = Field(
        default=(), max_length=100, description="Words and phrases that are to be heard."
    )
    start: float | None = Field(
        default=None, ge=0.5, le=0.9, description="Above it a turn begins. Default is the vendor's: 0.8."
    )
    eager_end: float | None = Field(
        default=None, ge=0.3, le=0.6, description="Below it a turn may be over. Default is the vendor's: 0.4."
    )
    end: float | None = Field(
        default=None, ge=0.05, le=0.5, description="Below it a turn is over. Default is the vendor's: 0.2."
    )
    end_timeout: float | None = Field(
        default=None,
        ge=0.64,
        le=11.2,
        description="Seconds of silence after which a turn is over in any case. Default is the vendor's: 5.6.",
    )

    @model_validator(mode="after")
    def _are_in_order(self) -> Self:
        end, eager, start = self.end or 0.2, self.eager_end or 0.4, self.start or 0.8
        if not end < eager < start:
            raise ValueError(
                f"end is {end:g}, eager_end {eager:g}, start {start:g}; each must be below the next"
            )
        return self
