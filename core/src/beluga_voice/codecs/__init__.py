"""Streaming vendors as pure codecs: what is sent and what an answer means; the connection is the core's."""

from beluga_voice.codecs.codec import Codec, Ready
from beluga_voice.codecs.stt import Acknowledged, STTAnswer, WebSocketSTT
from beluga_voice.codecs.tts import Audio, Done, TTSAnswer, WebSocketTTS
from beluga_voice.connection import ConnectionPolicy, Message, Request

__all__ = [
    "Acknowledged",
    "Audio",
    "Codec",
    "ConnectionPolicy",
    "Done",
    "Message",
    "Ready",
    "Request",
    "STTAnswer",
    "TTSAnswer",
    "WebSocketSTT",
    "WebSocketTTS",
]
