"""The vendors there are, by their names on the command line."""

from __future__ import annotations

from importlib import import_module

from beluga_voice.errors import ConfigurationError
from beluga_voice_simulators.server import Simulator

VENDORS = {
    "gemini": "beluga_voice_simulators.gemini:GeminiSimulator",
    "anthropic": "beluga_voice_simulators.anthropic:AnthropicSimulator",
    "cartesia": "beluga_voice_simulators.cartesia:CartesiaSimulator",
    "deepgram": "beluga_voice_simulators.deepgram:DeepgramSimulator",
    "elevenlabs": "beluga_voice_simulators.elevenlabs:ElevenLabsSimulator",
    "openai": "beluga_voice_simulators.openai:OpenAISimulator",
}
"""Where the simulator of each vendor is; loaded when it is asked for."""


def simulator_of(vendor: str) -> type[Simulator]:
    """Return the simulator of a vendor.

    Raises:
        ConfigurationError: there is none.
    """
    if vendor not in VENDORS:
        raise ConfigurationError(f"no vendor {vendor!r} is simulated; there are {', '.join(sorted(VENDORS))}")
    module, _, name = VENDORS[vendor].partition(":")
    found: type[Simulator] = getattr(import_module(module), name)
    return found
