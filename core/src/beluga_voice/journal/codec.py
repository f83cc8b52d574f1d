"""Events and commands as JSON, and back: generic over their fields, and strict.

An object carries its class as ``type`` and then every field. Numbers keep their value to the last bit (Python
writes a float so that reading gives the same); a number that JSON does not know is a string (``"nan"``).
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from math import isfinite
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from beluga_voice import commands, events
from beluga_voice.commands import Command
from beluga_voice.errors import JournalError
from beluga_voice.events import Decided, Event, Observed, Reported

T = TypeVar("T")
Decoder = Callable[[object], Any]

MAX_INTEGER = 1 << 63
"""Beyond are no counts, positions or numbers of turns."""

NON_FINITE = {"nan", "inf", "-inf"}


def _members(module: types.ModuleType, root: type[T], families: set[type]) -> dict[str, type[T]]:
    return {
        name: member
        for name, member in vars(module).items()
        if isinstance(member, type) and issubclass(member, root) and member not in {root, *families}
    }


EVENTS: Mapping[str, type[Event]] = _members(events, Event, {Observed, Decided, Reported})
"""Every event there is, by name."""

COMMANDS: Mapping[str, type[Command]] = _members(commands, Command, set())
"""Every command there is, by name."""


# -- writing --


def dumps(value: object) -> str:
    """Write JSON on one line, in ASCII, always the same for the same value."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_from_array)


def _from_array(value: object) -> object:
    """Take a number of numpy's for a number: a provider may have given one."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{value!r} of type {type(value).__name__} has no place in a journal")
    return item()


def encode_event(event: Event) -> dict[str, object]:
    """Give an event as JSON's types."""
    kind = type(event)
    return {"type": kind.__name__, **{name: _plain(getattr(event, name)) for name in _names(kind)}}


def encode_command(command: Command) -> dict[str, object]:
    """Give a command as JSON's types; what it saw is an object in the order of seeing."""
    kind = type(command)
    encoded: dict[str, object] = {"type": kind.__name__}
    for name in _names(kind):
        value = getattr(command, name)
        if name == "saw":
            value = {key: _plain(each) for key, each in value}
        encoded[name] = encode_event(value) if isinstance(value, Event) else _plain(value)
    return encoded


def _plain(value: object) -> object:
    if isinstance(value, float) and not isfinite(value):
        return repr(float(value))
    return value


_NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(spec.name for spec in fields(cast("Any", kind)))
    for kind in (*EVENTS.values(), *COMMANDS.values())
}


def _names(kind: type) -> tuple[str, ...]:
    return _NAMES[kind]


# -- reading --


def loads(line: bytes) -> object:
    """Read one line of JSON.

    Raises:
        JournalError: it is none, or names a key twice.
    """
    try:
        return json.loads(
            line.decode(), object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise JournalError(f"no JSON: {error}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def decode_event(value: object) -> Event:
    """Read an event.

    Raises:
        JournalError: it is none, or has a field that is unknown, missing or of the wrong type.
    """
    return _decode_member(value, EVENTS, "event")


def decode_command(value: object) -> Command:
    """Read a command; raises as `decode_event`."""
    return _decode_member(value, COMMANDS, "command")


def _decode_member(value: object, known: Mapping[str, type[T]], what: str) -> T:
    table = dict(expect(value, dict, what))
    name = table.pop("type", None)
    if not isinstance(name, str) or name not in known:
        raise JournalError(f"no {what} named {name!r}")
    return decode_fields(known[name], table)


def decode_fields(kind: type[T], table: Mapping[str, object]) -> T:
    """Make a dataclass of its fields; those that are missing have their defaults.

    Raises:
        JournalError: a field is unknown, missing without a default, or of the wrong type.
    """
    decoders = _decoders(kind)
    for name in table:
        if name not in decoders:
            raise JournalError(f"{kind.__name__} has no field {name!r}")
    arguments = {}
    for name, (decode, optional) in decoders.items():
        if name in table:
            try:
                arguments[name] = decode(table[name])
            except JournalError as error:
                raise JournalError(f"{kind.__name__}.{name}: {error}") from None
        elif not optional:
            raise JournalError(f"{kind.__name__} lacks {name!r}")
    return kind(**arguments)


def expect(value: object, kind: type[T], what: str) -> T:
    """Return `value` if it is of type `kind`; a bool is no number.

    Raises:
        JournalError: it is not.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise JournalError(f"{_shown(value)} is no {what}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_Decoders = dict[str, tuple[Decoder, bool]]
_DECODERS: dict[type, _Decoders] = {}


def _decoders(kind: type) -> _Decoders:
    known = _DECODERS.get(kind)
    if known is None:
        hints = get_type_hints(kind)
        specs = cast("tuple[Field[object], ...]", fields(cast("Any", kind)))
        known = _DECODERS[kind] = {spec.name: (_decoder(hints[spec.name]), _optional(spec)) for spec in specs}
    return known


def _optional(spec: Field[object]) -> bool:
    return spec.default is not MISSING or spec.default_factory is not MISSING


def _decoder(hint: Any) -> Decoder:
    """Find how a field of that type is read.

    Raises:
        TypeError: the type has no form in a journal.
    """
    origin = get_origin(hint)
    if hint == commands.Seen:
        return _decode_seen
    if origin in (Union, types.UnionType):
        return _decode_union([_decoder(each) for each in get_args(hint)])
    if origin is tuple and get_args(hint)[1:] == (...,):
        return _decode_tuple(_decoder(get_args(hint)[0]))
    if origin is Literal:
        return _decode_choice({each: each for each in get_args(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _decode_choice({each.value: each for each in hint})
    if isinstance(hint, type) and issubclass(hint, Event):
        return _decode_family(hint)
    if hint not in _SIMPLE:
        raise TypeError(f"{hint} has no form in a journal")
    return _SIMPLE[hint]


def _decode_int(value: object) -> int:
    number = expect(value, int, "whole number")
    if abs(number) > MAX_INTEGER:
        raise JournalError(f"{_shown(number)} is too large")
    return number


def _decode_float(value: object) -> float:
    if isinstance(value, str) and value in NON_FINITE:
        return float(value)
    if isinstance(value, int):
        return _decode_int(value)  # stays what it is: it is written as it was read
    return expect(value, float, "number")


def _decode_none(value: object) -> None:
    if value is not None:
        raise JournalError(f"{_shown(value)} is not null")


_SIMPLE: dict[object, Decoder] = {
    int: _decode_int,
    float: _decode_float,
    str: lambda value: expect(value, str, "text"),
    bool: lambda value: expect(value, bool, "true or false"),
    type(None): _decode_none,
}


def _decode_union(decoders: list[Decoder]) -> Decoder:
    def decode(value: object) -> object:
        first: JournalError | None = None
        for each in decoders:
            try:
                return each(value)
            except JournalError as error:
                first = first or error
        assert first is not None
        raise first

    return decode


def _decode_tuple(inner: Decoder) -> Decoder:
    return lambda value: tuple(inner(each) for each in expect(value, list, "list"))


def _decode_choice(choices: Mapping[object, object]) -> Decoder:
    def decode(value: object) -> object:
        if not isinstance(value, str) or value not in choices:
            allowed = ", ".join(map(str, choices))
            raise JournalError(f"{_shown(value)} is none of {allowed}")
        return choices[value]

    return decode


def _decode_family(family: type[Event]) -> Decoder:
    def decode(value: object) -> Event:
        event = decode_event(value)
        if not isinstance(event, family):
            raise JournalError(f"{type(event).__name__} is no {family.__name__} event")
        return event

    return decode


def _decode_seen(value: object) -> commands.Seen:
    table: dict[str, object] = expect(value, dict, "object")
    for each in table.values():
        if not isinstance(each, (int, float, str, bool, type(None))):
            raise JournalError(f"{_shown(each)} is no number, text, true, false or null")
    return tuple(table.items())
