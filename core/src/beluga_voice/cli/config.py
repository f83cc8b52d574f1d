"""``beluga-voice config``: the settings as they are."""

from __future__ import annotations

import json

import click

from beluga_voice.cli.app import App, takes_settings
from beluga_voice.settings.show import DEFAULT, show


@click.group()
def config() -> None:
    """Show the settings and where each comes from."""


@config.command("show", short_help="Print every setting, and where it was set.")
@click.option("--json", "as_json", is_flag=True, help="Print one object: key to value and source.")
@takes_settings
@click.pass_obj
def show_command(app: App, as_json: bool) -> None:
    """Print the effective settings, each with its source; secrets are masked.

    \b
    Examples:
      beluga-voice config show
      beluga-voice config show --json --set stt=pocketsphinx
    """
    shown = show(app.settings, app.plugins)
    if as_json:
        table = {each.key: {"value": each.value, "source": each.source} for each in shown}
        click.echo(json.dumps(table, indent=2))
        return
    for each in shown:
        line = f"{each.key} = {json.dumps(each.value)}"
        click.echo(line if each.source == DEFAULT else f"{line:<40}  # {each.source}")
