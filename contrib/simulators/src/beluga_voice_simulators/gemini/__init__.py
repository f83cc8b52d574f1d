"""Gemini, simulated: content generation and the Live API."""

from beluga_voice_simulators.gemini.simulator import GeminiSimulator

__all__ = ["GeminiSimulator"]
