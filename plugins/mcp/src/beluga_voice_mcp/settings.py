"""Settings of an MCP server."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator


class MCPSettings(BaseModel, frozen=True, extra="forbid"):
    """Which server, and how its tools are called. Durations are seconds."""

    command: str | None = Field(
        default=None, description="starts the server, which speaks on its standard streams"
    )
    args: tuple[str, ...] = Field(default=(), description="arguments of the command")
    env: dict[str, str] | None = Field(
        default=None, description="its environment, beside what it needs to run"
    )
    cwd: str | None = Field(default=None, description="folder that the command runs in")
    url: str | None = Field(default=None, description="a server that runs already, by streamable HTTP")
    only: tuple[str, ...] = Field(default=(), description="names of the tools that are taken; all if empty")
    prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]*$", description="put before the names of its tools"
    )
    timeout: float = Field(default=30, gt=0, le=600, description="that a call may take")
    filler: str = Field(default="", description="said when a call takes long and nobody speaks")
    effects: bool = Field(
        default=True, description="whether calls change anything, unless the server says not"
    )
    open_timeout: float = Field(default=30, gt=0, le=120, description="that connecting may take")

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either command, to start a server, or url, of one that runs")
        return self
