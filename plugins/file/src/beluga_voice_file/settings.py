"""What the user says about a call from a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class FileSettings(BaseModel):
    """Settings of the transport ``file``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(description="WAV file with the caller's voice; more than one channel is mixed to one.")
    record: Path | None = Field(
        default=None,
        description="WAV file to write the call to, caller left, agent right; what it held is overwritten.",
    )
    trailing_silence: float = Field(
        default=5.0,
        ge=0,
        le=600,
        description=(
            "Seconds of silence, after the file's end and after the agent's last word, before the caller "
            "hangs up. The default is twice the longest wait for a turn's end: the rest is for the agent."
        ),
    )
