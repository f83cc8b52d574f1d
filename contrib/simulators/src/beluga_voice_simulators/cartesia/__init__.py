"""Cartesia, simulated."""

from beluga_voice_simulators.cartesia.vendor import CartesiaSimulator

__all__ = ["CartesiaSimulator"]
