"""Pages of the reference for those who run it: settings, command line, extras, plugins."""

from __future__ import annotations

import dataclasses
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import click
from docstrings import markdown, table
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from beluga_voice.cli import main
from beluga_voice.cli.app import App
from beluga_voice.plugins import Plugin, Plugins
from beluga_voice.session import SessionConfig
from beluga_voice.settings import Settings
from beluga_voice.settings.values import ALL_SLOTS, DEFAULT_PROVIDERS
from beluga_voice.telemetry.config import TelemetryConfig
from beluga_voice.turns import TurnPolicy
from beluga_voice.usage import Prices
from beluga_voice_server.settings import ServerSettings

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ("BELUGA_VOICE_CONFIG", "the file to read in place of `beluga.toml`")


def policy() -> str:
    """The settings of turn-taking, with defaults and bounds."""
    return _dataclass_table(TurnPolicy, "turns")


Config = type[TurnPolicy] | type[SessionConfig] | type[Prices] | type[TelemetryConfig]


def _dataclass_table(model: Config, prefix: str) -> str:
    rows = [_dataclass_row(spec, prefix) for spec in dataclasses.fields(model)]
    return table(["setting", "default", "bounds", "meaning", "environment variable"], rows)


def _dataclass_row(spec: dataclasses.Field[Any], prefix: str) -> list[str]:
    bounds = f"{spec.metadata['low']} to {spec.metadata['high']}" if "low" in spec.metadata else ""
    if not bounds and "Literal" in str(spec.type):
        bounds = (
            str(spec.type).removeprefix("Literal[").removesuffix("]").replace(", ", " or ").replace("'", "`")
        )
    unit = _unit(spec)
    default = f"`{spec.default!r}`" if isinstance(spec.default, str) else f"{spec.default}{unit}"
    return [f"`{prefix}.{spec.name}`", default.replace("'", '"'), bounds, str(spec.metadata["meaning"]),
            f"`{_variable(prefix, spec.name)}`"]  # fmt: skip


TABLES = (*ALL_SLOTS, "server")
"""Settings that stand in a table of their own at the top."""

NO_UNIT = {"vad_on", "vad_off", "detector_threshold"}


def _unit(spec: dataclasses.Field[Any]) -> str:
    priced = str(spec.metadata.get("meaning", "")).startswith("price of")
    return " s" if spec.type == "float" and spec.name not in NO_UNIT and not priced else ""


def _variable(*path: str) -> str:
    return "BELUGA_VOICE_" + "__".join(path).upper()


def settings() -> str:
    """Every setting."""
    plugins = Plugins.discover(modules=[], disabled=[])
    fields = Settings.model_fields
    slots = [
        [f"`{kind}`", f"`{DEFAULT_PROVIDERS[kind]}`", str(fields[kind].description), f"`{_variable(kind)}`"]
        for kind in ALL_SLOTS
    ]
    lists = [
        [f"`{name}`", "none", str(fields[name].description), f"`{_variable(name)}`"]
        for name in ("plugins", "disabled_plugins")
    ]
    several = [
        [f"`{name}`", default, str(fields[name].description), f"`{_variable(name)}`"]
        for name, default in (("text_filters", "`markup`, `links`, `symbols`"), ("tools", "none"))
    ]
    page = [
        "# Settings",
        "Read from, highest first: `--set KEY=VALUE` of the command line, the environment, `.env`, `beluga.toml`. In "
        "the environment a setting is `BELUGA_VOICE_`, then its key in capitals with `__` for each dot; an empty "
        'variable counts as not set. A list is JSON, as in `["one", "two"]`. An unknown key or a value out of its '
        "bounds is an error that names where it was written. `beluga-voice config show` prints what is in effect.",
        f"`{ENVIRONMENT[0]}` names {ENVIRONMENT[1]}, as `--config` does.",
        "## Providers",
        "Which provider serves, by its name; `none` turns it off. `provider:model` sets the provider's own setting "
        "`model` as well. As a table, `[stt]`, it takes `provider` and the provider's own settings.",
        table(["setting", "default", "meaning", "environment variable"], slots),
        "The line is no setting: a transport is given to each session.",
        "## text_filters, tools",
        "Lists: of names, `provider:model`, or tables with a `provider` and its own settings, as in `[[tools]]`. "
        "Names may also stand in one text, with commas. A list stands over another as a whole.",
        table(["setting", "default", "meaning", "environment variable"], several),
        "## turns",
        "How [turns are taken](../topics/turn-taking.md).",
        policy(),
        "## session",
        "What each session is told.",
        _dataclass_table(SessionConfig, "session"),
        "## prices",
        "What providers cost: [usage](../topics/telemetry.md#settings) is told with its cost.",
        _dataclass_table(Prices, "prices"),
        "## telemetry",
        "Where [telemetry](../topics/telemetry.md) goes.",
        _dataclass_table(TelemetryConfig, "telemetry"),
        "## sessions",
        "Profiles: `[sessions.NAME]` is a table of the settings above (providers, `turns`, `session`, `prices`) that stand over "
        'them in the sessions that are opened with `profile="NAME"`. In the environment: '
        "`BELUGA_VOICE_SESSIONS__NAME__TURNS__ENDPOINT_MIN`.",
        "## server",
        "`[server]` is for [beluga-voice-server](../topics/server.md#settings); a table `[server.NAME]` for what the "
        "transport of that name adds to it.",
        "## plugins, disabled_plugins",
        table(["setting", "default", "meaning", "environment variable"], lists),
        "## Settings of the providers",
        "Those of the plugins that come with beluga-voice. They are settings of the provider's kind once it is chosen.",
    ]
    for kind, name, _ in _offered(plugins):
        model = plugins.of(kind).settings_model(name)
        if model is not None:
            page += [f"### {kind}: {name}", _model_table(kind, model)]
    return "\n\n".join(page)


def server() -> str:
    """Every setting of the server."""
    return _model_table("server", ServerSettings)


def _model_table(kind: str, model: type[BaseModel]) -> str:
    rows = []
    for name, spec in model.model_fields.items():
        key = f"`{kind}.{name}`" if kind in TABLES else f"`{name}`"
        variable = [f"`{_variable(kind, name)}`"] if kind in TABLES else []
        rows.append([key, _default(spec), _bounds(spec), markdown(str(spec.description)), *variable])
    head = ["setting", "default", "bounds", "meaning"] + (["environment variable"] if kind in TABLES else [])
    return table(head, rows)


def _default(spec: FieldInfo) -> str:
    if spec.is_required():
        return "required"
    if spec.default_factory is not None:
        return "computed"
    if spec.default is None or spec.default == ():
        return "none"
    return f"`{spec.default}`" if isinstance(spec.default, str) else str(spec.default)


def _bounds(spec: FieldInfo) -> str:
    limits = {
        name: getattr(m, name) for m in spec.metadata for name in ("ge", "gt", "le", "lt") if hasattr(m, name)
    }
    if {"ge", "le"} <= limits.keys():
        return f"{limits['ge']} to {limits['le']}"
    options = [each for each in get_args(spec.annotation) if isinstance(each, str)]
    sizes = {n: getattr(m, n) for m in spec.metadata for n in ("min_length", "max_length") if hasattr(m, n)}
    if options:
        return " or ".join(f"`{each}`" for each in options)
    if sizes and NoneType not in get_args(spec.annotation):
        low, high = sizes.get("min_length", 0), sizes.get("max_length")
        return f"length {low} to {high}" if high else f"length from {low}"
    return ""


def _offered(plugins: Plugins) -> list[tuple[str, str, Plugin]]:
    """Each provider of our own plugins: kind, name, plugin."""
    return [
        (kind, name, plugin)
        for plugin in plugins.loaded
        if _project(plugin) is not None
        for kind, names in plugin.providers.items()
        for name in names
    ]


def _project(plugin: Plugin) -> dict[str, Any] | None:
    file = ROOT / "plugins" / plugin.origin.name.removeprefix("beluga-voice-") / "pyproject.toml"
    if not file.exists():
        return None
    found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    return found


def plugins() -> str:
    """Every plugin of the project with its licence."""
    found = Plugins.discover(modules=[], disabled=[])
    rows, sections = [], []
    for plugin in found.loaded:
        project = _project(plugin)
        if project is None:
            continue
        extra = project["name"].removeprefix("beluga-voice-")
        offers = ", ".join(f"{kind} `{name}`" for kind, names in plugin.providers.items() for name in names)
        needs = [each.split(">")[0].split(";")[0] for each in project["dependencies"]]
        needs = [f"`{each}`" for each in dict.fromkeys(needs) if each != "beluga-voice"]
        rows.append([f"[`{project['name']}`](#{project['name']})", offers, project["license"]])
        sections.append(
            f"## {project['name']}\n\n{project['description']}\n\nExtra: `{extra}`. Offers: {offers}. "
            f"Licence: {project['license']}. Requires, beside core: {', '.join(needs) or 'nothing'}."
        )
    return "\n\n".join(
        [
            "# Plugins and their licences",
            "Core is Apache-2.0, and so is every plugin but espeak. What a plugin requires has a licence of its own.",
            table(["distribution", "offers", "licence"], rows),
            *sections,
            "## Engines and models",
            table(
                ["what", "licence", "how it comes"],
                [
                    [
                        "espeak-ng and its data",
                        "GPL-3.0-or-later",
                        "with `espeakng-loader`, which `espeak` requires",
                    ],
                    ["CMU PocketSphinx and its English model", "BSD-like", "with `pocketsphinx`"],
                    [
                        "Silero's weights",
                        "MIT",
                        "within the wheel of `beluga-voice-silero`, its text beside them",
                    ],
                ],
            ),
        ]
    )


def extras() -> str:
    """Every extra with what it brings."""
    project = tomllib.loads((ROOT / "core/pyproject.toml").read_text(encoding="utf-8"))["project"]
    licences = {
        canonicalize_name(d.metadata["Name"]): d.metadata["License-Expression"] for d in distributions()
    }
    rows = []
    for extra, needs in sorted(project["optional-dependencies"].items()):
        kinds = sorted({licences[canonicalize_name(Requirement(each).name)] or "see there" for each in needs})
        rows.append([f"`{extra}`", ", ".join(f"`{each}`" for each in needs), ", ".join(kinds)])
    return "\n\n".join(
        [
            "# Extras",
            '`pip install "beluga-voice[EXTRA]"` installs core and what the extra names; several are separated by '
            "commas.",
            table(["extra", "brings", "licence of what it brings"], rows),
            "`local` is everything for a conversation on this machine, without network or key; its voice, espeak, is "
            "GPL-3.0-or-later. `all` is every plugin under a permissive licence, without espeak. "
            "[Plugins and their licences](plugins.md) tells more. `net` is the HTTP and WebSocket client that "
            "plugins of vendors need of core; they bring it themselves. `otlp` and `prometheus` bring what "
            "[telemetry](../topics/telemetry.md) needs to send to a collector, or to be read by Prometheus.",
        ]
    )


def cli() -> str:
    """Every command of the command line."""
    context = click.Context(main, info_name="beluga-voice", obj=App())
    page = [
        "# Command line",
        "`beluga-voice COMMAND`; a program that calls `beluga_voice.run(agent)` has the same commands, with its own "
        "agent. The status is 0 when all went well, 1 when what a command looks for went wrong (`demo`, `doctor`, "
        "`plugins`), 2 for an error, 130 after Ctrl-C.",
        "## beluga-voice",
        _options(main, context),
        "`--set`, `--plugin` and `--config` are taken before and after the command's name; `--help` is there for each.",
    ]
    with context:
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            assert command is not None
            page += _command(command, f"beluga-voice {name}", context)
    return "\n\n".join(page)


def _command(command: click.Command, path: str, parent: click.Context) -> list[str]:
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    prose, _, examples = (command.help or "").replace("\b", "").partition("Examples:")
    section = [f"## {path}", f"`{path} {usage}`", markdown(_paragraphs(prose))]
    if examples:
        lines = "\n".join(line.strip() for line in examples.strip().splitlines())
        section.append(f"<!-- not run: examples of the help -->\n```sh\n{lines}\n```")
    section.append(_options(command, context))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            section += _command(inner, f"{path} {name}", context)
    return section


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(each.split()) for each in text.split("\n\n") if each.strip())


SHARED = {"set", "plugin", "config", "help"}
"""Options of the group that its commands take too, and need not tell again."""


def _options(command: click.Command, context: click.Context) -> str:
    rows = []
    for parameter in command.get_params(context):
        if command is not main and parameter.name in SHARED:
            continue
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            rows.append([f"`{record[0]}`", record[1]])
    return table(["option", ""], rows) if rows else "No options of its own."
