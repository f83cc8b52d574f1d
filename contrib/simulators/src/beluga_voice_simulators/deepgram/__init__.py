"""Deepgram, simulated."""

from beluga_voice_simulators.deepgram.vendor import DeepgramSimulator

__all__ = ["DeepgramSimulator"]
