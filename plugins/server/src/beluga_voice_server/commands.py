"""``beluga-voice serve`` and ``dev``."""

from __future__ import annotations

import click

from beluga_voice.cli.app import App, takes_settings

agent_option = click.option(
    "--agent", metavar="MODULE:NAME", help="The agent; else the program's own, or an echo."
)
host_option = click.option("--host", help="Address to listen on; this machine alone by default.")
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."
)


@click.command()
@agent_option
@host_option
@port_option
@takes_settings
@click.pass_obj
def serve(app: App, agent: str | None, host: str | None, port: int | None) -> None:
    """Take calls over the network.

    By WebRTC, WebSocket, the telephone: whatever transports are installed. Ends on Ctrl-C or SIGTERM, once the
    calls have ended; at once when told a second time.

    \b
    Examples:
      beluga-voice serve --agent shop:agent
      BELUGA_VOICE_SERVER__KEY=... beluga-voice serve --host 0.0.0.0 --port 80
    """
    from beluga_voice.cli.agent_option import choose_agent
    from beluga_voice_server.running import serve as run

    run(app, choose_agent(app, agent), host, port)


@click.command()
@agent_option
@host_option
@port_option
@takes_settings
def dev(agent: str | None, host: str | None, port: int | None) -> None:  # noqa: ARG001 - the process it runs reads them
    """Serve, anew whenever a file changes.

    As serve, and again from the start whenever a Python file or beluga.toml below this folder changes.

    \b
    Examples:
      beluga-voice dev --agent shop:agent
      python shop.py dev
    """
    from beluga_voice_server.reloading import watch

    watch()
