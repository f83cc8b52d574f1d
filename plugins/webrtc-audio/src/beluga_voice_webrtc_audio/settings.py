"""Settings of the noise suppressor."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WebRTCAudioSettings(BaseModel):
    """Settings of the noise suppressor ``webrtc-audio``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    echo: bool = Field(default=True, description="whether the agent's own voice is taken out")
    noise: Literal["off", "low", "moderate", "high", "very-high"] = Field(
        default="moderate", description="how much noise is taken out: 6, 12, 18 or 21 dB"
    )
    gain: bool = Field(default=False, description="whether a quiet caller is made louder")
    max_gain: float = Field(
        default=30.0, ge=0, le=50, description="dB by which a quiet caller is made louder, at most"
    )
    delay: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="seconds after which an echo is to be expected; a hint, the delay is found by itself",
    )
