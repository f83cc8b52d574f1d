"""The composition root: providers and sessions from settings and plugins."""

from beluga_voice.container.facade import VoiceContainer
from beluga_voice.container.sessions import Opening, Sessions

__all__ = ["Opening", "Sessions", "VoiceContainer"]
