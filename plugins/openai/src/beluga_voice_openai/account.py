"""Who asks whom: key, address, and what every request to the vendor has."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from beluga_voice.connection import HttpClient, HttpPolicy, Request, Service
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_openai.settings import AccountSettings


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor with an interface like OpenAI's.

    Attributes:
        name: as error texts have it.
        provider_name: as telemetry has it.
        url: of its interface, without a slash at the end.
        prefix: of the variables with key, address, organization and project.
        path: that the variable with the address leaves out; empty if it has it.
    """

    name: str
    provider_name: str
    url: str
    prefix: str
    path: str = ""

    def address(self) -> str:
        """Return the address that the environment gives, else the vendor's own."""
        found = self.variable("BASE_URL")
        return self.url if found is None else found.rstrip("/").removesuffix(self.path) + self.path

    def variable(self, name: str) -> str | None:
        """Return what the environment says; None where it says nothing."""
        return os.environ.get(f"{self.prefix}_{name}") or None


OPENAI = Vendor("OpenAI", "openai", "https://api.openai.com/v1", "OPENAI")

NO_KEY = "none"
"""What is sent as key to compatible servers that want one, whatever it is."""


class Account:
    """A vendor with a key, as one provider uses it.

    Args:
        vendor: whose interface.
        settings: before the environment.
        kind: the contract, for errors.
    """

    def __init__(self, vendor: Vendor, settings: AccountSettings, kind: str) -> None:
        self.vendor = vendor
        self.url = (settings.base_url or vendor.address()).rstrip("/")
        name = vendor.name if self.url == vendor.url else f"{vendor.name} at {self.url}"
        self.service = Service(name, f"{vendor.prefix}_API_KEY", kind)
        key = settings.api_key.get_secret_value() if settings.api_key else vendor.variable("API_KEY")
        self._key = (key or "").strip() or (NO_KEY if self.url != vendor.url else "")
        self._organization = settings.organization or vendor.variable("ORG_ID")
        self._project = settings.project or vendor.variable("PROJECT_ID")
        self._policy = HttpPolicy(
            open_deadline=settings.open_timeout,
            first_byte_deadline=settings.first_byte_timeout,
            idle_deadline=settings.idle_timeout,
            tries=settings.tries,
        )

    def check_key(self) -> None:
        """Hold that there is a key.

        Raises:
            ConfigurationError: there is none, and the vendor wants one.
        """
        if not self._key:
            raise ConfigurationError(
                f"{self.vendor.name} needs a key, and {self.service.key} is not set. "
                f"Try: export {self.service.key}=..."
            )
        if not self._key.isascii() or not self._key.isprintable():
            raise ConfigurationError(f"the key in {self.service.key} holds characters that no key has")

    def headers(self) -> Mapping[str, str]:
        """Return what each request has; holds the key."""
        headers = {"Authorization": f"Bearer {self._key}"}
        if self._organization:
            headers["OpenAI-Organization"] = self._organization
        if self._project:
            headers["OpenAI-Project"] = self._project
        return headers

    def client(self) -> HttpClient:
        """Return a client of the vendor, with connections of its own."""
        return HttpClient(self.service, self._policy)

    def post(self, path: str, body: Mapping[str, object]) -> Request:
        """Return a request with a body of JSON."""
        return self.send(path, json.dumps(body).encode(), "application/json")

    def send(self, path: str, body: bytes, content_type: str) -> Request:
        """Return a request with a body."""
        return Request(
            f"{self.url}{path}", headers=self.headers(), method="POST", body=body, content_type=content_type
        )

    def get(self, path: str) -> Request:
        """Return a request without one."""
        return Request(f"{self.url}{path}", headers=self.headers())

    async def check_model(self, client: HttpClient, model: str) -> None:
        """See whether the vendor is there, takes the key, and has the model; nothing is charged for that.

        Servers that do not tell their models are taken to have it.

        Raises:
            ProviderError: no to one of these; its text tells which.
        """
        try:
            await client.read(self.get(f"/models/{model}"))
        except ProviderError as error:
            if error.code != "not_found":
                raise
        else:
            return
        names = await self._models(client)
        if names is not None and model not in names:
            known = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
            raise ProviderError(
                f"{self.service.name} has no model {model!r} for this key; it has {known or 'none'}",
                kind=self.service.kind,
                code="not_found",
                retryable=False,
            )

    async def _models(self, client: HttpClient) -> list[str] | None:
        try:
            answer = json.loads(await client.read(self.get("/models")))
        except (ProviderError, ValueError):
            return None
        data = answer.get("data") if isinstance(answer, dict) else None
        return sorted(str(each["id"]) for each in data) if isinstance(data, list) else None


STATUSES = {
    "rate_limit_exceeded": "rate_limit",
    "insufficient_quota": "quota_exceeded",
    "invalid_api_key": "authentication_error",
    "model_not_found": "not_found",
}
"""The vendor's codes in our words."""


def error_in_stream(service: Service, error: object) -> ProviderError:
    """Return the error that an event within an answer tells of.

    Args:
        service: for the text.
        error: the vendor's object with ``message``, ``type`` and ``code``; or its text.
    """
    told = error if isinstance(error, dict) else {"message": error}
    message, code = told.get("message") or "no reason given", str(told.get("code") or "")
    refused = told.get("type") == "invalid_request_error"
    ours = STATUSES.get(code, "invalid_request" if refused else "internal_error")
    text = f"{service.name} broke off its answer: {str(message)[:200]}"
    return ProviderError(text, kind=service.kind, code=ours)
