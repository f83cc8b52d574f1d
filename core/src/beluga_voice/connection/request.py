"""What is asked of a vendor's server, and by whom, without a word of secrets in its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

Message: TypeAlias = str | bytes
"""A WebSocket message: text, or bytes."""

Params: TypeAlias = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Service:
    """A vendor's service, as error texts name it.

    Attributes:
        name: as in ``Deepgram``.
        key: environment variable or setting that holds the key; named when the vendor refuses it.
        kind: the contract that it serves, as in ``stt``; errors have it.
    """

    name: str
    key: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A WebSocket to be opened, or an HTTP call to be made.

    Attributes:
        url: ``wss:``, ``ws:``, ``https:`` or ``http:``.
        params: added to the query; None leaves one out, booleans become ``true`` and ``false``.
        headers: sent with the handshake or call; may hold secrets, and is never printed.
        protocols: WebSocket subprotocols, in order of preference; may hold secrets too.
        method: of an HTTP call.
        body: of an HTTP call; sent anew at each try.
        content_type: of `body`.
    """

    url: str = field(repr=False)
    params: Params = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    protocols: tuple[str, ...] = field(default=(), repr=False)
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""

    @property
    def full_url(self) -> str:
        """The URL with `params`; may hold secrets."""
        query = urlencode({k: _text(v) for k, v in self.params.items() if v is not None})
        if not query:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{query}"

    @property
    def shown(self) -> str:
        """Scheme, host and path, for texts: without the query and without a user's name and password."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
