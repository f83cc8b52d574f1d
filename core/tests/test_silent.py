"""Providers that hear and say nothing."""

from __future__ import annotations

import asyncio

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.errors import ClosedError
from beluga_voice.session import VoiceSession
from beluga_voice.silent import DeafSTT, MuteTTS


async def test_a_text_conversation_needs_no_voice() -> None:
    session = VoiceSession(stt=DeafSTT(), tts=MuteTTS(), agent=lambda turn: f"You wrote {turn.text}.")
    async with session:
        session.send_text("hello")
        await asyncio.sleep(1)
        session.send_text("bye")
        await asyncio.sleep(1)
    texts = [message.text for message in session.history]
    assert texts == ["hello", "You wrote hello.", "bye", "You wrote bye."]


async def test_closed_streams_are_closed() -> None:
    deaf = await DeafSTT().open_stream()
    waiting = asyncio.create_task(deaf.receive())
    await deaf.send(AudioFrame.silence(0.02, 16000))
    await deaf.aclose()
    await deaf.aclose()
    with pytest.raises(ClosedError):
        await waiting
    with pytest.raises(ClosedError):
        await deaf.send(AudioFrame.silence(0.02, 16000))
    mute = await MuteTTS().open_stream()
    await mute.aclose()
    with pytest.raises(ClosedError):
        await anext(mute.synthesize("hello"))
