"""``beluga-voice new-plugin``: a package whose tests pass as written."""

from __future__ import annotations

from pathlib import Path

import click

from beluga_voice.cli.scaffold.kinds import KINDS
from beluga_voice.cli.scaffold.package import files_of
from beluga_voice.errors import ConfigurationError


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    required=True,
    metavar="KIND[,KIND...]",
    help=f"What it is to have: {', '.join(KINDS)}.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write; beluga-voice-NAME by default.",
)
def new_plugin(name: str, kinds: str, into: Path | None) -> None:
    """Write a plugin NAME: a package with a provider of each kind that works offline, and tests that pass.

    It has a pyproject with the entry point, settings, providers, tests, a README, a workflow for continuous
    integration and the marker of types. A folder that holds anything is left alone.

    \b
    Examples:
      beluga-voice new-plugin acme --kind stt,tts
      beluga-voice new-plugin acme --kind vad --into ./acme
    """
    files = files_of(name, [kind.strip() for kind in kinds.split(",") if kind.strip()])
    folder = into or Path(f"beluga-voice-{name}")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is there and not empty. Try: another folder, by --into")
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    click.echo(f"wrote {folder}: {len(files)} files")
    click.echo(f'next: cd {folder} && pip install -e ".[dev]" && pytest && beluga-voice check {name}')
