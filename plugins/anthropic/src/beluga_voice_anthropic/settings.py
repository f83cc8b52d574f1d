"""Settings of the ``anthropic`` model."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

HOST = "https://api.anthropic.com"


class AnthropicSettings(BaseModel):
    """Which model answers, how long, and how it is reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(
        default_factory=lambda: SecretStr(os.environ.get("ANTHROPIC_API_KEY", "")),
        description="Key of the Claude API; that of the variable ANTHROPIC_API_KEY by default. A server of your "
        "own that wants none takes any word.",
    )
    base_url: str = Field(
        default_factory=lambda: os.environ.get("ANTHROPIC_BASE_URL") or HOST,
        pattern=r"^https?://",
        description="Address without /v1, of the vendor, a gateway or a compatible server; ANTHROPIC_BASE_URL by "
        "default, else the vendor's.",
    )
    api_version: str = Field(
        default="2026-10-21",
        min_length=1,
        description="The header anthropic-version. A compatible server may know 2023-06-01 only.",
    )
    model: str = Field(
        default="claude-haiku-5-5",
        min_length=1,
        description="Any model that the server has. Small ones are soonest heard.",
    )
    max_tokens: int = Field(
        default=2048,
        ge=1,
        description="Tokens after which an answer is cut, hidden thinking included. A minute of speech is some "
        "250.",
    )
    thinking: Literal["default", "adaptive", "disabled"] = Field(
        default="default",
        description="Whether the model thinks before it answers: as it does by default, as it sees fit, or not at "
        "all, which is soonest heard. Some models refuse one or the other.",
    )
    effort: Literal["default", "low", "medium", "high", "xhigh", "max"] = Field(
        default="default",
        description="How much work goes into an answer; more takes longer. Older models know no effort.",
    )
    caching: Literal["off", "5m", "1h"] = Field(
        default="5m",
        description="How long the vendor keeps what it has read, from its last use: the next answer begins sooner "
        "and costs less. Short conversations, below a least number of tokens of the model's, are not kept.",
    )
    parallel_tool_calls: bool = Field(default=True, description="Whether one answer may call several tools.")
    first_byte_timeout: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Seconds that an answer may take to begin, and to go on, before the call counts as failed.",
    )
    tries: int = Field(
        default=2,
        ge=1,
        le=10,
        description="How often a call is made in all, as long as nothing of its answer has come.",
    )
