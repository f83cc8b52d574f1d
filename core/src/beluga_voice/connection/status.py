"""What a vendor's refusal means: every HTTP status as an error, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from beluga_voice.connection.request import Service
from beluga_voice.errors import ProviderError

MEANINGS = {
    400: "refused the request as malformed",
    401: "refused the key",
    402: "refused for want of credit",
    403: "does not allow this key to do that",
    404: "knows no such model, voice or address",
    408: "gave up waiting for the request",
    409: "is in conflict with another request",
    413: "was sent too much at once",
    422: "refused a value",
    425: "does not take the request yet",
    429: "was asked too often",
    500: "failed",
    502: "failed behind its gateway",
    503: "is overloaded or down",
    504: "did not answer its gateway",
    529: "is overloaded",
}
"""What each status means, as the rest of a sentence. 529 is not registered; vendors of models use it."""

CODES = {
    401: "authentication_error",
    402: "quota_exceeded",
    403: "authorization_error",
    404: "not_found",
    408: "timeout",
    425: "rate_limit",
    429: "rate_limit",
}
"""What programs know each status by; ``internal_error`` from 500 on, else ``invalid_request``."""

RETRYABLE = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same call may succeed later; from 500 on all are, but 501 and 505."""

SHOWN = 200
"""Characters of a vendor's own text that an error quotes."""


def is_retryable(status: int) -> bool:
    """Whether the same call may succeed later."""
    return status in RETRYABLE or (status >= 500 and status not in (501, 505))


def status_error(
    status: int, service: Service, *, headers: Mapping[str, str] | None = None, text: str = ""
) -> ProviderError:
    """Return the error for an answer of `status`.

    Args:
        status: of HTTP.
        service: named in the text.
        headers: of the answer; `Retry-After` is read.
        text: the vendor's own words; quoted as far as 200 characters.
    """
    meaning = MEANINGS.get(status, "refused" if status < 500 else "failed")
    sentence = f"{service.name} {meaning} (HTTP {status})"
    words = " ".join(text.split())
    if words and status != 401:  # some vendors repeat the key that they refuse
        sentence += f": {words[:SHOWN]}{'…' if len(words) > SHOWN else ''}"
    if status in (401, 403) and service.key:
        sentence += f". Try: another key in {service.key}"
    after = retry_after(headers or {})
    code = CODES.get(status, "internal_error" if status >= 500 else "invalid_request")
    return ProviderError(
        sentence, retryable=is_retryable(status), retry_after=after, kind=service.kind, code=code
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` asks for (RFC 9110, 10.2.3); None if it is absent or unreadable.

    A date is compared with the answer's own `Date`.
    """
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    sent = next((v for k, v in headers.items() if k.lower() == "date"), "")
    try:
        return max(0.0, (then - parsedate_to_datetime(sent)).total_seconds())
    except (ValueError, TypeError):  # no time of the vendor's to compare with
        return None
