"""``beluga-voice parrot``: the vendor on this machine."""

from __future__ import annotations

import asyncio

import click

from beluga_voice.testing import LocalServer
from beluga_voice_parrot.vendor import ParrotVendor


@click.command()
@click.option("--key", default="", help="The key that callers must tell.")
@click.option("--seconds", type=float, default=None, help="How long to serve; until Ctrl-C by default.")
def parrot(key: str, seconds: float | None) -> None:
    """Serve the vendor Parrot on this machine, and print its address."""
    asyncio.run(_serve(key, seconds))


async def _serve(key: str, seconds: float | None) -> None:
    async with LocalServer(ParrotVendor(key).serve) as server:
        click.echo(server.url)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return
