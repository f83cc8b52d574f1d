"""A whole call from a file, with a real session and scripted engines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from beluga_voice import VoiceSession
from beluga_voice.audio.wav import WavWriter
from beluga_voice.testing import AmplitudeVAD, ScriptedSTT, ScriptedTTS, sounds
from beluga_voice_file.settings import FileSettings
from beluga_voice_file.transport import FileTransport


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
async def test_a_question_is_heard_answered_and_recorded(tmp_path: Path, rate: int) -> None:
    question = np.concatenate((sounds.silence(0.5, rate), sounds.speech_like(1.0, rate)))
    path, record = tmp_path / "question.wav", tmp_path / "call.wav"
    writer = WavWriter(path, rate, channels=1)
    writer.write(question[:, np.newaxis])
    writer.close()
    vad, tts = AmplitudeVAD(), ScriptedTTS(sample_rate=rate)
    await vad.open()
    transport = FileTransport(FileSettings(path=path, record=record))
    session = VoiceSession(
        stt=ScriptedSTT(["what time is it"]),
        tts=tts,
        vad=vad,
        agent=lambda turn: f"You asked {turn.text}.",
        transport=transport,
    )
    async with session:
        await session.wait_ended()
    assert [message.text for message in session.history] == ["what time is it", "You asked what time is it."]
    both = np.frombuffer(record.read_bytes()[44:], "<i2").reshape(-1, 2)
    np.testing.assert_array_equal(both[: len(question), 0], question)
    answer = tts.audio_of("You asked what time is it.")
    start = int(np.flatnonzero(both[:, 1])[0])
    place = start - int(np.flatnonzero(answer)[0])
    np.testing.assert_array_equal(both[place : place + len(answer), 1], answer)
    # The question ends at 1.5 s; the turn closes 0.35 s later, and by then the words are there.
    assert 1.85 <= place / rate <= 1.95
    hung_up = asyncio.get_running_loop().time()
    assert hung_up == pytest.approx((place + len(answer)) / rate + 5, abs=0.05)
