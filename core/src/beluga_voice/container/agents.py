"""What the agents of a call bring: language models by name, and sources of tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from beluga_voice.agent.definition import Agent
from beluga_voice.agents import AgentLike
from beluga_voice.container.opened import Opened
from beluga_voice.contracts import LLM, Provider
from beluga_voice.settings import Selection, Settings


def settings_for(agent: AgentLike | None, settings: Settings) -> Settings:
    """Return `settings` with what `agent` chooses for itself."""
    return settings.for_agent(agent.choices, agent.name) if isinstance(agent, Agent) else settings


async def open_agent(
    agent: AgentLike, settings: Settings, opened: Opened, choose: Callable[[Selection], Provider | None]
) -> Mapping[str, LLM]:
    """Open the language models and the sources of tools of all agents that a call may reach.

    Args:
        agent: the one that the call starts with.
        settings: of the call.
        opened: opens each once, and closes it in the end.
        choose: returns the provider of a choice; None if it is turned off.

    Returns:
        The models by what the agents call them; ``""`` for an agent that names none.

    Raises:
        ConfigurationError, PluginError, ProviderError: one cannot be made or opened.
    """
    llms: dict[str, LLM] = {}
    for each in agent.reachable() if isinstance(agent, Agent) else ():
        for source in each.tool_sources:
            await opened.ensure(source)
        if not isinstance(each.llm, LLM):
            own = settings.for_agent({("llm",): each.llm} if each.llm else {}, each.name)
            model = choose(own.llm)
            if model is not None:
                await opened.ensure(model)
                llms[each.llm or ""] = cast("LLM", model)
    return llms
