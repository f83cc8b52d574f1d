"""Streaming vendors as pure codecs: what is sent and what an answer means; the connection is the core's."""

from beluga_voice.codecs.codec import Codec, Ready, Reply
from beluga_voice.codecs.s2s import S2SAnswer, WebSocketS2S
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
    "Reply",
    "Request",
    "S2SAnswer",
    "STTAnswer",
    "TTSAnswer",
    "WebSocketS2S",
    "WebSocketSTT",
    "WebSocketTTS",
]
