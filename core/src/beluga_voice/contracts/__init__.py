"""What a provider must do: the contracts, without an implementation."""

from beluga_voice.contracts.agent import Agent, Turn
from beluga_voice.contracts.classifier import InterruptionClassifier
from beluga_voice.contracts.noise_suppressor import NoiseSuppressor, NoiseSuppressorStream
from beluga_voice.contracts.provider import Provider
from beluga_voice.contracts.stt import STT, Listens, STTStream, Transcript
from beluga_voice.contracts.transport import Receiver, Transport
from beluga_voice.contracts.tts import TTS, Speech, TTSStream
from beluga_voice.contracts.turn_detector import TurnContext, TurnDetector
from beluga_voice.contracts.vad import VAD, ScoreSink, VADStream
from beluga_voice.words import Interruption, Word

__all__ = [
    "STT",
    "TTS",
    "VAD",
    "Agent",
    "Interruption",
    "InterruptionClassifier",
    "Listens",
    "NoiseSuppressor",
    "NoiseSuppressorStream",
    "Provider",
    "Receiver",
    "STTStream",
    "ScoreSink",
    "Speech",
    "TTSStream",
    "Transcript",
    "Transport",
    "Turn",
    "TurnContext",
    "TurnDetector",
    "VADStream",
    "Word",
]
