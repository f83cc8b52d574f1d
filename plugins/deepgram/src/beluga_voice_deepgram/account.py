"""How Deepgram is reached and what its refusals mean, for all of its services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlencode

from beluga_voice.codecs import Codec, Request
from beluga_voice.connection.request import Params
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_deepgram.settings import KEY, DeepgramSettings

S_co = TypeVar("S_co", bound=DeepgramSettings, covariant=True)

TRANSIENT = ("SERVER", "TIMEOUT", "UNAVAILABLE", "OVERLOADED", "RATE", "NET-")
"""Parts of the codes of errors after which another connection may work."""


class DeepgramCodec(Codec[S_co]):
    """A service of Deepgram's."""

    vendor = "Deepgram"
    key_variable = KEY

    async def open(self) -> None:
        """See that there is a key.

        Raises:
            ConfigurationError: there is none.
        """
        if not self.settings.key:
            raise ConfigurationError(
                f"there is no key for Deepgram. Try: export {KEY}=…, or the setting api_key"
            )

    async def check_health(self) -> None:
        """Open a stream and close it; a refusal names the model, which may be what is wrong.

        Raises:
            ProviderError: the vendor refuses the key or the model, or cannot be reached.
        """
        try:
            await super().check_health()
        except ProviderError as error:
            if error.code not in ("invalid_request", "not_found"):
                raise
            model = getattr(self.settings, "model", "")
            raise ProviderError(
                f"{error}. Try: another model than {model!r}, or its other settings",
                retryable=False,
                kind=error.kind,
                code=error.code,
            ) from error

    def ask(self, path: str, params: Params, several: Iterable[tuple[str, str]] = ()) -> Request:
        """Return the request for a WebSocket; `several` are parameters that may come more than once."""
        opted_out: Params = {} if self.settings.model_improvement else {"mip_opt_out": True}
        repeated = urlencode(list(several))
        return Request(
            f"{self.settings.websocket}{path}{'?' if repeated else ''}{repeated}",
            {**params, **opted_out},
            {"Authorization": f"Token {self.settings.key}"},
        )

    def failure(self, code: object, description: object) -> ProviderError:
        """Return the error for one that the vendor sends over the WebSocket."""
        retryable = any(part in str(code).upper() for part in TRANSIENT)
        return ProviderError(
            f"Deepgram failed with {code}: {str(description)[:200]}",
            retryable=retryable,
            kind=self.kind,
            code="stream_error" if retryable else "invalid_request",
        )
