"""Settings of the ``webrtcvad`` detector."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

WINDOWS = (0.01, 0.02, 0.03)


class WebRTCVADSettings(BaseModel):
    """How strict the detector is. Thresholds and minimum durations are the session's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal[0, 1, 2, 3] = Field(
        default=3,
        description="How sure it has to be of speech: 0 misses least, 3 takes least noise for speech.",
    )
    window: float = Field(
        default=0.02, description="Seconds of audio that get one score: 0.01, 0.02 or 0.03."
    )

    @field_validator("window")
    @classmethod
    def _is_known(cls, window: float) -> float:
        if window not in WINDOWS:
            raise ValueError(f"{window} is no window of the detector; allowed are 0.01, 0.02 and 0.03")
        return window
