"""``beluga-voice simulate``: vendors on this machine, until interrupted."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import click

from beluga_voice.errors import PluginError
from beluga_voice_simulators.backends import Backends, engines, scripts
from beluga_voice_simulators.delays import NO_DELAYS
from beluga_voice_simulators.faults import Fault, Faults
from beluga_voice_simulators.server import Simulator
from beluga_voice_simulators.tls import Certificate
from beluga_voice_simulators.vendors import VENDORS, simulator_of

PORT = 8100
"""The first vendor's port unless told; each further vendor has the next."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    vendors: tuple[str, ...]
    port: int
    tls: bool
    delay: str
    faults: tuple[str, ...]
    keys: tuple[str, ...]
    backend: str
    hears: tuple[str, ...]
    answers: tuple[str, ...]


@click.command()
@click.argument("vendors", nargs=-1, required=True, type=click.Choice(sorted(VENDORS)))
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Of the first vendor; the next has the next. 0 finds free ones.",
)
@click.option("--tls", is_flag=True, help="Serve TLS, with a certificate made for this run.")
@click.option(
    "--delay",
    type=click.Choice(["vendor", "none"]),
    default="vendor",
    show_default=True,
    help="How long answers take.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice([each.value for each in Fault]),
    help="Play a fault always; may be given several times.",
)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Take this key only; any by default.")
@click.option(
    "--backend",
    type=click.Choice(["auto", "engines", "scripts"]),
    default="auto",
    show_default=True,
    help="Hear and speak by pocketsphinx and espeak, if installed; or by scripts.",
)
@click.option("--hears", multiple=True, metavar="LINE", help="What the script's ear hears, line by line.")
@click.option("--answers", multiple=True, metavar="LINE", help="What the model answers first, line by line.")
def simulate(**options: Any) -> None:
    """Simulate vendors on this machine.

    Prints the variables by which SDKs and beluga-voice find them, and runs until interrupted.

    \b
    Examples:
      beluga-voice simulate openai
      beluga-voice simulate openai --delay none --fault rate-limited
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(Options(**options)))


async def _run(options: Options) -> None:
    with ExitStack() as files:
        certificate = files.enter_context(Certificate()) if options.tls else None
        async with AsyncExitStack() as stack:
            backends = _backends(options)
            stack.push_async_callback(backends.aclose)
            await backends.open()
            for number, vendor in enumerate(options.vendors):
                port = options.port + number if options.port else 0
                simulator = _make(simulator_of(vendor), options, backends, port, certificate)
                _show(await stack.enter_async_context(simulator))
            if certificate is not None:
                click.echo(f"export SSL_CERT_FILE={certificate.authority}")
            await asyncio.get_running_loop().create_future()


def _make(
    kind: type[Simulator], options: Options, backends: Backends, port: int, certificate: Certificate | None
) -> Simulator:
    faults = Faults()
    for fault in options.faults:
        faults.play(Fault(fault), times=None)
    return kind(
        backends,
        delays=kind.vendor_delays if options.delay == "vendor" else NO_DELAYS,
        faults=faults,
        keys=options.keys or None,
        port=port,
        certificate=certificate,
    )


def _backends(options: Options) -> Backends:
    if options.backend == "scripts" or options.hears:
        return scripts(options.hears, options.answers)
    try:
        return engines(options.answers)
    except PluginError:
        if options.backend == "engines":
            raise
        return scripts((), options.answers)


def _show(simulator: Simulator) -> None:
    click.echo(f"# {simulator.vendor} at {simulator.url}")
    for name, value in simulator.environment().items():
        click.echo(f"export {name}={value}")
