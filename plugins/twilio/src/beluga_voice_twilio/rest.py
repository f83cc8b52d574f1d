"""Calls out, and hang-up, by Twilio's REST API (https://www.twilio.com/docs/voice/api/call-resource)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from beluga_voice.connection import HttpClient, HttpPolicy, Pool, Request, Service
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_twilio.settings import TwilioSettings
from beluga_voice_twilio.twiml import connect, stream_url

SERVICE = Service("Twilio", "BELUGA_VOICE_SERVER__TWILIO__AUTH_TOKEN", "transport")

ONCE = HttpPolicy(tries=1)
"""A call that may have been made is not made again: a telephone would ring twice."""

LONGEST_ANSWER = 1 << 16


class TwilioClient:
    """Calls telephones, and hangs up.

        async with TwilioClient(settings) as twilio:
            call_sid = await twilio.call("+15550100")

    Args:
        settings: with `account_sid` and `auth_token`; to call, with `number` and `url` as well.

    Raises:
        ConfigurationError: the account is not told.
    """

    def __init__(self, settings: TwilioSettings) -> None:
        if settings.account_sid is None or settings.auth_token is None:
            raise ConfigurationError(
                "Twilio's REST API needs server.twilio.account_sid and server.twilio.auth_token; set both"
            )
        self._settings = settings
        pair = f"{settings.account_sid}:{settings.auth_token.get_secret_value()}"
        self._headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode('ascii')}"}
        self._calls = f"{settings.base_url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/Calls"
        self._pool = Pool()
        self._once = HttpClient(SERVICE, ONCE, self._pool)
        self._http = HttpClient(SERVICE, None, self._pool)

    async def call(self, to: str, *, number: str | None = None, profile: str | None = None) -> str:
        """Have a telephone rung; who answers it talks to the agent of `TwilioSettings.url`.

        Args:
            to: whom to call (E.164), as in ``+15550100``.
            number: from which; that of the settings if None.
            profile: of the server's settings.

        Returns:
            The call's SID.

        Raises:
            ConfigurationError: neither the settings nor `number` tell from where, or `url` is not set.
            ProviderError: Twilio refuses, or does not answer; then the telephone may ring all the same.
        """
        url, source = self._settings.url, number or self._settings.number
        if url is None or source is None:
            missing = "url" if url is None else "number"
            raise ConfigurationError(f"to call out needs server.twilio.{missing}; set it")
        told = {"from": source, "to": to} | ({} if profile is None else {"profile": profile})
        form = {"To": to, "From": source, "Twiml": connect(stream_url(url), told)}
        body = await self._once.read(self._post(f"{self._calls}.json", form), LONGEST_ANSWER)
        try:
            sid = json.loads(body)["sid"]
        except (ValueError, KeyError, TypeError):
            sid = None
        if not isinstance(sid, str):
            raise ProviderError("Twilio's answer to a new call names none", kind="transport")
        return sid

    async def hang_up(self, call_sid: str) -> None:
        """End a call, whether it rings or goes on.

        Raises:
            ProviderError: Twilio refuses, as for a call that is over, or does not answer.
        """
        url = f"{self._calls}/{quote(call_sid, safe='')}.json"
        await self._http.read(self._post(url, {"Status": "completed"}), LONGEST_ANSWER)

    async def aclose(self) -> None:
        """Close all connections. Idempotent."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _post(self, url: str, form: Mapping[str, str]) -> Request:
        return Request(
            url,
            headers=self._headers,
            method="POST",
            body=urlencode(form).encode(),
            content_type="application/x-www-form-urlencoded",
        )
