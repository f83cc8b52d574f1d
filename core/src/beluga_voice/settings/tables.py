"""Tables of settings whose model is a plugin's: validated once the plugin is asked for."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from beluga_voice.errors import ConfigurationError
from beluga_voice.settings.selection import is_secret, source_of, with_nulls
from beluga_voice.settings.values import Path, Values, nearest

M = TypeVar("M", bound=BaseModel)


def read_table(values: Values, path: Path, model: type[M], *, without: tuple[str, ...] = ()) -> M:
    """Validate the settings below `path` but those in tables of the names `without`, which are others'.

    Raises:
        ConfigurationError: a setting is unknown or wrong; the text names key, value and source.
    """
    own = values.under(path).without(*without)
    prefix = ".".join(path)
    table = with_nulls(own.table(), {name: spec.annotation for name, spec in model.model_fields.items()})
    try:
        return model.model_validate(table)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
    where = tuple(str(part) for part in found["loc"])
    setting = own.near(where)
    if found["type"] == "extra_forbidden":
        known = nearest(where[-1], (*model.model_fields, *without))
        raise ConfigurationError(
            f"no setting named '{prefix}.{'.'.join(where)}'{source_of(setting)}; {known}"
        )
    info = model.model_fields.get(where[0]) if where else None
    value = "" if not where or is_secret(where[0], info) else f" is {found['input']!r}"
    reason = found["msg"][:1].lower() + found["msg"][1:]
    raise ConfigurationError(
        f"{'.'.join((*path, *where))}{value}{';' if value else ':'} {reason}{source_of(setting)}"
    )
