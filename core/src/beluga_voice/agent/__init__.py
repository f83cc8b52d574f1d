"""The agent: instructions, tools, the tool loop, handoff, over any language model."""

from beluga_voice.agent.call import Call
from beluga_voice.agent.context import AgentContext, StreamingState
from beluga_voice.agent.definition import Agent
from beluga_voice.agent.functions import FunctionTool
from beluga_voice.agent.instance import AgentInstance
from beluga_voice.agent.states import AgentState, AgentStates

__all__ = [
    "Agent",
    "AgentContext",
    "AgentInstance",
    "AgentState",
    "AgentStates",
    "Call",
    "FunctionTool",
    "StreamingState",
]
