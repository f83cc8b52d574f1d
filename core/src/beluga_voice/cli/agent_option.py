"""Which agent a command runs: the program's own, one named on the command line, or the echo."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import cast

from beluga_voice.agents import AgentLike, as_agent
from beluga_voice.cli.app import App
from beluga_voice.contracts import Turn
from beluga_voice.errors import ConfigurationError


def echo(turn: Turn) -> str:
    """Answer with what was heard."""
    return f"You said {turn.text}."


def choose_agent(app: App, name: str | None) -> AgentLike:
    """Return the agent that ``--agent`` names, else the program's own, else the echo.

    Raises:
        ConfigurationError: `name` is not ``module:name``, names nothing that can be imported, or no agent.
    """
    if name is None:
        return app.agent or echo
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise ConfigurationError(f"an agent is named 'module:name', as in 'shop:agent'; this is {name!r}")
    app.find_modules_here()
    imported = _import(module, name)
    where = getattr(imported, "__file__", None) or "built in"
    try:
        return as_agent(cast("AgentLike", attrgetter(attribute)(imported)))
    except AttributeError:
        raise ConfigurationError(
            f"agent {name!r}: module {module!r} ({where}) has no {attribute!r}"
        ) from None
    except ConfigurationError as error:
        raise ConfigurationError(f"agent {name!r} is {error}") from None


def _import(module: str, name: str) -> ModuleType:
    """Import the agent's module; whatever it raises is told in a sentence.

    Raises:
        ConfigurationError: it cannot be imported.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module == missing or module.startswith(f"{missing}."):
            remedy = f"run in the folder of {module.partition('.')[0]}.py"
        else:
            remedy = f"install what has {missing!r}, which {module} imports"
        raise ConfigurationError(f"agent {name!r}: {error}. Try: {remedy}") from error
    except (Exception, SystemExit) as error:
        text = f"agent {name!r}: importing {module} raised {type(error).__name__}: {error}"
        raise ConfigurationError(f"{text}. Try: beluga-voice --traceback ..., which shows where") from error
