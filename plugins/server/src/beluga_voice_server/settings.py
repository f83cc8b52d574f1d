"""What the user says about the server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from beluga_voice.contracts import Limits


class ServerSettings(BaseModel):
    """The settings ``[server]``. Durations are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen on; by default this machine alone")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    key: SecretStr | None = Field(
        default=None, description="who may start sessions from elsewhere, as ``Authorization: Bearer KEY``"
    )
    secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="signs tokens, at least 16 characters; made anew by each process if not set",
    )
    public: bool = Field(
        default=False, description="whether anybody may start sessions from elsewhere, without `key`"
    )
    tokens: Literal["auto", "always"] = Field(
        default="auto", description="who needs a token: by default all but callers on this machine"
    )
    token_lifetime: float = Field(default=60, ge=1, le=3600, description="of a token that starts a session")
    resume_lifetime: float = Field(
        default=86400, ge=1, le=604800, description="of a token that resumes a session"
    )
    origins: tuple[str, ...] = Field(
        default=(), description="of pages of other hosts that may call, as in ``https://shop.example``"
    )
    hosts: tuple[str, ...] = Field(
        default=(),
        description="names that the server is called by; by default any, and on this machine only its own",
    )
    proxies: tuple[str, ...] = Field(
        default=(), description="addresses of proxies that tell by ``X-Forwarded-For`` for whom they ask"
    )
    max_sessions: int = Field(default=100, ge=1, le=100000, description="sessions at once")
    max_sessions_per_client: int = Field(default=10, ge=1, le=100000, description="of one address")
    max_lag: float = Field(
        default=0.1, ge=0.001, le=10, description="of the event loop, beyond which no session is begun"
    )
    max_body: int = Field(default=65536, ge=1024, le=1 << 24, description="bytes of a request")
    max_message: int = Field(default=16384, ge=1024, le=1 << 20, description="bytes of a control message")
    max_frame: int = Field(default=65536, ge=640, le=1 << 20, description="bytes of a message with audio")
    max_backlog: int = Field(
        default=1 << 20, ge=4096, le=1 << 26, description="bytes that wait for a slow reader before it is cut"
    )
    setup: float = Field(default=10, ge=0.5, le=120, description="from the first byte until the call begins")
    idle: float = Field(
        default=30, ge=1, le=3600, description="without a byte from the caller, then it is cut"
    )
    grace: float = Field(
        default=30, ge=0, le=3600, description="that a session waits for its caller to come back"
    )
    drain: float = Field(
        default=30, ge=0, le=3600, description="that calls may go on once the server is told to stop"
    )
    page: bool = Field(default=True, description="whether the page to talk to the agent is served at ``/``")
    keep: int = Field(
        default=3,
        ge=0,
        le=1000,
        description="calls of the page on this machine whose recording and journal are kept till the process ends",
    )
    access_log: bool = Field(default=True, description="whether each request is a line of the log")

    @property
    def limits(self) -> Limits:
        """What a connection is allowed."""
        return Limits(
            body=self.max_body,
            message=self.max_message,
            frame=self.max_frame,
            backlog=self.max_backlog,
            setup=self.setup,
            idle=self.idle,
        )


class SQLiteSettings(BaseModel):
    """Settings of the session store ``sqlite``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        default=Path("beluga-sessions.db"), description="file of the database; holds what was said"
    )
    keep: float = Field(
        default=86400, ge=1, le=31536000, description="seconds for which a session that did not end is kept"
    )
