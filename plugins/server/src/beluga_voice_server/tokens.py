"""Tokens: signed, short-lived, each for one session. Pure but for the secret that is drawn where none is given.

A token is ``v1.CLAIMS.SIGNATURE``: the claims as JSON and their HMAC-SHA256 (RFC 2104), both in base64url without
padding (RFC 4648, section 5). Claims are read once the signature has been found right, compared in constant time.
"""

from __future__ import annotations

import binascii
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from beluga_voice.errors import RefusedError

LONGEST = 1024
"""Characters of a token at most; what is longer is not even looked at."""


class Purpose(StrEnum):
    """What a token is for."""

    START = "start"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        purpose: what it is for.
        session_id: the session that it is for, and no other.
        expires: seconds since 1970 UTC.
        number: of the session's resume tokens, from 1; an older one has been replaced.
        profile: of the settings that the session is to begin with.
    """

    purpose: Purpose
    session_id: str
    expires: float
    number: int = 0
    profile: str | None = None


class Tokens:
    """Signs tokens and reads them.

    Args:
        secret: of the server; None draws one, so that tokens end with the process.
    """

    def __init__(self, secret: str | None = None) -> None:
        self._secret = secrets.token_bytes(32) if secret is None else secret.encode()

    def sign(self, claims: Claims) -> str:
        """Return a token that says `claims`."""
        table = {
            "use": claims.purpose,
            "sid": claims.session_id,
            "exp": claims.expires,
            "num": claims.number,
            "pro": claims.profile,
        }
        body = b"v1." + _encode(json.dumps(table, separators=(",", ":")).encode())
        return (body + b"." + _encode(self._mac(body))).decode("ascii")

    def read(self, token: str, now: float) -> Claims:
        """Return what `token` says.

        Raises:
            RefusedError: ``token_invalid``: it was not signed here; ``token_expired``.
        """
        claims = self._claims(token)
        if claims is None:
            raise RefusedError(401, "token_invalid", "the token was not signed by this server")
        if claims.expires <= now:
            raise RefusedError(
                401,
                "token_expired",
                f"the token has expired {now - claims.expires:.0f} s ago; ask for another",
            )
        return claims

    def _claims(self, token: str) -> Claims | None:
        if len(token) > LONGEST or not token.isascii():
            return None
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_encode(self._mac(body.encode())), signature.encode()):
            return None
        try:
            table = json.loads(_decode(body.partition(".")[2]))
            return Claims(Purpose(table["use"]), table["sid"], table["exp"], table["num"], table["pro"])
        except (ValueError, KeyError, TypeError, binascii.Error):  # signed by another version
            return None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")


def same(given: str, expected: str) -> bool:
    """Whether two secrets are the same, compared in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def today() -> float:
    """Return the calendar's time, seconds since 1970 UTC: tokens and snapshots outlive the process and its loop."""
    return datetime.now(UTC).timestamp()


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
