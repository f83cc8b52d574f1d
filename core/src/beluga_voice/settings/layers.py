"""Reading settings: each source becomes `Values`, in which every value knows where it was written."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path as FilePath
from typing import cast

from pydantic_settings import BaseSettings, DotEnvSettingsSource

from beluga_voice.errors import ConfigurationError
from beluga_voice.plugins.model import FOLDER_VARIABLE
from beluga_voice.settings.values import ALL_SLOTS, SLOTS, Path, Setting, Values

PREFIX = "BELUGA_VOICE_"
DELIMITER = "__"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_FILE = "beluga.toml"

_VARIABLE = re.compile(r"\s*(?:export\s+)?['\"]?([\w.]+)")
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*([\w."'-]+(?:\s*\.\s*[\w."'-]+)*)\s*=""")


def read_layers(
    arguments: Mapping[str, object], overrides: Sequence[str], config: str | os.PathLike[str] | None
) -> Values:
    """Read all sources and lay them over each other.

    Highest first: `arguments` of the constructor, `overrides` of the command line, environment, ``.env``,
    file.

    Raises:
        ConfigurationError: an override is not ``key=value``, or a file that is named cannot be read.
    """
    dotenv = read_dotenv(FilePath(".env"))
    named = config or os.environ.get(CONFIG_VARIABLE) or _text(dotenv.get(("config",)))
    merged = read_toml(FilePath(named or DEFAULT_FILE), required=named is not None)
    for variables in (dotenv, read_environment(os.environ)):
        merged = variables.without("config").over(merged)
    return _read_arguments(arguments).over(read_overrides(overrides).over(merged))


def read_choices(choices: Mapping[Path, str], agent: str) -> Values:
    """Read what an agent chooses for itself, by path."""
    table: dict[str, object] = {}
    for path, value in choices.items():
        inner = table
        for part in path[:-1]:
            inner = cast("dict[str, object]", inner.setdefault(part, {}))
        inner[path[-1]] = value
    return _expand(table, lambda path: f"agent {agent!r}, {path[-1]}=", weak=True)


def read_environment(environ: Mapping[str, str]) -> Values:
    """Read the variables that begin with ``BELUGA_VOICE_``, but the one of the models' folder, which is no setting.

    Empty ones count as not set.
    """
    environ = {name: value for name, value in environ.items() if name.upper() != FOLDER_VARIABLE}
    return _read_variables(environ, lambda name: f"environment variable {name}")


def read_dotenv(file: FilePath) -> Values:
    """Read the variables of a ``.env`` file, if there is one.

    Raises:
        ConfigurationError: it cannot be read, or is not UTF-8.
    """
    if not file.is_file():  # a folder of that name may be a virtual environment
        return Values()
    numbered = enumerate(_read_text(file).splitlines(), 1)
    lines = {found[1]: number for number, line in numbered if (found := _VARIABLE.match(line))}
    read = DotEnvSettingsSource(
        BaseSettings, env_file=file, env_file_encoding="utf-8-sig", case_sensitive=True
    ).env_vars
    variables = {name: value for name, value in read.items() if value}
    return _read_variables(variables, lambda name: f"{file.name} line {lines.get(name, 1)}")


def read_toml(file: FilePath, *, required: bool) -> Values:
    """Read a TOML file.

    Raises:
        ConfigurationError: it is `required` and not there, or it is no TOML.
    """
    if not required and not file.exists():
        return Values()
    text = _read_text(file)
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"settings file {str(file)!r} is no TOML: {error}") from error
    lines = _toml_lines(text)
    return _expand(table, lambda path: f"{file.name} line {_line_of(path, lines)}", weak=True)


def _read_text(file: FilePath) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"settings file {str(file)!r} cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"settings file {str(file)!r} is not UTF-8: byte 0x{data[error.start]:02X} in line {line}; "
            "save it as UTF-8"
        ) from None


def read_overrides(overrides: Sequence[str]) -> Values:
    """Read ``key=value`` of the command line; keys with dots, a later one over an earlier one.

    Raises:
        ConfigurationError: an override has no ``=`` or no key.
    """
    merged = Values()
    for override in overrides:
        key, equals, value = override.partition("=")
        path = tuple(part.strip().replace("-", "_") for part in key.split("."))
        if not equals or not all(path):
            raise ConfigurationError(
                f"--set {override!r} is not of the form key=value, as in --set stt.workers=2"
            )
        merged = _single(path, value, f"--set {key.strip()}").over(merged)
    return merged


def _read_arguments(arguments: Mapping[str, object]) -> Values:
    return _expand(arguments, lambda path: f"argument {path[0]}")


def _read_variables(variables: Mapping[str, str], source: Callable[[str], str]) -> Values:
    merged = Values()
    for name in sorted(variables, key=len):  # BELUGA_VOICE_STT before BELUGA_VOICE_STT__PROVIDER
        if name.upper().startswith(PREFIX) and variables[name]:
            path = tuple(name[len(PREFIX) :].lower().split(DELIMITER))
            merged = _single(path, variables[name], source(name)).over(merged)
    return merged


def _single(path: Path, text: str, source: str) -> Values:
    """Read one value that is written as text; lists and tables are JSON."""
    value: object = text
    if text[:1] in ("[", "{"):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
    table: object = value
    for part in reversed(path):
        table = {part: table}
    return _expand(table, lambda _: source)


def _expand(table: object, source: Callable[[Path], str], *, weak: bool = False) -> Values:
    """Take tables apart to leaves, and ``provider:model`` to its two settings."""
    settings: dict[Path, Setting] = {}

    def visit(path: Path, value: object) -> None:
        if is_dataclass(value) and not isinstance(value, type):
            value = asdict(value)
        if isinstance(value, Mapping):
            for key, inner in value.items():
                visit((*path, str(key)), inner)
        elif _is_slot(path):
            visit_slot(path, value)
        else:
            if path[-1:] == ("provider",) and _is_slot(path[:-1]):
                value = _several(value)
            settings[path] = Setting(".".join(path), value, source(path), weak)

    def visit_slot(path: Path, value: object) -> None:
        text = "none" if value is None or value is False else value
        text = _several(text)
        provider, colon, model = text.partition(":") if isinstance(text, str) else (text, "", "")
        key, origin = ".".join(path), source(path)
        settings[(*path, "provider")] = Setting(key, provider, origin, weak)
        if colon:
            settings[(*path, "model")] = Setting(key, model, origin, weak)

    visit((), table)
    return Values(settings)


def _several(value: object) -> object:
    """Read names with commas, or a list of names, as a tuple; one name alone as itself."""
    if isinstance(value, str) and "," in value:
        value = value.split(",")
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        names = tuple(name for each in value if (name := each.strip()))
        return names[0] if len(names) == 1 else names
    return value


def _is_slot(path: Path) -> bool:
    in_profile = len(path) == 3 and path[0] == "sessions"
    return (len(path) == 1 and path[-1] in ALL_SLOTS) or (in_profile and path[-1] in SLOTS)


def _text(setting: Setting | None) -> str | None:
    return None if setting is None else str(setting.value)


def _toml_lines(text: str) -> dict[Path, int]:
    """Find on which line each key stands, which tomllib does not tell; keys within a value are not found."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _HEADER.match(line)) is not None:
            table = _parts(header[1])
            lines.setdefault(table, number)
        elif (key := _KEY.match(line)) is not None:
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """Return the line of the longest part of `path` that has one."""
    for size in range(len(path), 0, -1):
        if path[:size] in lines:
            return lines[path[:size]]
    return 1
