"""Running the server alone, under uvicorn."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from types import FrameType

import click
import uvicorn

from beluga_voice.agents import AgentLike
from beluga_voice.cli.app import App
from beluga_voice.cli.running import run_command
from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import ASGI
from beluga_voice.errors import ConfigurationError
from beluga_voice_server.http import in_time
from beluga_voice_server.server import Server
from beluga_voice_server.settings import ServerSettings

WAITING = 512
"""Connections that may wait to be accepted."""

PING = 5.0
"""Seconds between two pings of a WebSocket, and that an answer may take: who vanished is noticed in twice that."""

CLOSING = 2
"""Seconds that connections may take to close when the server ends."""


class Uvicorn(uvicorn.Server):
    """Tells of the first signal, and ends at the second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Take a signal."""
        if self.asked.is_set():
            self.should_exit = True
        self._loop.call_soon_threadsafe(self.asked.set)


def serve(app: App, agent: AgentLike, host: str | None, port: int | None) -> None:
    """Serve until told to stop.

    Raises:
        ConfigurationError: the address cannot be listened on, or the settings are wrong.
    """
    voice = VoiceContainer(app.settings_for(agent), app.plugins)
    application = voice.asgi(agent)
    log_to_stderr()
    run_command(_serve(voice, application, host, port))


def log_to_stderr() -> None:
    """Show warnings, and what the server says of itself."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("beluga_voice_server").setLevel(logging.INFO)


async def _serve(voice: VoiceContainer, application: ASGI, host: str | None, port: int | None) -> None:
    async with voice.lifespan():
        server = await voice.open_server()
        assert isinstance(server, Server)
        settings = server.settings
        address = host or settings.host, settings.port if port is None else port
        with listen(*address) as bound:
            _tell(bound, settings)
            await run_uvicorn(application, server, bound)


async def run_uvicorn(application: ASGI, server: Server, bound: socket.socket) -> None:
    """Serve on a socket; return once a signal came and the calls have ended."""
    settings = server.settings
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=CLOSING,
        http=in_time(settings.setup),
        ws="websockets-sansio",
        ws_max_size=max(settings.max_frame, settings.max_message),
        ws_ping_interval=PING,
        ws_ping_timeout=PING,
        ws_per_message_deflate=False,
    )
    running = Uvicorn(config)
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(_drain(running, server))
        await running.serve(sockets=[bound])
        drain.cancel()


async def _drain(running: Uvicorn, server: Server) -> None:
    await running.asked.wait()
    if server.admission.sessions:
        click.echo(
            f"waiting for {server.admission.sessions} call(s), {server.settings.drain:g} s at most", err=True
        )
    await server.drain()
    running.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            if os.name != "nt":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(WAITING)
            bound.setblocking(False)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}; name another with --host and --port"
        ) from error
    return bound


def _tell(bound: socket.socket, settings: ServerSettings) -> None:
    """Say where it listens, and who may call."""
    host, port = bound.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    local = host in ("127.0.0.1", "::1")
    if local:
        who = "this machine alone may call; --host 0.0.0.0 lets others in, with a key"
    elif settings.key is not None:
        who = "callers need a token; who has server.key gets one at /start"
    elif settings.public:
        who = "anybody may call: server.public is set"
    else:
        who = "nobody elsewhere may call: set BELUGA_VOICE_SERVER__KEY, or server.public for everybody"
    click.echo(f"beluga-voice listens on http://{shown}:{port} ({who}). Ctrl-C ends it", err=True)
