"""Which provider a setting chooses, and that provider's own settings, validated once it is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from beluga_voice.errors import ConfigurationError, UnknownProviderError
from beluga_voice.settings.values import DEFAULT_PROVIDERS, FALLBACKS, LISTS, Path, Setting, Values, nearest

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from beluga_voice.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Selection:
    """The choice of one provider.

    Attributes:
        kind: the contract, as in ``turn_detector``.
        provider: its name; None if the settings turn it off. Of a fallback, all names with commas.
        chosen_by: where it was chosen; None where nothing is set and the default stands.
        values: the provider's own settings as they were written.
        within: the table within that of `kind` where they stand; empty where they stand in it itself.
        fallback: the choices of a fallback, in the order of preference; empty for one provider.
    """

    kind: str
    provider: str | None
    chosen_by: Setting | None
    values: Values = field(repr=False)
    within: tuple[str, ...] = ()
    fallback: tuple[Selection, ...] = ()

    @classmethod
    def read(cls, kind: str, values: Values) -> Selection:
        """Read the choice of `kind` from all settings.

        Raises:
            ConfigurationError: the provider's name is no text.
        """
        chosen_by = values.get((kind, "provider"))
        provider = DEFAULT_PROVIDERS[kind] if chosen_by is None else chosen_by.value
        if chosen_by is not None and isinstance(provider, tuple) and provider:
            return cls._read_fallback(kind, provider, chosen_by, values.under((kind,)).without("provider"))
        if not isinstance(provider, str) or not provider:
            raise ConfigurationError(
                f"{kind} is {provider!r}; it must be the name of a provider, 'provider:model', or 'none'"
                + source_of(chosen_by)
            )
        own = values.under((kind,)).without("provider")
        return cls(
            kind, None if provider.lower() == "none" else provider, chosen_by, _with_table(own, provider)
        )

    @classmethod
    def _read_fallback(
        cls, kind: str, names: tuple[str, ...], chosen_by: Setting, values: Values
    ) -> Selection:
        """Read the choice of several; the settings of each stand in a table of its name."""
        where = source_of(chosen_by)
        if kind not in FALLBACKS:
            raise ConfigurationError(
                f"{kind} is {', '.join(names)!r}; only {', '.join(FALLBACKS)} may be several{where}"
            )
        members = tuple(cls._read_member(kind, name, chosen_by, values) for name in names)
        tables = {part for each in members for part in each.within}
        for path in values:
            if path[0] not in {spelling for table in tables for spelling in _spellings(table)}:
                raise ConfigurationError(
                    f"{values[path].key} is set{source_of(values[path])}, but {kind} is {', '.join(names)!r}; the "
                    f"settings of each stand in a table of its name, as in {kind}.{members[0].provider}.{path[-1]}"
                )
        return cls(kind, ", ".join(names), chosen_by, values, fallback=members)

    @classmethod
    def _read_member(cls, kind: str, text: str, chosen_by: Setting, values: Values) -> Selection:
        name, colon, model = text.partition(":")
        if not name or name.lower() == "none":
            raise ConfigurationError(
                f"{kind} names {text!r} among others; each must be the name of a provider or 'provider:model'"
                + source_of(chosen_by)
            )
        own = Values({("model",): replace(chosen_by, value=model)} if colon else {})
        for spelling in _spellings(name):
            own = own.over(values.under((spelling,)))
        return cls(kind, name, chosen_by, own, within=(name,))

    @property
    def members(self) -> tuple[Selection, ...]:
        """The choices of a fallback; itself alone for one provider."""
        return self.fallback or (self,)

    @classmethod
    def read_list(cls, key: str, values: Values) -> tuple[Selection, ...] | None:
        """Read the choices of a list of providers; None if it is not set.

        Raises:
            ConfigurationError: it is no list of names, ``provider:model`` or tables that name a provider.
        """
        setting = values.get((key,))
        if setting is None:
            if (below := values.near((key,))) is not None:
                raise ConfigurationError(f"{key} is a table; it must be a list{source_of(below)}")
            return None
        entries = setting.value
        if isinstance(entries, str):
            named = (entry.strip() for entry in entries.split(","))
            entries = [] if entries.lower() == "none" else [entry for entry in named if entry]
        if not isinstance(entries, (list, tuple)):
            raise ConfigurationError(
                f"{key} is {entries!r}; it must be a list of names, or of tables with a provider"
                + source_of(setting)
            )
        return tuple(cls._read_entry(key, number, entry, setting) for number, entry in enumerate(entries))

    @classmethod
    def _read_entry(cls, key: str, number: int, entry: object, setting: Setting) -> Selection:
        place = f"{key}[{number}]"
        table: Mapping[str, object] = {}
        if isinstance(entry, str):
            name, colon, model = entry.partition(":")
            table = {"provider": name, **({"model": model} if colon else {})}
        elif isinstance(entry, Mapping):
            table = entry
        provider = table.get("provider")
        if not isinstance(provider, str) or not provider:
            raise ConfigurationError(
                f"{place} is {entry!r}; it must be the name of a provider, 'provider:model', or a table with a "
                f"provider{source_of(setting)}"
            )
        own: dict[Path, Setting] = {
            (name,): Setting(f"{place}.{name}", value, setting.source, setting.weak)
            for name, value in table.items()
            if name != "provider"
        }
        return cls(LISTS[key], provider, Setting(place, provider, setting.source, setting.weak), Values(own))

    def __eq__(self, other: object) -> bool:
        """Whether both make the same provider with the same settings."""
        return isinstance(other, Selection) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.kind, self.provider))

    def _identity(self) -> tuple[object, ...]:
        return self.kind, self.provider, self.values.table()

    def model(self, plugins: Plugins) -> type[BaseModel] | None:
        """Return the model of the provider's settings; None if it takes none, is turned off, or is a fallback.

        Raises:
            UnknownProviderError: no plugin offers the provider; the text says where it was asked for.
            PluginError: the plugin that offers it cannot be imported.
        """
        if self.provider is None or self.fallback:
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

        Of a fallback those of all its providers are validated, and None is returned.

        Raises:
            UnknownProviderError, PluginError: as `model`.
            ConfigurationError: a setting is unknown, missing or wrong; the text names key, value and source.
        """
        for member in self.fallback:
            member.settings(plugins)
        model = self.model(plugins)
        if self.fallback:
            return None
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
        key = setting.key if setting is not None else ".".join((self.kind, *self.within, *path))
        if error["type"] == "extra_forbidden":
            known = nearest(path[-1], model.model_fields)
            lacks = f"{self.kind} provider {self.provider!r} has no setting {path[-1]!r}"
            return f"{lacks}{source_of(setting)}; {known}"
        info = model.model_fields.get(path[0]) if path else None
        if error["type"] == "missing":
            meaning = f" ({info.description})" if info is not None and info.description else ""
            variable = f"BELUGA_VOICE_{variable_of(self.kind, *self.within, *path)}"
            needed = f"provider {self.provider!r} needs it"
            if self.kind in LISTS.values() and self.chosen_by is not None:
                where = source_of(self.chosen_by)
                return f"{self.chosen_by.key}.{key.partition('.')[2]}{meaning} is missing; {needed}{where}"
            return f"{key}{meaning} is missing; {needed}. Try: setting {variable}"
        reason = error["msg"][:1].lower() + error["msg"][1:]
        value = "" if not path or is_secret(path[0], info) else f" is {error['input']!r}"
        return f"{key}{value}{';' if value else ':'} {reason}{source_of(setting)}"


def _with_table(own: Values, provider: str) -> Values:
    """Return the settings of one provider, those in a table of its name too, as it has among several."""
    for name in _spellings(provider):
        table = own.under((name,))
        if any(True for _ in table):
            own = table.over(own.without(name))
    return own


def _spellings(name: str) -> tuple[str, ...]:
    """How a provider's table may be written: variables cannot have a hyphen."""
    return tuple(dict.fromkeys((name, name.replace("-", "_"))))


def variable_of(*path: str) -> str:
    """Return the end of the environment variable that sets what stands at `path`."""
    return "__".join(path).replace("-", "_").upper()


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
