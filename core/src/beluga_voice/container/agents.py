"""What the agents of a call bring: language models by name, and sources of tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from beluga_voice.agent.definition import Agent
from beluga_voice.agents import AgentLike
from beluga_voice.container.opened import Opened
from beluga_voice.contracts import LLM, TTS, Provider
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
    for each in _reachable(agent):
        for source in each.tool_sources:
            await opened.ensure(source)
        if not isinstance(each.llm, LLM):
            own = settings.for_agent({("llm",): each.llm} if each.llm else {}, each.name)
            model = choose(own.llm)
            if model is not None:
                await opened.ensure(model)
                llms[each.llm or ""] = cast("LLM", model)
    return llms


async def open_voices(
    agent: AgentLike, settings: Settings, opened: Opened, choose: Callable[[Selection], Provider | None]
) -> Mapping[str, TTS]:
    """Open the synthesisers that agents name whom a call may reach; by these names, arguments as `open_agent`.

    Raises:
        ConfigurationError, PluginError, ProviderError: one cannot be made or opened.
    """
    voices: dict[str, TTS] = {}
    for each in _reachable(agent):
        if each.tts_name:
            voice = choose(settings.for_agent({("tts",): each.tts_name}, each.name).tts)
            if voice is not None:
                await opened.ensure(voice)
                voices[each.tts_name] = cast("TTS", voice)
    return voices


def _reachable(agent: AgentLike) -> Iterable[Agent[Any]]:
    return agent.reachable() if isinstance(agent, Agent) else ()
