"""ElevenLabs, simulated."""

from beluga_voice_simulators.elevenlabs.vendor import ElevenLabsSimulator

__all__ = ["ElevenLabsSimulator"]
