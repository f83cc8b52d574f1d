# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set about the voice."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EspeakSettings(BaseModel):
    """Settings of `EspeakTTS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voice: str = Field(
        default="en-us",
        min_length=1,
        max_length=80,
        description="Language, name or identifier of a voice, with a variant after a plus sign: en-us, de, "
        "en-gb+f3. `beluga-voice espeak-voices` lists them.",
    )
    rate: int = Field(default=175, ge=80, le=450, description="Words per minute.")
    pitch: int = Field(default=50, ge=0, le=99, description="Pitch; 50 is the voice's own.")
    volume: int = Field(default=100, ge=0, le=200, description="Loudness in percent; above 100 may clip.")
    word_gap: float = Field(default=0.0, ge=0, le=1, description="Seconds added between words, in 0.01 s.")
    pause: float = Field(
        default=0.2,
        ge=0,
        le=2,
        description="Seconds of silence after each sentence; half of it after a clause.",
    )
