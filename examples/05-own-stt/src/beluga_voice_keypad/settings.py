"""What can be set about the recognizer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class KeypadSettings(BaseModel):
    """Settings of `KeypadSTT`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pause: float = Field(
        default=1.0, ge=0.1, le=5, description="Seconds without a key, then what was keyed is final."
    )
    purity: float = Field(
        default=0.8, ge=0.5, le=1, description="Share of the sound that must be the key's two tones."
    )
