"""Anthropic, simulated: the Messages API."""

from beluga_voice_simulators.anthropic.simulator import AnthropicSimulator

__all__ = ["AnthropicSimulator"]
