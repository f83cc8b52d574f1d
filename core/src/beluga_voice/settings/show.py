"""The effective settings with their sources, for people and programs; secrets are masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from beluga_voice.errors import BelugaVoiceError
from beluga_voice.settings.selection import Selection, is_secret
from beluga_voice.settings.values import LISTS
from beluga_voice.speakable import DEFAULT as DEFAULT_FILTERS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from beluga_voice.plugins import Plugins
    from beluga_voice.session.config import SessionConfig
    from beluga_voice.settings.model import Settings
    from beluga_voice.settings.values import Setting, Values
    from beluga_voice.telemetry.config import TelemetryConfig
    from beluga_voice.turns.policy import TurnPolicy
    from beluga_voice.usage import Prices

MASK = "********"
DEFAULT = "default"

_USERINFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True)
class Shown:
    """One effective setting.

    Attributes:
        key: with dots.
        value: as JSON knows it; a secret's is a mask.
        source: where it was written, or ``default``.
    """

    key: str
    value: object
    source: str


def show(settings: Settings, plugins: Plugins) -> list[Shown]:
    """Return all effective settings, those of the profiles as far as they are set.

    Providers that are not installed are shown as they are set; `doctor` says what is wrong with them.
    """
    shown: list[Shown] = []
    for selection in settings.selections():
        shown += _selection(selection, plugins)
    for key in LISTS:
        chosen: Sequence[Selection] | None = getattr(settings, key)
        named = [] if chosen is None else [_entry(each, plugins) for each in chosen]
        default = list(DEFAULT_FILTERS) if key == "text_filters" else []
        value = default if chosen is None else named
        shown.append(Shown(key, value, _source(settings.values.near((key,)))))
    shown += _dataclass("turns", settings.turns, settings.values)
    shown += _dataclass("session", settings.session, settings.values)
    shown += _dataclass("prices", settings.prices, settings.values)
    shown += _dataclass("telemetry", settings.telemetry, settings.values)
    own = settings.values.under(("server",))
    for path in own:
        shown.append(Shown(own[path].key, masked(path[-1], own[path].value, None), _source(own[path])))
    for name, profile in sorted(settings.sessions.items()):
        models = {
            path: _model(each, plugins)
            for chosen in profile.selections()
            for each in chosen.members
            for path in ((each.kind, *each.within), (each.kind, str(each.provider)))
        }
        shown += _profile(name, settings.values, models)
    for key in ("plugins", "disabled_plugins"):
        shown.append(Shown(key, list(getattr(settings, key)), _source(settings.values.near((key,)))))
    return shown


def masked(name: str, value: object, model: type[BaseModel] | None) -> object:
    """Return a provider's setting as it may be printed."""
    if is_secret(name, model.model_fields.get(name) if model else None):
        return MASK
    return _plain(value)


def _plain(value: object) -> object:
    """Return what JSON can write, without passwords."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(k): MASK if is_secret(str(k), None) else _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return _USERINFO.sub(MASK, str(value))


def _selection(selection: Selection, plugins: Plugins) -> Iterator[Shown]:
    yield Shown(selection.kind, selection.provider or "none", _source(selection.chosen_by))
    for member in selection.fallback:
        yield from _own(member, plugins)
    if not selection.fallback:
        yield from _own(selection, plugins)


def _own(selection: Selection, plugins: Plugins) -> Iterator[Shown]:
    model = _model(selection, plugins)
    table = selection.values.table()
    for name in dict.fromkeys((*(model.model_fields if model else ()), *table)):
        key = ".".join((selection.kind, *selection.within, name))
        if name in table:
            yield Shown(key, masked(name, table[name], model), _source(selection.values.near((name,))))
        elif model is not None:
            info = model.model_fields[name]
            if not info.is_required():
                default = info.get_default(call_default_factory=True, validated_data={})
                yield Shown(key, None if default is None else masked(name, default, model), DEFAULT)


def _model(selection: Selection, plugins: Plugins) -> type[BaseModel] | None:
    try:
        return selection.model(plugins)
    except BelugaVoiceError:  # shown as it is set
        return None


def _entry(selection: Selection, plugins: Plugins) -> object:
    """One provider of a list, as it was written."""
    table = selection.values.table()
    if not table:
        return selection.provider
    if set(table) == {"model"}:
        return f"{selection.provider}:{masked('model', table['model'], None)}"
    model = _model(selection, plugins)
    own = {name: masked(name, value, model) for name, value in table.items()}
    return {"provider": selection.provider, **own}


def _dataclass(
    name: str, value: TurnPolicy | SessionConfig | Prices | TelemetryConfig, values: Values
) -> Iterator[Shown]:
    for each in fields(value):
        shown = _plain(getattr(value, each.name))
        yield Shown(f"{name}.{each.name}", shown, _source(values.near((name, each.name))))


def _profile(
    name: str, values: Values, models: Mapping[tuple[str, ...], type[BaseModel] | None]
) -> Iterator[Shown]:
    own = values.under(("sessions", name))
    for path in own:
        depth = 2 if len(path) > 2 and path[:2] in models else 1
        setting, model = own[path], models.get(path[:depth])
        key = ".".join(("sessions", name, *(path[:-1] if path[-1] == "provider" else path)))
        yield Shown(
            key,
            masked(path[depth], setting.value, model) if len(path) > depth else _plain(setting.value),
            setting.source,
        )


def _source(setting: Setting | None) -> str:
    return DEFAULT if setting is None else setting.source
