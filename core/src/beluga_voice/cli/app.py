"""What all commands share: the settings and plugins that the command line asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from beluga_voice.plugins import MODULES_VARIABLE, HookCall, Plugins
from beluga_voice.plugins.discovery import from_environment

if TYPE_CHECKING:
    from beluga_voice.agents import AgentLike
    from beluga_voice.settings import Settings

F = TypeVar("F", bound=Callable[..., object])


class App:
    """The object of click's context. Settings and plugins are read when they are first asked for.

    Attributes:
        config: the file named by ``--config``.
        modules: those named by ``--plugin``.
        overrides: the ``key=value`` of each ``--set``.
        trace_hooks: whether each call of a plugin's hook is told on standard error.
        traceback: whether errors are shown with their traceback.
        agent: the agent of the program that runs the command line, by `beluga_voice.run`.
    """

    def __init__(self) -> None:
        self.config: Path | None = None
        self.modules: list[str] = []
        self.overrides: list[str] = []
        self.trace_hooks = False
        self.traceback = False
        self.agent: AgentLike | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings, the command line's own on top.

        Raises:
            ConfigurationError: as `Settings`.
        """
        from beluga_voice.settings import Settings

        return self.settings_for(self.agent, Settings(config=self.config, overrides=self.overrides))

    def settings_for(self, agent: AgentLike | None, settings: Settings | None = None) -> Settings:
        """The settings, or `settings`, with what an agent chooses for itself."""
        from beluga_voice.container.agents import settings_for

        return settings_for(agent, self.settings if settings is None else settings)

    @cached_property
    def plugins(self) -> Plugins:
        """The plugins that are installed, and those that the settings and the command line name.

        What is wrong with one that was named is told: whoever names it wants it.
        """
        found = self.discover()
        named = {*self.settings.plugins, *self.modules}
        for problem in found.problems:
            if problem.plugin.name in named:
                click.echo(f"warning: {problem}", err=True)
        return found

    def discover(self) -> Plugins:
        """Find the plugins, and say nothing of those that have a problem."""
        self.find_modules_here()
        settings = self.settings
        return Plugins.discover(
            modules=[*settings.plugins, *self.modules], disabled=settings.disabled_plugins, trace=self.trace
        )

    def plugins_for_help(self) -> Plugins:
        """Return the plugins that environment and command line tell of, without the time that settings take."""
        self.find_modules_here()
        modules = [*from_environment(MODULES_VARIABLE), *self.modules]
        return Plugins.discover(modules=modules, trace=self.trace)

    @property
    def trace(self) -> Callable[[HookCall], None] | None:
        """What is told of each call of a hook; None for nothing."""
        return _show_call if self.trace_hooks else None

    def find_modules_here(self) -> None:
        """Let modules be imported from the folder that the command runs in, after all that is installed."""
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.append(here)


def _show_call(call: HookCall) -> None:
    click.echo(f"hook {call}", err=True)


def takes_settings(command: F) -> F:
    """Add the options that change settings; they are also taken before the command's name."""
    options = (
        click.option(
            "--set",
            multiple=True,
            metavar="KEY=VALUE",
            expose_value=False,
            callback=_override,
            help="Set one setting, as in stt.workers=2; may be repeated, and stands over all other sources.",
        ),
        click.option(
            "--plugin",
            multiple=True,
            metavar="MODULE",
            is_eager=True,  # --help, which is eager too, lists the commands of plugins named before it
            expose_value=False,
            callback=_plugin,
            help="Load a plugin that is not packaged yet; may be repeated.",
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            expose_value=False,
            callback=_config,
            help="Read this file instead of beluga.toml.",
        ),
    )
    for option in options:
        command = option(command)
    return command


def _override(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:  # noqa: ARG001
    context.ensure_object(App).overrides.extend(value)


def _plugin(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:  # noqa: ARG001
    context.ensure_object(App).modules.extend(value)


def _config(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:  # noqa: ARG001
    if value is not None:
        context.ensure_object(App).config = value
