"""``beluga-voice plugins``: what is installed, and what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from beluga_voice._version import __version__
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.main import COMMANDS
from beluga_voice.hookspecs import CONTRACT_VERSION
from beluga_voice.plugins import Plugin, Problem


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one object with plugins and problems.")
@takes_settings
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """List plugins with version, hooks, providers and problems.

    Exits with 1 if there is a problem.

    \b
    Examples:
      beluga-voice plugins
      beluga-voice plugins --json --plugin my_module
    """
    found = context.ensure_object(App).discover()
    found.add_commands(click.Group(commands={name: click.Command(name) for name in COMMANDS}))
    if as_json:
        report = {
            "contract": CONTRACT_VERSION,
            "version": __version__,
            "plugins": [_plugin(each) for each in found.loaded],
            "problems": [_problem(each) for each in found.problems],
        }
        click.echo(json.dumps(report, indent=2))
    else:
        for each in found.loaded:
            _print(each)
        for problem in dict.fromkeys(map(str, found.problems)):
            click.echo(f"problem: {problem}")
    context.exit(1 if found.problems else 0)


def _plugin(plugin: Plugin) -> dict[str, object]:
    return {**asdict(plugin.origin), "hooks": list(plugin.hooks), "providers": dict(plugin.providers)}


def _problem(problem: Problem) -> dict[str, object]:
    return {**asdict(problem.plugin), "kind": problem.kind, "text": problem.text, "remedy": problem.remedy}


def _print(plugin: Plugin) -> None:
    click.echo(str(plugin.origin))
    click.echo(f"  hooks: {', '.join(plugin.hooks) or 'none'}")
    for kind, names in plugin.providers.items():
        click.echo(f"  {kind}: {', '.join(names)}")
