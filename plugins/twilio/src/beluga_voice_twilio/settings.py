"""What the user says about Twilio."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class TwilioSettings(BaseModel):
    """The settings ``[server.twilio]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_sid: str | None = Field(
        default=None,
        pattern=r"^AC[0-9a-f]{32}$",
        description="the account, as in ``AC`` and 32 hexadecimal digits; for calls and hang-up by REST",
    )
    auth_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="the account's secret: checks ``X-Twilio-Signature``; without it nobody from elsewhere calls",
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^?#]+$",
        description="of ``/twilio`` as Twilio reaches it, as in ``https://voice.example/twilio``; needed behind a "
        "proxy, and to call out",
    )
    number: str | None = Field(
        default=None, pattern=r"^\+[1-9][0-9]{1,14}$", description="from which calls go out (E.164)"
    )
    profiles: Mapping[str, str] = Field(
        default_factory=dict, description="of the settings, by the number that was called"
    )
    call_as_deps: bool = Field(
        default=False,
        description="whether the agent's tools get the `PhoneCall`, in place of what the agent's factory makes",
    )
    hang_up: bool = Field(
        default=False,
        description="whether a session's end hangs up by REST; else Twilio goes on with what follows "
        "``<Connect>``, which in the TwiML of ``/twilio`` is nothing",
    )
    base_url: str = Field(
        default="https://api.twilio.com", pattern=r"^https?://", description="of the REST API"
    )
