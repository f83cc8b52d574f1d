"""Settings of the ``energy`` detector."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EnergySettings(BaseModel):
    """How loud over the background speech is. Thresholds and minimum durations are the session's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: float = Field(
        default=0.02,
        ge=0.01,
        le=0.1,
        description="Seconds of audio that get one score. Below 0.01 a low voice's single pulses show; above 0.1 "
        "syllables and pauses run together.",
    )
    floor_memory: float = Field(
        default=2.0,
        ge=0.5,
        le=10.0,
        description="Seconds over which the quietest moment counts as background. Speech without any pause for "
        "as long becomes background; a background that grows louder counts as speech for as long.",
    )
    margin: float = Field(
        default=9.0,
        ge=3.0,
        le=30.0,
        description="dB over the background at which speech has a probability of 0.5. Below 3 the unrest of steady "
        "noise is speech; beyond 30 only shouting is.",
    )
    slope: float = Field(
        default=0.6,
        ge=0.1,
        le=2.0,
        description="How fast the probability rises with loudness, per dB: with 0.6 from 0.1 to 0.9 within 7.3 dB. "
        "Lower values only blur the score, higher ones only make it a switch.",
    )
    quietest: float = Field(
        default=-60.0,
        ge=-90.0,
        le=-20.0,
        description="dBFS below which no background is assumed, so that a faint breath in digital silence is not "
        "speech: the quietest speech is this plus the margin. 16 bits alone make noise at -98 dBFS.",
    )
