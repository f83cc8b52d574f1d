"""Real-time voice sessions between a caller and an AI agent."""

from beluga_voice._version import __version__

__all__ = ["__version__"]
