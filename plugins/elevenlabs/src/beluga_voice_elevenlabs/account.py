"""How ElevenLabs is reached, and what its messages of failure mean, for all of its services."""

from __future__ import annotations

import json

from beluga_voice.connection import HttpClient, Request, Service
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_elevenlabs.settings import KEY, ElevenLabsSettings

VENDOR = "ElevenLabs"

TRANSIENT = frozenset(
    {
        "commit_throttled",
        "insufficient_audio_activity",
        "internal_server_error",
        "queue_overflow",
        "rate_limited",
        "resource_exhausted",
        "session_time_limit_exceeded",
        "system_busy",
        "too_many_concurrent_requests",
        "transcriber_error",
    }
)
"""Errors after which another connection may work."""

CODES = {
    "auth_error": "authentication_error",
    "invalid_api_key": "authentication_error",
    "quota_exceeded": "quota_exceeded",
    "rate_limited": "rate_limit",
    "too_many_concurrent_requests": "rate_limit",
}
"""What programs know the vendor's errors by; ``stream_error`` else."""


def need_key(settings: ElevenLabsSettings) -> None:
    """See that there is a key.

    Raises:
        ConfigurationError: there is none.
    """
    if not settings.key:
        raise ConfigurationError(f"there is no key for {VENDOR}. Try: export {KEY}=…, or the setting api_key")


def key_header(settings: ElevenLabsSettings) -> dict[str, str]:
    """Return the header that holds the key."""
    return {"xi-api-key": settings.key}


def websocket(settings: ElevenLabsSettings) -> str:
    """Return the address for WebSockets."""
    return f"ws{settings.address.removeprefix('http')}"


def failure(code: str, text: object, kind: str) -> ProviderError:
    """Return the error for one that the vendor sends over a WebSocket."""
    hint = f". Try: another key in {KEY}" if CODES.get(code) == "authentication_error" else ""
    return ProviderError(
        f"{VENDOR} failed with {code}: {str(text)[:200]}{hint}",
        retryable=code in TRANSIENT,
        kind=kind,
        code=CODES.get(code, "stream_error"),
    )


async def check_account(settings: ElevenLabsSettings, model: str, voice: str, kind: str) -> None:
    """Ask the vendor whether it takes the key and knows the model and the voice; empty ones are not asked for.

    Raises:
        ProviderError: it does not, or cannot be reached.
    """
    async with HttpClient(Service(VENDOR, KEY, kind)) as client:
        body = await client.read(Request(f"{settings.address}/v1/models", headers=key_header(settings)))
        known = [each.get("model_id") for each in json.loads(body)]
        if model and model not in known:
            names = ", ".join(sorted(str(name) for name in known))
            raise _unknown(f"model {model!r}; there are {names}", kind)
        if not voice:
            return
        try:
            await client.read(Request(f"{settings.address}/v1/voices/{voice}", headers=key_header(settings)))
        except ProviderError as error:
            if error.code not in ("not_found", "invalid_request"):
                raise
            raise _unknown(f"voice {voice!r}. Try: the id of another, from /v1/voices", kind) from error


def _unknown(what: str, kind: str) -> ProviderError:
    return ProviderError(f"{VENDOR} knows no {what}", retryable=False, kind=kind, code="not_found")
