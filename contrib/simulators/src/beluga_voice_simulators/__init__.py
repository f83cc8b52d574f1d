"""Vendors of speech and language models, simulated on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def register_commands(group: click.Group) -> None:
    """Add ``simulate``."""
    from beluga_voice_simulators.command import simulate

    group.add_command(simulate)
