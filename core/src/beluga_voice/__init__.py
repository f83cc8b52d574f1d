"""Real-time voice sessions between a caller and an AI agent.

Names are imported when they are first used, so that a program pays only for what it takes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from beluga_voice._version import __version__

if TYPE_CHECKING:
    from beluga_voice.agent import Agent, Call
    from beluga_voice.audio import AudioFrame
    from beluga_voice.container import Sessions, VoiceContainer
    from beluga_voice.contracts import Answer, Offer, Turn
    from beluga_voice.conversation import Message, Role
    from beluga_voice.errors import (
        AgentStateError,
        AudioError,
        BelugaVoiceError,
        ClosedError,
        ConfigurationError,
        ContractError,
        ErrorCode,
        PluginError,
        ProviderError,
        RefusedError,
        SessionError,
        ToolError,
    )
    from beluga_voice.events import SessionState, WhileCallerSpeaks
    from beluga_voice.running import run
    from beluga_voice.session import SayHandle, SessionConfig, VoiceSession
    from beluga_voice.turns import TurnPolicy
    from beluga_voice.usage import Prices, SessionUsage

_HOMES = {
    "agent": ("Agent", "Call"),
    "audio": ("AudioFrame",),
    "container": ("Sessions", "VoiceContainer"),
    "contracts": ("Answer", "Offer", "Turn"),
    "conversation": ("Message", "Role"),
    "errors": (
        "AgentStateError",
        "AudioError",
        "BelugaVoiceError",
        "ClosedError",
        "ConfigurationError",
        "ContractError",
        "ErrorCode",
        "PluginError",
        "ProviderError",
        "RefusedError",
        "SessionError",
        "ToolError",
    ),
    "events": ("SessionState", "WhileCallerSpeaks"),
    "running": ("run",),
    "session": ("SayHandle", "SessionConfig", "VoiceSession"),
    "turns": ("TurnPolicy",),
    "usage": ("Prices", "SessionUsage"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Agent",
    "AgentStateError",
    "Answer",
    "AudioError",
    "AudioFrame",
    "BelugaVoiceError",
    "Call",
    "ClosedError",
    "ConfigurationError",
    "ContractError",
    "ErrorCode",
    "Message",
    "Offer",
    "PluginError",
    "Prices",
    "ProviderError",
    "RefusedError",
    "Role",
    "SayHandle",
    "SessionConfig",
    "SessionError",
    "SessionState",
    "SessionUsage",
    "Sessions",
    "ToolError",
    "Turn",
    "TurnPolicy",
    "VoiceContainer",
    "VoiceSession",
    "WhileCallerSpeaks",
    "__version__",
    "run",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module 'beluga_voice' has no attribute {name!r}")
    value: object = getattr(import_module(f"beluga_voice.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what can be imported."""
    return sorted({*globals(), *__all__})
