"""The command group: loads a command when it is called, and prints errors as one sentence."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from beluga_voice._version import __version__
from beluga_voice.agents import AgentLike
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.logs import LEVELS, log_to_stderr
from beluga_voice.cli.printable import printable
from beluga_voice.errors import BelugaVoiceError

COMMANDS = {
    "chat": ("beluga_voice.cli.chat:chat", "Talk with the agent by text."),
    "check": (
        "beluga_voice.testing.check_command:check",
        "Check that providers keep the promises of their contracts.",
    ),
    "config": ("beluga_voice.cli.config:config", "Show the settings and where each comes from."),
    "doctor": ("beluga_voice.cli.doctor:doctor", "Say what is missing for the settings, and how to get it."),
    "demo": ("beluga_voice.cli.demo:demo", "Let a synthesised caller and an agent talk, offline."),
    "journal": (
        "beluga_voice.cli.journal:journal",
        "Replay, explain and vary what a session decided.",
    ),
    "new-plugin": ("beluga_voice.cli.new_plugin:new_plugin", "Write a plugin whose tests pass as written."),
    "models": ("beluga_voice.cli.models:models", "List, fetch and verify models that plugins do not bring."),
    "setup": ("beluga_voice.cli.setup:setup", "Say what a machine needs for a purpose, and fetch it."),
    "run": ("beluga_voice.cli.run:run", "Let an agent answer recorded callers."),
    "plugins": (
        "beluga_voice.cli.plugins:plugins",
        "List plugins, what they offer, and what is wrong with them.",
    ),
}
"""The core's commands: where each is, and its line in the help, so that the help need not import it."""

FAILED = 2
"""Exit status of a command that could not do what it was asked."""


class LazyGroup(click.Group):
    """Commands of the core and of plugins, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, sorted."""
        return sorted({*COMMANDS, *self._of_plugins(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None if there is none of that name."""
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name][0].partition(":")
            return cast("click.Command", getattr(import_module(module), name))
        return self._of_plugins(ctx).get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' lines of the help without importing the core's."""
        lines = {name: text for name, (_, text) in COMMANDS.items()}
        lines |= {name: each.get_short_help_str(80) for name, each in self._of_plugins(ctx).items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, also where standard streams are closed."""
        _open_standard_streams()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that beluga-voice raises on purpose ends it with one sentence."""
        try:
            return super().invoke(ctx)
        except BelugaVoiceError as error:
            if ctx.ensure_object(App).traceback:
                raise
            click.echo(f"error: {printable(str(error))}", err=True)
            ctx.exit(FAILED)
        except OSError as error:
            # A pipe that nobody reads any more is click's to end quietly.
            if error.errno == errno.EPIPE or ctx.ensure_object(App).traceback:
                raise
            if error.filename is None:
                _give_up_output()
            what = error.filename or "the output cannot be written"
            click.echo(f"error: {what}: {error.strerror}. --traceback shows where", err=True)
            ctx.exit(FAILED)

    def _of_plugins(self, ctx: click.Context) -> dict[str, click.Command]:
        """Ask the plugins for their commands, once; what is wrong with one is told, and the rest goes on."""
        found = ctx.meta.get(__name__)
        if found is None:
            group = click.Group(commands={name: click.Command(name) for name in COMMANDS})
            plugins = ctx.ensure_object(App).plugins_for_help()
            known = len(plugins.problems)
            plugins.add_commands(group)
            for problem in plugins.problems[known:]:
                click.echo(f"warning: {problem}", err=True)
            found = {name: each for name, each in group.commands.items() if name not in COMMANDS}
            ctx.meta[__name__] = found
        return cast("dict[str, click.Command]", found)


def _give_up_output() -> None:
    """Let what standard output still holds go nowhere: the interpreter flushes it once more as it ends."""
    with suppress(OSError, ValueError):  # a stream without a file has nothing to give up
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, sys.stdout.fileno())
        finally:
            os.close(null)


def _open_standard_streams() -> None:
    """Put the null device in the place of streams that are closed, so that no other file takes their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for the process's life


def _trace_hooks(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001
    context.ensure_object(App).trace_hooks = value


@click.group(
    "beluga-voice",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="beluga-voice")
@click.option("--traceback", is_flag=True, help="Show where an error was raised.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Log to standard error; json is one object a line.",
)
@click.option(
    "--log-level", type=click.Choice(LEVELS), help="The least that is logged; info with --log-format."
)
@click.option(
    "--trace-hooks",
    is_flag=True,
    is_eager=True,  # a command's name is looked up among those of the plugins before other options are read
    expose_value=False,
    callback=_trace_hooks,
    help="Tell on standard error which hook of which plugin is called, when, and how long it takes.",
)
@takes_settings
@click.pass_context
def main(context: click.Context, traceback: bool, log_format: str | None, log_level: str | None) -> None:
    """Real-time voice sessions between a caller and an AI agent.

    Settings are read from --set, the environment (BELUGA_VOICE_...), .env and beluga.toml, in this order.

    \b
    Examples:
      beluga-voice doctor
      beluga-voice --set tts=espeak config show
      beluga-voice COMMAND --help
    """
    context.ensure_object(App).traceback = traceback
    log_to_stderr(log_format, log_level)


def run_agent(agent: AgentLike, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line with `agent` where a command asks for one; ends the process."""
    app = App()
    app.agent = agent
    main(None if arguments is None else list(arguments), obj=app)
    raise SystemExit(0)
