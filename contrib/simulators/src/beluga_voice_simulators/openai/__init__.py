"""OpenAI, simulated: models, chat, responses, speech, transcriptions, realtime."""

from beluga_voice_simulators.openai.simulator import OpenAISimulator

__all__ = ["OpenAISimulator"]
