"""Settings of the ``silero`` detector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SileroSettings(BaseModel):
    """What can be chosen about Silero. Thresholds and minimum durations are the session's, not the
    detector's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = Field(
        default=None,
        description="An ONNX file of Silero for 16 kHz to use instead of the one that comes with the plugin: "
        "silero_vad_16k_op15.onnx of the silero-vad distribution, 5.1 or later, or one fine-tuned from it.",
    )
