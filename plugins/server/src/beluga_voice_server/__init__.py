"""The server of beluga-voice: sessions for callers over the network, as an ASGI application or by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from beluga_voice.hookspecs import RegisterCheck, RegisterSessionStore


@hookimpl
def register_session_store(register: RegisterSessionStore) -> None:
    """Register ``sqlite``."""
    register(
        "sqlite",
        "beluga_voice_server.store:SQLiteSessionStore",
        settings="beluga_voice_server.settings:SQLiteSettings",
    )


@hookimpl
def register_checks(register: RegisterCheck) -> None:
    """Register how ``sqlite`` is checked: in a file of its own."""
    register("session_store", "sqlite", "beluga_voice_server.checks:check_sqlite")


@hookimpl
def register_commands(group: click.Group) -> None:
    """Add ``serve`` and ``dev``."""
    from beluga_voice_server.commands import dev, serve

    group.add_command(serve)
    group.add_command(dev)
