"""Providers that fail: several as one, breakers, and what has to be said or heard again."""

from beluga_voice.resilience.breaker import Breaker, BreakerState
from beluga_voice.resilience.fallback import Fallback
from beluga_voice.resilience.llm import FallbackLLM
from beluga_voice.resilience.notices import Switched
from beluga_voice.resilience.order import FallbackPolicy, Order
from beluga_voice.resilience.stt import FallbackSTT
from beluga_voice.resilience.tts import FallbackTTS

__all__ = [
    "Breaker",
    "BreakerState",
    "Fallback",
    "FallbackLLM",
    "FallbackPolicy",
    "FallbackSTT",
    "FallbackTTS",
    "Order",
    "Switched",
]
