"""Settings of the transport."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LocalAudioSettings(BaseModel):
    """Settings of the transport ``local-audio``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    microphone: int | str | None = Field(
        default=None, description="number, or part of the name; the system's own if not set"
    )
    loudspeaker: int | str | None = Field(default=None, description="likewise")
    buffer: float = Field(
        default=0.5,
        ge=0.04,
        le=5,
        description="seconds of the agent's audio that may wait; the rest is dropped",
    )
