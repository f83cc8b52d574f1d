"""What the user says about WebRTC."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


def _an_address(text: str) -> str:
    return str(ip_address(text))


def _a_stun_url(text: str) -> str:
    if not text.startswith("stun:"):
        raise ValueError("it must be a URL as in stun:stun.example:3478")
    return text


def _a_turn_url(text: str) -> str:
    if not text.startswith(("turn:", "turns:")):
        raise ValueError("it must be a URL as in turn:turn.example:3478?transport=udp")
    return text


def _ports(text: str) -> str:
    low, dash, high = text.partition("-")
    if text and not (dash and low.isdigit() and high.isdigit() and 1024 <= int(low) <= int(high) <= 65535):
        raise ValueError("it must be of the form 40000-40999, from 1024 to 65535")
    return text


class WebRTCSettings(BaseModel):
    """The settings ``[server.webrtc]``. Durations are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ports: Annotated[str, AfterValidator(_ports)] = Field(
        default="", description="UDP ports that calls use, as in ``40000-40999``; any if empty"
    )
    addresses: tuple[Annotated[str, AfterValidator(_an_address)], ...] = Field(
        default=(), description="of this machine on which calls are taken; by default all but loopback"
    )
    advertise: Annotated[str, AfterValidator(_an_address)] | None = Field(
        default=None,
        description="address that callers are told in place of the machine's own, behind a 1:1 NAT",
    )
    stun: tuple[Annotated[str, AfterValidator(_a_stun_url)], ...] = Field(
        default=(), description="STUN servers, for callers and for this server"
    )
    turn: tuple[Annotated[str, AfterValidator(_a_turn_url)], ...] = Field(
        default=(), description="TURN servers, for callers and for this server"
    )
    turn_secret: SecretStr | None = Field(
        default=None,
        description="shared with the TURN servers, by which each caller gets a login of their own",
    )
    turn_lifetime: float = Field(default=3600, ge=60, le=86400, description="of such a login")
    reorder: int = Field(
        default=2, ge=0, le=8, description="packets of 20 ms that wait for one that is missing, when one is"
    )
    bitrate: int = Field(default=32000, ge=6000, le=128000, description="bits a second of the agent's voice")
    complexity: int = Field(default=5, ge=0, le=10, description="of its encoding: CPU for quality")
    vanish: float = Field(
        default=4, ge=1, le=60, description="without a packet, after which a caller who sent audio is gone"
    )

    @property
    def port_range(self) -> range:
        """The ports; empty for any."""
        low, _, high = self.ports.partition("-")
        return range(int(low), int(high) + 1) if low else range(0)
