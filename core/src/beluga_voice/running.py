"""`run(agent)`: an agent's own command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from beluga_voice.agents import AgentLike


def run(agent: AgentLike, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `agent` as a program: the ``beluga-voice`` command line, with this agent in place of ``--agent``.

    Providers come from the environment, ``.env`` or ``beluga.toml``. Without arguments it shows what it can do.

    Args:
        agent: a function of the turn, an async generator function, or an `Agent`.
        arguments: of the command line; those of the process by default.

    Raises:
        SystemExit: when done, with the command's status.
    """
    from beluga_voice.cli import run_agent

    run_agent(agent, arguments)
