"""The recognizer keeps its contract, and holds a conversation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice import AudioFrame, Message, Role, VoiceSession
from beluga_voice.testing import LoopbackTransport, ScriptedTTS, check_stt, sounds
from beluga_voice_keypad.settings import KeypadSettings
from beluga_voice_keypad.stt import KeypadSTT
from beluga_voice_keypad.tones import HIGH, LOW, NAMES, KeyFinder

RATE = 16000


def press(keys: str, *, seconds: float = 0.08, gap: float = 0.06) -> NDArray[np.int16]:
    """Sound the keys, each with a gap after it."""
    parts = []
    for name in keys.split():
        row, column = divmod(NAMES.index(name), 3)
        time = np.arange(round(seconds * RATE)) / RATE
        both = np.sin(2 * np.pi * LOW[row] * time) + np.sin(2 * np.pi * HIGH[column] * time)
        parts += [(6000 * both).astype(np.int16), sounds.silence(gap, RATE)]
    return np.concatenate(parts)


async def test_keeps_the_contract_of_a_recognizer() -> None:
    await check_stt(
        KeypadSTT, speech=AudioFrame(press("one two three four"), RATE), words="one two three four"
    )


@pytest.mark.parametrize("name", NAMES)
def test_hears_every_key(name: str) -> None:
    assert [key.name for key in KeyFinder(RATE, 0.8).find(press(name))] == [name]


def test_hears_a_key_that_is_pressed_twice_as_two() -> None:
    assert [key.name for key in KeyFinder(RATE, 0.8).find(press("five five"))] == ["five", "five"]


def test_hears_no_key_in_noise_speech_or_one_tone() -> None:
    for sound in (sounds.noise(2), sounds.speech_like(2), sounds.tone(2, frequency=697), sounds.silence(2)):
        assert list(KeyFinder(RATE, 0.8).find(sound)) == []


def test_refuses_settings_out_of_bounds() -> None:
    with pytest.raises(ValueError, match="pause"):
        KeypadSettings(pause=0)


async def test_keys_are_a_turn_of_the_caller() -> None:
    line = LoopbackTransport()
    session = VoiceSession(
        stt=KeypadSTT(), tts=ScriptedTTS(), agent=lambda turn: f"You pressed {turn.text}.", transport=line
    )
    async with session:
        await line.play(press("four two pound"))
        await line.silence(4)
    assert session.history == (
        Message(Role.CALLER, "four two pound", turn=1),
        Message(Role.AGENT, "You pressed four two pound.", turn=1),
    )
