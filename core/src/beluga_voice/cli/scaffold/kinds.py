"""What a new plugin has for each contract: a provider that works offline, its settings, and its test.

In the texts ``$Name`` is the plugin's name as classes begin, ``$name`` as providers are called, ``$package`` as
it is imported.
"""

from __future__ import annotations

from dataclasses import dataclass

from beluga_voice.cli.scaffold import dialogue, hearing, speaking


@dataclass(frozen=True, slots=True)
class Kind:
    """What is written for one contract.

    Attributes:
        hook: the registration hook.
        register: the type of its callback.
        module: where the provider stands.
        suffix: ends the provider's class name.
        setting: the fields of its settings.
        provider: its module.
        test: its test.
    """

    hook: str
    register: str
    module: str
    suffix: str
    setting: str
    provider: str
    test: str


KINDS = {
    "stt": Kind("register_stt", "RegisterSTT", "stt", "STT", *hearing.STT),
    "tts": Kind("register_tts", "RegisterTTS", "tts", "TTS", *speaking.TTS),
    "vad": Kind("register_vad", "RegisterVAD", "vad", "VAD", *hearing.VAD),
    "turn_detector": Kind(
        "register_turn_detector",
        "RegisterTurnDetector",
        "turn_detector",
        "TurnDetector",
        *hearing.TURN_DETECTOR,
    ),
    "noise_suppressor": Kind(
        "register_noise_suppressor",
        "RegisterNoiseSuppressor",
        "noise_suppressor",
        "NoiseSuppressor",
        *hearing.NOISE_SUPPRESSOR,
    ),
    "transport": Kind(
        "register_transport", "RegisterTransport", "transport", "Transport", *speaking.TRANSPORT
    ),
    "llm": Kind("register_llm", "RegisterLLM", "llm", "LLM", *dialogue.LLM),
    "agent": Kind("register_agent", "RegisterAgent", "agent", "Agent", *dialogue.AGENT),
    "s2s": Kind("register_s2s", "RegisterS2S", "s2s", "S2S", *speaking.S2S),
    "interruption_classifier": Kind(
        "register_interruption_classifier",
        "RegisterInterruptionClassifier",
        "classifier",
        "Classifier",
        *dialogue.CLASSIFIER,
    ),
    "text_filter": Kind(
        "register_text_filter", "RegisterTextFilter", "text_filter", "TextFilter", *dialogue.TEXT_FILTER
    ),
    "session_store": Kind(
        "register_session_store",
        "RegisterSessionStore",
        "session_store",
        "SessionStore",
        *dialogue.SESSION_STORE,
    ),
}
