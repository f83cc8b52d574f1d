"""Who knocks: the address, whether they need a token, and whom they want to talk to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from beluga_voice.agents import AgentLike
from beluga_voice.contracts import Connection, Joined, Limits

if TYPE_CHECKING:
    from beluga_voice_server.server import Server

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers of a proxy: who asks is then somewhere else."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One request, as a transport is given it: a `beluga_voice.contracts.Calls`.

    Attributes:
        server: takes the call.
        agent: is to answer.
        client: the address; empty for one that the host let in.
        trusted: needs no token to start a session.
        profile: of the settings; the caller's own choice if None.
        deps: what the agent's tools get.
        kept: recording and journal of a new call are kept for the page.
    """

    server: Server
    agent: AgentLike
    client: str
    trusted: bool
    profile: str | None = None
    deps: object = None
    kept: bool = False

    @property
    def limits(self) -> Limits:
        """What is allowed."""
        return self.server.settings.limits

    def vouched(self) -> Caller:
        """The same, trusted."""
        return replace(self, trusted=True)

    async def join(self, connection: Connection, *, token: str = "", profile: str | None = None) -> Joined:
        """Put `connection` onto a call."""
        return await self.server.join(self, connection, token, profile)

    async def admit(
        self, connection: Connection, *, profile: str | None = None, deps: object = None
    ) -> Joined:
        """Put `connection` onto a new call, whose caller the transport has checked."""
        known = replace(self, client="", trusted=True, deps=self.deps if deps is None else deps)
        return await self.server.join(known, connection, "", profile)


def headers_of(scope: Mapping[str, object]) -> dict[str, str]:
    """Return the headers of a request, names in lower case; of a name that comes twice, the last."""
    pairs = scope.get("headers", ())
    assert isinstance(pairs, (list, tuple))
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


def client_of(scope: Mapping[str, object], proxies: Sequence[str] = ()) -> str:
    """Return the address that a request comes from; empty if it is not known.

    Args:
        scope: of the request.
        proxies: addresses that are believed for whom they ask: the last that they name and that is none of them.
    """
    match scope.get("client"):
        case (str(host), _):
            client = host
        case _:
            return ""
    if client in proxies:
        named = headers_of(scope).get("x-forwarded-for", "").split(",")
        others = [each.strip() for each in named if each.strip() and each.strip() not in proxies]
        return others[-1][:64] if others else client
    return client


def is_local(scope: Mapping[str, object]) -> bool:
    """Whether a request was made on this machine, to an address of this machine alone, and through no proxy."""
    match scope.get("server"):
        case (str(server), _):
            addresses = _is_loopback(server) and _is_loopback(client_of(scope))
        case _:
            addresses = False
    return addresses and not any(name in headers_of(scope) for name in FORWARDED)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
