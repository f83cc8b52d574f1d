"""Which agent a command runs: the program's own, one named on the command line, or the echo."""

from __future__ import annotations

from importlib import import_module

from beluga_voice.agents import AgentLike
from beluga_voice.cli.app import App
from beluga_voice.contracts import Turn
from beluga_voice.errors import ConfigurationError


def echo(turn: Turn) -> str:
    """Answer with what was heard."""
    return f"You said {turn.text}."


def choose_agent(app: App, name: str | None) -> AgentLike:
    """Return the agent that ``--agent`` names, else the program's own, else the echo.

    Raises:
        ConfigurationError: `name` is not ``module:name``, or names nothing that can be imported.
    """
    if name is None:
        return app.agent or echo
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigurationError(f"an agent is named 'module:name', as in 'shop:agent'; this is {name!r}")
    app.find_modules_here()
    try:
        agent: AgentLike = getattr(import_module(module), attribute)
    except ImportError as error:
        raise ConfigurationError(f"agent {name!r}: {error}. Try: run in the folder of {module}.py") from error
    except AttributeError:
        raise ConfigurationError(f"agent {name!r}: module {module!r} has no {attribute!r}") from None
    return agent
