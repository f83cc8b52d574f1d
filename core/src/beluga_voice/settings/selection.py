"""Which provider a setting chooses, and that provider's own settings, validated once it is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from beluga_voice.errors import ConfigurationError, UnknownProviderError
from beluga_voice.settings.values import DEFAULT_PROVIDERS, Setting, Values, nearest

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from beluga_voice.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Selection:
    """The choice of one provider.

    Attributes:
        kind: the contract, as in ``turn_detector``.
        provider: its name; None if the settings turn it off.
        chosen_by: where it was chosen; None where nothing is set and the default stands.
        values: the provider's own settings as they were written.
    """

    kind: str
    provider: str | None
    chosen_by: Setting | None
    values: Values = field(repr=False)

    @classmethod
    def read(cls, kind: str, values: Values) -> Selection:
        """Read the choice of `kind` from all settings.

        Raises:
            ConfigurationError: the provider's name is no text.
        """
        chosen_by = values.get((kind, "provider"))
        provider = DEFAULT_PROVIDERS[kind] if chosen_by is None else chosen_by.value
        if not isinstance(provider, str) or not provider:
            raise ConfigurationError(
                f"{kind} is {provider!r}; it must be the name of a provider, 'provider:model', or 'none'"
                + source_of(chosen_by)
            )
        own = values.under((kind,)).without("provider")
        return cls(kind, None if provider.lower() == "none" else provider, chosen_by, own)

    def __eq__(self, other: object) -> bool:
        """Whether both make the same provider with the same settings."""
        return isinstance(other, Selection) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.kind, self.provider))

    def _identity(self) -> tuple[object, ...]:
        return self.kind, self.provider, self.values.table()

    def model(self, plugins: Plugins) -> type[BaseModel] | None:
        """Return the model of the provider's settings; None if it takes none or is turned off.

        Raises:
            UnknownProviderError: no plugin offers the provider; the text says where it was asked for.
            PluginError: the plugin that offers it cannot be imported.
        """
        if self.provider is None:
            return None
        try:
            return plugins.of(self.kind).settings_model(self.provider)
        except UnknownProviderError as error:
            default = f" ({self.kind} is not set, and this is its default)"
            where = source_of(self.chosen_by) if self.chosen_by else default
            first, rest, last = str(error).partition("; installed:")
            text = f"{first}{where}{rest}{last}"
            raise UnknownProviderError(
                text, kind=error.kind, name=error.name, installed=error.installed
            ) from error

    def settings(self, plugins: Plugins) -> BaseModel | None:
        """Validate and return the provider's own settings; None if it takes none or is turned off.

        Raises:
            UnknownProviderError, PluginError: as `model`.
            ConfigurationError: a setting is unknown, missing or wrong; the text names key, value and source.
        """
        model = self.model(plugins)
        if model is None:
            self._refuse_all()
            return None
        table = with_nulls(self.values.table(), {n: f.annotation for n, f in model.model_fields.items()})
        try:
            return model.model_validate(table)
        except ValidationError as error:
            sentences = [self._sentence(each, model) for each in error.errors(include_url=False)]
        raise ConfigurationError(". ".join(sentences))  # without the cause, which prints secrets

    def _refuse_all(self) -> None:
        for path in self.values:
            setting = self.values[path]
            state = (
                "is turned off" if self.provider is None else f"provider {self.provider!r} has no settings"
            )
            raise ConfigurationError(
                f"{setting.key} is set, but {self.kind} {state}{source_of(setting)}. Try: removing it"
            )

    def _sentence(self, error: Mapping[str, Any], model: type[BaseModel]) -> str:
        path = tuple(str(part) for part in error["loc"])
        setting = self.values.near(path)
        key = setting.key if setting is not None else ".".join((self.kind, *path))
        if error["type"] == "extra_forbidden":
            known = nearest(path[-1], model.model_fields)
            lacks = f"{self.kind} provider {self.provider!r} has no setting {path[-1]!r}"
            return f"{lacks}{source_of(setting)}; {known}"
        info = model.model_fields.get(path[0]) if path else None
        if error["type"] == "missing":
            meaning = f" ({info.description})" if info is not None and info.description else ""
            variable = f"BELUGA_VOICE_{'__'.join((self.kind, *path)).upper()}"
            needed = f"provider {self.provider!r} needs it"
            return f"{key}{meaning} is missing; {needed}. Try: setting {variable}"
        reason = error["msg"][:1].lower() + error["msg"][1:]
        value = "" if not path or is_secret(path[0], info) else f" is {error['input']!r}"
        return f"{key}{value}{';' if value else ':'} {reason}{source_of(setting)}"


def source_of(setting: Setting | None) -> str:
    """Return where a setting was written, in brackets, for the end of a clause."""
    return "" if setting is None else f" ({setting.source})"


def with_nulls(table: Mapping[str, object], annotations: Mapping[str, object]) -> dict[str, object]:
    """Return `table` with ``none`` read as None where a field may be None: TOML and variables have no null."""
    return {
        key: None
        if isinstance(value, str) and value.lower() == "none" and _takes_none(annotations.get(key))
        else value
        for key, value in table.items()
    }


def _takes_none(annotation: object) -> bool:
    options = get_args(annotation)
    return NoneType in options and not any(get_origin(option) is Literal for option in options)


_SECRET_WORDS = {"apikey", "auth", "authorization", "cookie", "credential", "credentials"}
_SECRET_WORDS |= {"key", "passwd", "password", "secret", "token"}


def is_secret(name: str, info: FieldInfo | None) -> bool:
    """Whether a setting's value must not be printed: by its type, and, since authors forget, by its name."""
    words = re.split(r"[^a-z]+", name.lower())
    return _mentions_secret(None if info is None else info.annotation) or not _SECRET_WORDS.isdisjoint(words)


def _mentions_secret(annotation: object) -> bool:
    if get_origin(annotation) is Annotated:
        return _mentions_secret(get_args(annotation)[0])
    return annotation in (SecretStr, SecretBytes) or any(map(_mentions_secret, get_args(annotation)))
