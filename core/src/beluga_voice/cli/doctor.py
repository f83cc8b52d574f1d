"""``beluga-voice doctor``: whether what the settings choose is there, fits, and opens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import click

from beluga_voice._version import __version__
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.container.graph import create, create_listed, is_built_in
from beluga_voice.contracts import Provider
from beluga_voice.plugins import Plugins
from beluga_voice.settings import LISTS, Selection

OPEN_DEADLINE = 60.0
"""Seconds that a provider may take to open and close: models are loaded and workers started."""


@dataclass(slots=True)
class Finding:
    """What was found of one provider. Each step is true, false, or None if an earlier one failed.

    Attributes:
        kind: the contract, as in ``stt``.
        provider: its name; None if it is turned off, and then there is nothing to find.
        plugin: who offers it.
        found: whether a plugin offers it.
        imports: whether its factory and settings can be imported.
        valid: whether its settings are.
        opens: whether it could be opened and closed; with ``--online``, whether it is well.
        error: what is wrong.
        remedy: the command or act that mends it, if one is known.
    """

    kind: str
    provider: str | None
    plugin: str | None = None
    found: bool | None = None
    imports: bool | None = None
    valid: bool | None = None
    opens: bool | None = None
    error: str | None = None
    remedy: str | None = None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one object with a finding for each provider.")
@click.option(
    "--online", is_flag=True, help="Ask each provider whether it is well; vendors may charge for it."
)
@click.option("--profile", metavar="NAME", help="Examine the settings of [sessions.NAME].")
@takes_settings
@click.pass_context
def doctor(context: click.Context, as_json: bool, online: bool, profile: str | None) -> None:
    """Say what is missing for the current settings, and how to get it.

    Each provider that the settings choose, text filters and sources of tools among them, is looked up, imported,
    given its settings, opened and closed. Exits with 1 if something is missing.

    \b
    Examples:
      beluga-voice doctor
      beluga-voice doctor --json --set stt=pocketsphinx
    """
    app = context.ensure_object(App)
    settings = app.settings.profile(profile)
    chosen = [each for several in settings.selections() for each in several.members]
    chosen += [*(settings.text_filters or ()), *settings.tools]
    findings = [_examine(each, app.plugins, online=online) for each in chosen]
    healthy = not any(each.error for each in findings)
    if as_json:
        click.echo(json.dumps({"ok": healthy, "providers": [asdict(each) for each in findings]}, indent=2))
    else:
        for each in findings:
            _print(each)
    context.exit(0 if healthy else 1)


def _examine(selection: Selection, plugins: Plugins, *, online: bool) -> Finding:
    finding = Finding(selection.kind, selection.provider)
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("found", lambda: _find(selection, plugins, finding)),
        ("imports", lambda: _import(selection, plugins)),
        ("valid", lambda: _validate(selection, plugins)),
        ("opens", lambda: asyncio.run(_open(selection, plugins, online=online))),
    )
    for name, step in steps if selection.provider is not None else steps[2:3]:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is what the doctor looks for
            finding.error, _, remedy = _sentence(error).partition(". Try: ")
            finding.remedy = remedy or None
        setattr(finding, name, finding.error is None)
        if finding.error is not None:
            break
    return finding


def _find(selection: Selection, plugins: Plugins, finding: Finding) -> None:
    if is_built_in(selection, plugins):
        finding.plugin = f"beluga-voice {__version__}"
        return
    providers = plugins.of(selection.kind)
    name = selection.provider or ""
    if name not in providers:
        _make(selection, plugins)  # raises, with where it was asked for
    finding.plugin = str(providers.find(name).plugin)


def _import(selection: Selection, plugins: Plugins) -> None:
    if is_built_in(selection, plugins):
        return
    registration = plugins.of(selection.kind).find(selection.provider or "")
    registration.load_factory()
    registration.load_settings()


def _validate(selection: Selection, plugins: Plugins) -> None:
    if is_built_in(selection, plugins):
        _make(selection, plugins)
    else:
        selection.settings(plugins)


def _make(selection: Selection, plugins: Plugins) -> Provider | None:
    made = create_listed if selection.kind in LISTS.values() else create
    return made(selection, plugins)


async def _open(selection: Selection, plugins: Plugins, *, online: bool) -> None:
    provider = _make(selection, plugins)
    if provider is not None:
        async with asyncio.timeout(OPEN_DEADLINE), provider:
            if online:
                await provider.check_health()


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it did not open and close within {OPEN_DEADLINE:g} s"
    return str(error) or type(error).__name__


def _print(finding: Finding) -> None:
    if finding.error is None:
        state = "off" if finding.provider is None else f"{finding.provider}, from {finding.plugin}: ok"
        click.echo(f"{finding.kind}: {state}")
        return
    click.echo(f"{finding.kind}: {finding.provider or 'off'}: {finding.error}")
    if finding.remedy is not None:
        click.echo(f"  try: {finding.remedy}")
