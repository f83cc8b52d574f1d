"""Settings of the ``smart-turn`` detector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SmartTurnSettings(BaseModel):
    """Which model judges, and with how many threads. The threshold is the session's: `TurnPolicy`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = Field(
        default=None,
        description="An ONNX file of Smart Turn v3, for CPU. By default the one that "
        "`beluga-voice models fetch smart-turn` has brought.",
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Threads that one decision may take. More make it sooner, and cost more in all.",
    )
