"""What can be set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ParrotSettings(BaseModel):
    """Settings of `ParrotSTT` and `ParrotTTS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        default="wss://parrot.example/", pattern=r"^wss?://", description="Where the vendor is reached."
    )
    api_key: SecretStr = Field(default=SecretStr(""), description="The key that the vendor gave.")
