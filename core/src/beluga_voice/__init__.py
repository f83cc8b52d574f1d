"""Real-time voice sessions between a caller and an AI agent."""

from beluga_voice._version import __version__
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Turn
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import (
    AudioError,
    BelugaVoiceError,
    ClosedError,
    ConfigurationError,
    ContractError,
    ErrorCode,
    PluginError,
    ProviderError,
    SessionError,
)
from beluga_voice.events import SessionState, WhileCallerSpeaks
from beluga_voice.running import run
from beluga_voice.session import SayHandle, SessionConfig, VoiceSession
from beluga_voice.turns import TurnPolicy

__all__ = [
    "AudioError",
    "AudioFrame",
    "BelugaVoiceError",
    "ClosedError",
    "ConfigurationError",
    "ContractError",
    "ErrorCode",
    "Message",
    "PluginError",
    "ProviderError",
    "Role",
    "SayHandle",
    "SessionConfig",
    "SessionError",
    "SessionState",
    "Turn",
    "TurnPolicy",
    "VoiceSession",
    "WhileCallerSpeaks",
    "__version__",
    "run",
]
