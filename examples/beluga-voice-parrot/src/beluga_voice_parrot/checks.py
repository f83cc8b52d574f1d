"""How recognizer and voice are checked: with the vendor in memory."""

from __future__ import annotations

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.testing import MemoryServer, check_stt, check_tts
from beluga_voice_parrot import squawk
from beluga_voice_parrot.stt import ParrotSTT
from beluga_voice_parrot.tts import ParrotTTS
from beluga_voice_parrot.vendor import RATE, ParrotVendor

WORDS = "pieces of eight"


def make_stt() -> ParrotSTT:
    """Make a recognizer whose vendor is in memory."""
    stt = ParrotSTT()
    stt.connector = MemoryServer(ParrotVendor().serve)
    return stt


def make_tts() -> ParrotTTS:
    """Make a voice whose vendor is in memory."""
    tts = ParrotTTS()
    tts.connector = MemoryServer(ParrotVendor().serve)
    return tts


def speech(text: str) -> AudioFrame:
    """Return a text as parrots speak it."""
    return AudioFrame(np.concatenate([squawk.speak(word, RATE) for word in squawk.plain(text)]), RATE)


async def check_recognizer() -> None:
    """Hold the recognizer to its contract."""
    await check_stt(make_stt, speech=speech(WORDS), words=WORDS)


async def check_voice() -> None:
    """Hold the voice to its contract."""
    await check_tts(make_tts, text="the quick brown fox jumps over the lazy dog")
