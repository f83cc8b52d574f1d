"""How Cartesia is reached and what its refusals mean, for all of its services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from beluga_voice.codecs import Codec, Request
from beluga_voice.connection.request import Params
from beluga_voice.connection.status import status_error
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_cartesia.settings import KEY, VERSION, CartesiaSettings

S_co = TypeVar("S_co", bound=CartesiaSettings, covariant=True)


class CartesiaCodec(Codec[S_co]):
    """A service of Cartesia's."""

    vendor = "Cartesia"
    key_variable = KEY

    async def open(self) -> None:
        """See that there is a key.

        Raises:
            ConfigurationError: there is none.
        """
        if not self.settings.key:
            raise ConfigurationError(
                f"there is no key for Cartesia. Try: export {KEY}=…, or the setting api_key"
            )

    def ask(self, path: str, params: Params, several: Iterable[tuple[str, str]] = ()) -> Request:
        """Return the request for a WebSocket; `several` are parameters that may come more than once."""
        repeated = urlencode(list(several))
        return Request(
            f"{self.settings.websocket}{path}{'?' if repeated else ''}{repeated}",
            params,
            {"X-API-Key": self.settings.key, "Cartesia-Version": VERSION},
        )

    def failure(self, answer: Mapping[str, object]) -> ProviderError:
        """Return the error for one that the vendor sends over the WebSocket."""
        status = answer.get("status_code")
        words = [str(answer[name]) for name in ("title", "message", "error") if answer.get(name)]
        return status_error(status if isinstance(status, int) else 500, self.service, text=": ".join(words))

    def blame_model(self, error: ProviderError) -> ProviderError:
        """Return the error of a refusal with the model named, which may be what is wrong."""
        if error.code not in ("invalid_request", "not_found"):
            return error
        model = getattr(self.settings, "model", "")
        text = f"{error}. Try: another model than {model!r}, or its other settings"
        return ProviderError(text, retryable=False, kind=error.kind, code=error.code)
