"""Who thinks in a session over a speech-to-speech model: the model itself (built-in reasoning), or the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from beluga_voice.agents import AgentLike
from beluga_voice.contracts import LLM, S2S, VAD
from beluga_voice.errors import ConfigurationError
from beluga_voice.session.s2s.model import Model

if TYPE_CHECKING:
    from beluga_voice.agent import Agent


def choose(s2s: S2S, agent: AgentLike | None, reasoning: str, vad: VAD | None) -> tuple[Model, AgentLike]:
    """Return the model as the session uses it, and the agent: one without instructions where there is none.

    Args:
        s2s: the model.
        agent: of the session.
        reasoning: `SessionConfig.reasoning`.
        vad: of the session.

    Raises:
        ConfigurationError: model, agent and reasoning do not fit.
    """
    from beluga_voice.agent import Agent  # not needed by sessions without a model, and it loads pydantic

    answers = reasoning == "built-in" or (
        reasoning == "auto" and (agent is None or (isinstance(agent, Agent) and agent.llm is None))
    )
    if not s2s.detects_turns and vad is None:
        raise ConfigurationError("the model finds no turns itself, so that a session over it needs a vad")
    if not answers:
        if agent is None:
            raise ConfigurationError("external reasoning needs an agent, which answers; give one")
        _check_external(s2s)
        return Model(s2s, answers=False), agent
    if agent is None:
        agent = Agent("")
    if not isinstance(agent, Agent):
        raise ConfigurationError(
            f"an agent of type {type(agent).__name__}; built-in reasoning takes instructions and tools from a "
            "beluga_voice.Agent. Try: external reasoning"
        )
    _check_built_in(s2s, agent)
    return Model(s2s, answers=True), agent


def models_of(model: Model, agent: AgentLike, llms: Mapping[str, LLM]) -> Mapping[str, LLM]:
    """The language models of a session's agents, by what they call them: the model itself, where it thinks."""
    if not model.answers:
        return llms
    reachable = getattr(agent, "reachable", tuple)
    names = {each.llm for each in reachable() if isinstance(each.llm, str)}
    return dict.fromkeys(("", *names), model.llm)


def _check_external(s2s: S2S) -> None:
    lacks = {
        "transcribes": not s2s.transcribes,
        "says": not s2s.says,
        "responds_by_itself": s2s.responds_by_itself,
    }
    for name, wrong in lacks.items():
        if wrong:
            raise ConfigurationError(
                f"external reasoning needs a model that gives the caller's words, speaks the agent's, and does not "
                f"answer by itself; of this one {name} is {getattr(s2s, name)}. Try: built-in reasoning"
            )


def _check_built_in(s2s: S2S, agent: Agent[object]) -> None:
    for each in agent.reachable():
        if isinstance(each.llm, LLM):
            raise ConfigurationError(
                f"agent {each.name!r} has a language model of its own, and built-in reasoning is the model's. "
                "Try: external reasoning, or an agent without llm"
            )
        if not s2s.calls_tools and (each.tools or each.handoffs or each.tool_sources):
            raise ConfigurationError(f"agent {each.name!r} has tools, and the model calls none")
