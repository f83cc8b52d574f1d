"""The asyncio shell around the turn-taking engine."""

from beluga_voice.session.config import SessionConfig
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.session import VoiceSession

__all__ = ["SayHandle", "SessionConfig", "VoiceSession"]
