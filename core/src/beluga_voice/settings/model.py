"""The settings model: what can be set, and its defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast, get_type_hints

from pydantic import Field, InstanceOf, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from beluga_voice.errors import ConfigurationError
from beluga_voice.session.config import SessionConfig
from beluga_voice.settings.layers import DELIMITER, PREFIX, read_choices, read_layers
from beluga_voice.settings.selection import Selection, source_of, with_nulls
from beluga_voice.settings.values import (
    ALL_SLOTS,
    DEFAULT_PROVIDERS,
    LISTS,
    SLOTS,
    Path,
    Setting,
    Values,
    nearest,
)
from beluga_voice.telemetry.config import TelemetryConfig
from beluga_voice.turns.policy import TurnPolicy
from beluga_voice.usage import Prices

D = TypeVar("D", TurnPolicy, SessionConfig, Prices, TelemetryConfig)

_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_IN_PROFILES = (*SLOTS, *LISTS, "turns", "session", "prices")
_NOT_IN_PROFILES = ("session_store", "server", "telemetry", "sessions", "plugins", "disabled_plugins")


class Settings(BaseSettings):
    """What a process of voice sessions is told, each value with where it was written.

    Read from, highest first: the constructor's keywords, `overrides`, environment variables that begin with
    ``BELUGA_VOICE_`` (``__`` between the parts of a key), ``.env``, and ``beluga.toml``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid", frozen=True
    )

    stt: InstanceOf[Selection] = Field(description="recognizer: 'provider', 'provider:model' or a table")
    tts: InstanceOf[Selection] = Field(description="synthesiser, likewise")
    s2s: InstanceOf[Selection] = Field(description="speech-to-speech model, in place of both, likewise")
    vad: InstanceOf[Selection] = Field(description="voice activity detector, likewise")
    turn_detector: InstanceOf[Selection] = Field(description="judges whether a pause ends the caller's turn")
    noise_suppressor: InstanceOf[Selection] = Field(description="cleans the caller's audio")
    interruption_classifier: InstanceOf[Selection] = Field(description="tells stop words and backchannels")
    llm: InstanceOf[Selection] = Field(description="the agent's language model")
    session_store: InstanceOf[Selection] = Field(description="keeps what of a session survives its process")
    server: Mapping[str, object] = Field(description="of beluga-voice-server, which validates them")
    text_filters: tuple[InstanceOf[Selection], ...] | None = Field(
        description="what takes out of speech what is written to be read, in this order: a list of names; "
        "'markup', 'links', 'symbols' if it is not set. 'links:word' says 'link' of an address, 'links:nothing' "
        "nothing, 'links:all' all of it; 'numbers' says long numbers digit by digit, 'numbers:4' from four on"
    )
    tools: tuple[InstanceOf[Selection], ...] = Field(
        description="sources of tools for every agent: a list of names, or of tables with a provider"
    )
    turns: InstanceOf[TurnPolicy] = Field(description="how turns are taken")
    session: InstanceOf[SessionConfig] = Field(description="what each session is told")
    prices: InstanceOf[Prices] = Field(description="what providers cost")
    telemetry: InstanceOf[TelemetryConfig] = Field(description="where telemetry goes")
    sessions: Mapping[str, InstanceOf[Settings]] = Field(description="profiles: named overrides of the rest")
    plugins: tuple[str, ...] = Field(description="modules to load as plugins though not packaged")
    disabled_plugins: tuple[str, ...] = Field(description="plugins not to load")
    values: InstanceOf[Values] = Field(description="all that was set, by path", repr=False, exclude=True)

    def __init__(
        self,
        *,
        config: str | os.PathLike[str] | None = None,
        overrides: Sequence[str] = (),
        **arguments: object,
    ) -> None:
        """Read and validate all settings but those of the providers' own.

        Args:
            config: a TOML file in place of ``beluga.toml``; else ``BELUGA_VOICE_CONFIG`` names it, if set.
            overrides: ``key=value`` as from the command line's ``--set``.
            arguments: settings by name, as in ``stt="pocketsphinx"``, ``turns={"endpoint_min": 0.5}``; None
                turns a provider off.

        Raises:
            ConfigurationError: a key is unknown or a value is wrong; the text names both, what is allowed
                and where it was written. Providers' own settings are validated later, by `Selection.settings`.
        """
        super().__init__(config=config, overrides=overrides, arguments=arguments)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the name is pydantic-settings'
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read through one source of our own, which keeps where each value was written."""
        return (TracedSource(settings_cls, init_settings),)

    def profile(self, name: str | None) -> Settings:
        """Return the settings of the profile ``[sessions.<name>]`` over these; these themselves for None.

        Raises:
            ConfigurationError: there is no such profile; the text lists those there are.
        """
        if name is None:
            return self
        if name not in self.sessions:
            known = nearest(name, self.sessions)
            raise ConfigurationError(f"no profile named {name!r}; {known}. Try: a table [sessions.{name}]")
        return self.sessions[name]

    def selections(self) -> tuple[Selection, ...]:
        """Return the choice of each kind of provider; without ``stt`` and ``tts`` where ``s2s`` is chosen."""
        voice = (self.stt, self.tts) if self.s2s.provider is None else ()
        return (
            *voice,
            self.s2s,
            self.vad,
            self.turn_detector,
            self.noise_suppressor,
            self.interruption_classifier,
            self.llm,
            self.session_store,
        )

    def for_agent(self, choices: Mapping[Path, str], name: str) -> Settings:
        """Return these settings with what an agent chooses for itself, by path.

        It stands over the settings file and the defaults; under the environment, ``.env``, the command line, the
        constructor's keywords, and a profile, which was asked for by name.

        Raises:
            ConfigurationError: a choice is wrong.
        """
        if not choices:
            return self
        below, above = self.values.split(lambda s: s.weak and not s.key.startswith("sessions."))
        if ("s2s",) in choices:
            below = below.without("stt", "tts")
        values = above.over(read_choices(choices, name).over(below))
        return Settings(values=values)


class TracedSource(PydanticBaseSettingsSource):
    """All sources as one, read by `read_layers`."""

    def __init__(self, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._asked = cast("InitSettingsSource", init_settings).init_kwargs

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return one field's value; part of pydantic-settings' interface."""
        return self()[field_name], field_name, False

    def __call__(self) -> dict[str, Any]:
        """Read all sources and build every field."""
        arguments: Mapping[str, object] = self._asked["arguments"]
        values = arguments.get("values")
        if not isinstance(values, Values):
            values = read_layers(arguments, self._asked["overrides"], self._asked["config"])
        return _fields(values)


def _fields(values: Values) -> dict[str, object]:
    _check_names(values, (*_IN_PROFILES, *_NOT_IN_PROFILES), "")
    selections = {kind: Selection.read(kind, values) for kind in ALL_SLOTS}
    _check_s2s(selections)
    return {
        **selections,
        "server": _server(values),
        "text_filters": Selection.read_list("text_filters", values),
        "tools": Selection.read_list("tools", values) or (),
        "turns": _read_dataclass(TurnPolicy, "turns", values),
        "session": _read_dataclass(SessionConfig, "session", values),
        "prices": _read_dataclass(Prices, "prices", values),
        "telemetry": _read_dataclass(TelemetryConfig, "telemetry", values),
        "sessions": _profiles(values),
        "plugins": _names(values, "plugins"),
        "disabled_plugins": _names(values, "disabled_plugins"),
        "values": values,
    }


def _server(values: Values) -> dict[str, object]:
    _check_table(values, "server")
    return values.under(("server",)).table()


def _check_s2s(selections: Mapping[str, Selection]) -> None:
    model = selections["s2s"]
    for kind in ("stt", "tts"):
        other = selections[kind]
        if model.provider and other.provider and other.chosen_by is not None:
            raise ConfigurationError(
                f"{kind} is {other.provider!r}{source_of(other.chosen_by)}, and s2s is {model.provider!r}"
                f"{source_of(model.chosen_by)}, which hears and speaks itself. Try: {kind} as 'none'"
            )


def _profiles(values: Values) -> dict[str, Settings]:
    profiles: dict[str, Settings] = {}
    _check_table(values, "sessions")
    for path in values.under(("sessions",)):
        setting = values[("sessions", *path)]
        if len(path) == 1 or _PROFILE.fullmatch(path[0]) is None:
            raise ConfigurationError(
                f"{setting.key} is no profile{source_of(setting)}; a profile is a table [sessions.NAME], "
                "its name lower-case letters, digits, '-' and '_'"
            )
        if path[0] not in profiles:
            own = values.under(("sessions", path[0]))
            _check_names(own, _IN_PROFILES, f"sessions.{path[0]}.")
            rest = values.without(*_NOT_IN_PROFILES)
            profiles[path[0]] = Settings(values=own.over(rest, DEFAULT_PROVIDERS))
    return profiles


def _names(values: Values, key: str) -> tuple[str, ...]:
    setting = values.get((key,))
    if setting is None:
        return ()
    names = setting.value.split(",") if isinstance(setting.value, str) else setting.value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(
            f"{key} is {setting.value!r}; it must be a list of names{source_of(setting)}"
        )
    return tuple(name.strip() for name in names if name.strip())


def _read_dataclass(kind: type[D], name: str, values: Values) -> D:
    """Build one of core's settings, converting text as pydantic does; the bounds are the dataclass's own."""
    _check_table(values, name)
    own, hints = values.under((name,)), get_type_hints(kind)
    _check_names(own, hints, f"{name}.")
    arguments = {
        key: _convert(hints[key], value, own.near((key,)))
        for key, value in with_nulls(own.table(), hints).items()
    }
    try:
        return kind(**arguments)
    except ConfigurationError as error:
        words = set(re.findall(r"\w+", str(error)))
        sources = [own[path].source for path in own if path[0] in words]
        raise ConfigurationError(f"{name}.{error} ({', '.join(sources)})") from None


def _convert(hint: Any, value: object, setting: Setting | None) -> Any:
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        key = "" if setting is None else setting.key
        text = f"{key} is {value!r}; {reason[:1].lower()}{reason[1:]}{source_of(setting)}"
        raise ConfigurationError(text) from None


def _check_names(values: Values, known: Iterable[str], prefix: str) -> None:
    for path in values:
        if path[0] not in known:
            where = source_of(values[path])
            raise ConfigurationError(
                f"no setting named '{prefix}{path[0]}'{where}; {nearest(path[0], known)}"
            )


def _check_table(values: Values, name: str) -> None:
    if (setting := values.get((name,))) is not None:
        raise ConfigurationError(f"{name} is {setting.value!r}; it must be a table{source_of(setting)}")
