"""What can be set about the detector."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class HeuristicSettings(BaseModel):
    """Settings of `HeuristicTurnDetector`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str | None = Field(
        default=None,
        description="BCP 47 tag of the language whose words are looked at; unset, the conversation's own.",
    )
    incomplete_words: tuple[str, ...] = Field(
        default=(),
        max_length=1000,
        description="Further words or phrases after which the caller goes on, in any language.",
    )
