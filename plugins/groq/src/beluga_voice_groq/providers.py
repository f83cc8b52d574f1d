"""Groq's providers: OpenAI's, at another address."""

from __future__ import annotations

from beluga_voice_groq.settings import GroqLLMSettings, GroqSTTSettings, GroqTTSSettings
from beluga_voice_openai.account import Vendor
from beluga_voice_openai.llm import OpenAILLM
from beluga_voice_openai.stt import OpenAISTT
from beluga_voice_openai.tts import OpenAITTS

# GROQ_BASE_URL is without the path, as Groq's own SDK reads it.
GROQ = Vendor("Groq", "groq", "https://api.groq.com/openai/v1", "GROQ", path="/openai/v1")


class GroqLLM(OpenAILLM):
    """A language model at Groq."""

    interface = GROQ

    def __init__(self, settings: GroqLLMSettings | None = None) -> None:
        super().__init__(settings or GroqLLMSettings())


class GroqSTT(OpenAISTT):
    """Whisper at Groq."""

    interface = GROQ
    p99_delay = 0.0  # not measured

    def __init__(self, settings: GroqSTTSettings | None = None) -> None:
        super().__init__(settings or GroqSTTSettings())


class GroqTTS(OpenAITTS):
    """A voice at Groq."""

    interface = GROQ

    def __init__(self, settings: GroqTTSSettings | None = None) -> None:
        super().__init__(settings or GroqTTSSettings())
