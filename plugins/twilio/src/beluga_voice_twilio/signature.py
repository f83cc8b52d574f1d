"""``X-Twilio-Signature``: who asks is Twilio. Pure.

The base64 of HMAC-SHA1, with the account's auth token as its key, over the URL followed by each parameter of the
posted form, sorted, name and value without anything between
(https://www.twilio.com/docs/usage/security#validating-requests).
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
"""What a URL's scheme stands for; Twilio has signed URLs with it and without it."""


def signature_of(auth_token: str, url: str, form: Iterable[tuple[str, str]] = ()) -> str:
    """Return the signature of a request.

    Args:
        auth_token: of the account.
        url: as Twilio was told it, with its query.
        form: names and values that are posted; a pair that comes twice counts once.
    """
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.digest(auth_token.encode(), text.encode("utf-8", "surrogatepass"), "sha1")
    return b64encode(digest).decode("ascii")


def is_signed(given: str, auth_token: str, url: str, form: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether `given` is the signature of a request, compared in constant time.

    Args:
        given: the header; empty if there was none.
        auth_token: of the account.
        url: as Twilio was told it; with or without the port that its scheme stands for.
        form: names and values that are posted.
    """
    pairs, presented = list(form), given.encode("utf-8", "surrogatepass")
    found = False
    for each in _spellings(url):
        found |= hmac.compare_digest(presented, signature_of(auth_token, each, pairs).encode())
    return found


def _spellings(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
    except ValueError:  # a Host header may be anything
        return (url,)
    port = PORTS.get(parts.scheme)
    bare = parts.netloc.removesuffix(f":{port}")
    if port is None or (bare == parts.netloc and ":" in bare.rpartition("]")[2]):
        return (url,)
    return tuple(urlunsplit(parts._replace(netloc=each)) for each in (bare, f"{bare}:{port}"))
