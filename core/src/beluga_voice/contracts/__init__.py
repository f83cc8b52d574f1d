"""What a provider must do: the contracts, without an implementation."""

from beluga_voice.contracts.agent import Agent, CallControl, Spoken, Turn
from beluga_voice.contracts.classifier import InterruptionClassifier
from beluga_voice.contracts.llm import (
    LLM,
    AssistantMessage,
    CallerMessage,
    Finished,
    FinishReason,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    ToolChoice,
    ToolMessage,
    ToolSpec,
    Usage,
)
from beluga_voice.contracts.noise_suppressor import NoiseSuppressor, NoiseSuppressorStream
from beluga_voice.contracts.provider import Provider
from beluga_voice.contracts.s2s import S2S, S2SSetup, S2SStream
from beluga_voice.contracts.server import (
    ASGI,
    Answer,
    Calls,
    Connection,
    Joined,
    Limits,
    Offer,
    Routes,
)
from beluga_voice.contracts.session_store import SessionSnapshot, SessionStore
from beluga_voice.contracts.stt import STT, Listens, STTStream, Transcript
from beluga_voice.contracts.text_filter import TextFilter, TextFilterStream
from beluga_voice.contracts.tools import Tool, ToolSource
from beluga_voice.contracts.transport import Receiver, Transport
from beluga_voice.contracts.tts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.turn_detector import TurnContext, TurnDetector
from beluga_voice.contracts.vad import VAD, ScoreSink, VADStream
from beluga_voice.conversation import ToolCall, ToolResult
from beluga_voice.events import ToolOutcome
from beluga_voice.words import Interruption, Word

__all__ = [
    "ASGI",
    "LLM",
    "S2S",
    "STT",
    "TTS",
    "VAD",
    "Agent",
    "Answer",
    "AssistantMessage",
    "CallControl",
    "CallerMessage",
    "Calls",
    "Connection",
    "FinishReason",
    "Finished",
    "Interruption",
    "InterruptionClassifier",
    "Joined",
    "Limits",
    "Listens",
    "NoiseSuppressor",
    "NoiseSuppressorStream",
    "Offer",
    "Provider",
    "Receiver",
    "Routes",
    "S2SSetup",
    "S2SStream",
    "STTStream",
    "ScoreSink",
    "SessionSnapshot",
    "SessionStore",
    "Speech",
    "SpeechOptions",
    "Spoken",
    "SystemMessage",
    "TTSStream",
    "TextDelta",
    "TextFilter",
    "TextFilterStream",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "ToolMessage",
    "ToolOutcome",
    "ToolResult",
    "ToolSource",
    "ToolSpec",
    "Transcript",
    "Transport",
    "Turn",
    "TurnContext",
    "TurnDetector",
    "Usage",
    "VADStream",
    "Word",
]
