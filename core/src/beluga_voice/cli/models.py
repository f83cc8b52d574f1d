"""``beluga-voice models``: what can be fetched, fetching it, and whether it is still what was fetched."""

from __future__ import annotations

import json
import sys

import click

from beluga_voice.cli.app import App, takes_settings
from beluga_voice.errors import ConfigurationError
from beluga_voice.models import ModelStore, Progress
from beluga_voice.plugins import Model


@click.group()
def models() -> None:
    """List, fetch and verify the models that plugins use and do not bring.

    They are kept in one folder, which BELUGA_VOICE_MODELS names. Nothing is ever fetched but by `fetch`.

    \b
    Examples:
      beluga-voice models list
      beluga-voice models fetch smart-turn
      beluga-voice models verify
    """


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one object for each model.")
@takes_settings
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the models of the installed plugins, and which are here."""
    store = ModelStore()
    found = _known(context).values()
    if as_json:
        rows = [{**_row(model), "path": str(store.find(model.name) or "") or None} for model in found]
        click.echo(json.dumps(rows, indent=2))
        return
    for model in found:
        path = store.find(model.name)
        size = f"; {model.size / 1e6:.0f} MB" if model.size else ""
        click.echo(f"{model.name}  ({model.plugin}; {model.licence}{size})  {path or 'not fetched'}")
        click.echo(f"  {model.purpose}")
    if not found:
        click.echo("no installed plugin has a model to fetch")


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@takes_settings
@click.pass_context
def fetch(context: click.Context, names: tuple[str, ...]) -> None:
    """Fetch models, unless they are here. Their hashes are checked, or recorded at the first fetch."""
    known = _known(context)
    for name in names:
        _need(known, name)
    for name in names:
        click.echo(str(ModelStore().fetch(known[name], bar())))


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@takes_settings
@click.pass_context
def verify(context: click.Context, names: tuple[str, ...]) -> None:
    """Compare the fetched models, or those named, with the hashes of their fetch.

    Exits with 1 if one is not what was fetched.
    """
    store, known = ModelStore(), _known(context)
    for name in names:
        _need(known, name)
    wrong = False
    for name in names or tuple(name for name in known if store.find(name)):
        faults = store.verify(name)
        wrong = wrong or bool(faults)
        click.echo(f"{name}: {'; '.join(faults) or 'as fetched'}")
    context.exit(1 if wrong else 0)


def _known(context: click.Context) -> dict[str, Model]:
    return dict(context.ensure_object(App).discover().models)


def _need(known: dict[str, Model], name: str) -> None:
    if name not in known:
        raise ConfigurationError(
            f"no model named {name!r}; there are: {', '.join(known) or 'none'}. Its plugin has to be installed"
        )


def _row(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "plugin": model.plugin,
        "licence": model.licence,
        "purpose": model.purpose,
        "size": model.size,
        "urls": list(model.urls),
    }


def bar() -> Progress:
    """Show on standard error how far a download is: a bar at a terminal, else a line for each file."""
    told: dict[str, int] = {}
    terminal = sys.stderr.isatty()

    def progress(name: str, more: int, total: int | None) -> None:
        if name not in told and not terminal:
            click.echo(f"fetching {name}{'' if total is None else f' ({total / 1e6:.1f} MB)'}", err=True)
        told[name] = told.get(name, 0) + more
        if terminal:
            share = "" if not total else f" {'#' * (30 * told[name] // total):30}|"
            click.echo(f"\r{name}{share} {told[name] / 1e6:.1f} MB", nl=told[name] == total, err=True)

    return progress
