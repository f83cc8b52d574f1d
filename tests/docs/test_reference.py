"""The reference says what the code has: every hook with its arguments, event, command, setting, error, extra."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
import tomllib
from enum import EnumType
from pathlib import Path

import click
import pytest

import beluga_voice.commands
import beluga_voice.contracts
import beluga_voice.errors
import beluga_voice.events
import beluga_voice.testing
from beluga_voice import SessionConfig, TurnPolicy, hookspecs
from beluga_voice.cli import main
from beluga_voice.plugins import Plugins
from beluga_voice.settings import LISTS, Settings
from beluga_voice.settings.values import ALL_SLOTS
from beluga_voice.turns import OBSERVED, TRANSITIONS

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = ROOT / "docs/reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def headings(name: str) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", page(name), re.MULTILINE))


def rows(name: str) -> dict[str, str]:
    """The rows of the page's tables, by the code in their first cell."""
    return {match[1]: match[0] for match in re.finditer(r"^\| \[?`([^`]+)`.*\|$", page(name), re.MULTILINE)}


def classes(module: object, root: type) -> set[str]:
    """Names of a module's own classes that derive from `root`, without it."""
    own = [each for each in vars(module).values() if inspect.isclass(each) and issubclass(each, root)]
    return {each.__name__ for each in own if each is not root}


def test_what_is_generated_is_current() -> None:
    command = [sys.executable, str(ROOT / "tools/reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr


def test_every_hook_has_its_heading_and_its_arguments() -> None:
    hooks = [each for name, each in vars(hookspecs).items() if hasattr(each, "beluga_voice_spec")]
    assert hooks
    for hook in hooks:
        assert hook.__name__ in headings("hooks.md")
        arguments = ", ".join(inspect.signature(hook).parameters)
        assert f"| `{arguments}` |" in rows("hooks.md")[hook.__name__]


def test_every_event_has_its_heading_and_its_fields() -> None:
    families = {"Observed", "Decided", "Reported"}
    names = classes(beluga_voice.events, beluga_voice.events.Event)
    assert {each.__name__ for each in OBSERVED} < names
    assert names - families <= headings("events.md")
    for name in names - families:
        section = page("events.md").partition(f"### {name}\n")[2].partition("\n#")[0]
        for spec in dataclasses.fields(getattr(beluga_voice.events, name)):
            assert spec.name == "at" or f"| `{spec.name}` |" in section


def test_every_value_of_an_event_is_there() -> None:
    own = [each for each in vars(beluga_voice.events).values() if isinstance(each, EnumType)]
    for found in own:
        if found.__module__ == beluga_voice.events.__name__:
            section = page("events.md").partition(f"### {found.__name__}\n")[2].partition("\n#")[0]
            assert [member for member in found if f"`{member.value}`" not in section] == []


def test_every_command_has_its_heading() -> None:
    assert classes(beluga_voice.commands, beluga_voice.commands.Command) <= headings("commands.md")


def test_every_contract_has_its_heading_and_its_methods() -> None:
    for name in beluga_voice.contracts.__all__:
        assert name in headings("contracts.md")
        found = getattr(beluga_voice.contracts, name)
        for method in getattr(found, "__abstractmethods__", ()):
            if inspect.isclass(found) and method in vars(found):
                assert f"{name}.{method}" in headings("contracts.md")


def test_every_public_name_and_what_is_for_tests_has_its_heading() -> None:
    everywhere = set().union(*(headings(each.name) for each in REFERENCE.glob("*.md")))
    settings = {"SessionConfig", "TurnPolicy"}  # are tables
    assert set(beluga_voice.__all__) - settings - {"__version__"} <= everywhere | {"ErrorCode"}
    assert set(beluga_voice.testing.__all__) <= headings("testing.md") | headings("errors.md")


def test_every_error_has_its_heading_and_every_code_its_row() -> None:
    assert classes(beluga_voice.errors, beluga_voice.errors.BelugaVoiceError) <= headings("errors.md")
    for code in beluga_voice.errors.ErrorCode:
        assert rows("errors.md")[code].endswith("yes |" if code.retryable else "no |")
        assert "|  |" not in rows("errors.md")[code], "an operation raises it"


@pytest.mark.parametrize(("prefix", "model"), [("turns", TurnPolicy), ("session", SessionConfig)])
def test_every_setting_has_its_default_its_bounds_and_its_variable(
    prefix: str, model: type[TurnPolicy] | type[SessionConfig]
) -> None:
    for spec in dataclasses.fields(model):
        row = rows("settings.md")[f"{prefix}.{spec.name}"]
        assert str(spec.default) in row
        assert f"`BELUGA_VOICE_{prefix}__{spec.name}`".casefold() in row.casefold()
        if "low" in spec.metadata:
            assert f"| {spec.metadata['low']} to {spec.metadata['high']} |" in row


def test_every_top_level_setting_and_every_setting_of_a_provider_is_there() -> None:
    found = rows("settings.md")
    assert {*ALL_SLOTS, *LISTS, "plugins", "disabled_plugins"} <= found.keys()
    assert {"turns", "session", "sessions", "prices", "telemetry"} <= headings("settings.md")
    assert Settings.model_fields.keys() - {*ALL_SLOTS, "values"} == {
        "server", "turns", "session", "sessions", "prices", "telemetry", "plugins", "disabled_plugins", *LISTS,
    }  # fmt: skip
    plugins = Plugins.discover(modules=[], disabled=[])
    for plugin in plugins.loaded:
        for kind, names in plugin.providers.items():
            for name in names:
                model = plugins.of(kind).settings_model(name)
                assert model is None or f"{kind}: {name}" in headings("settings.md")
                fields = () if model is None else model.model_fields
                assert {f"{kind}.{each}" if kind in ALL_SLOTS else each for each in fields} <= found.keys()


def test_every_extra_has_its_row_and_every_plugin_its_licence() -> None:
    project = tomllib.loads((ROOT / "core/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"].keys() == rows("extras.md").keys()
    for file in ROOT.glob("plugins/*/pyproject.toml"):
        plugin = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        assert rows("plugins.md")[plugin["name"]].endswith(f"| {plugin['license']} |")


def test_every_command_of_the_command_line_has_its_heading_and_its_options() -> None:
    context = click.Context(main, info_name="beluga-voice")
    with context:
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            assert command is not None
            assert f"beluga-voice {name}" in headings("cli.md")
            for parameter in command.params:
                assert any(option in page("cli.md") for option in parameter.opts)


def test_the_picture_of_the_states_has_an_arrow_for_each_transition() -> None:
    picture = (ROOT / "docs/topics/states.svg").read_text(encoding="utf-8")
    arrows = set(re.findall(r'data-from="(\w+)" data-to="(\w+)"', picture))
    assert arrows == {(str(old), str(new)) for old, after in TRANSITIONS.items() for new in after}


@pytest.mark.parametrize("page", ["topics/reliability.md", "reference/bad-input.md"])
def test_every_test_that_a_promise_names_exists(page: str) -> None:
    promises = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", promises))
    sources = [
        *ROOT.glob("core/tests/**/*.py"),
        *ROOT.glob("tests/**/*.py"),
        *ROOT.glob("plugins/*/tests/*.py"),
    ]
    defined = set(
        re.findall(r"def (test_\w+)", "".join(each.read_text(encoding="utf-8") for each in sources))
    )
    assert named
    assert named <= defined, f"promised but not tested: {sorted(named - defined)}"
