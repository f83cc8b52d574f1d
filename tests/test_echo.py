"""The agent's own voice comes back, and the session takes it for nobody's; a caller over it is heard."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

import beluga_voice.events as ev
from beluga_voice import VoiceSession
from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import Receiver, Transport
from beluga_voice.testing import ScriptedSTT
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakTTS
from beluga_voice_silero.vad import SileroVAD
from beluga_voice_webrtc_audio.settings import WebRTCAudioSettings
from beluga_voice_webrtc_audio.suppressor import WebRTCNoiseSuppressor

RATE = 16000
FRAME = 320
DELAY = 0.08
"""Seconds from the wire through loudspeaker, room and microphone back to the wire."""

TEXT = (
    "Thank you for calling. Our opening hours are from nine in the morning until six in the evening, and on "
    "Saturdays until two. Parcels that were ordered before noon leave on the same day, and "
    "most of them arrive on the next. "
)


class Room(Transport):
    """A loudspeaker and a microphone in one room: what is played comes back, and a caller speaks into it."""

    input_sample_rate = RATE
    output_sample_rate = 24000

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._to_microphone = Resampler(24000, RATE)
        self._echo = np.zeros(0, np.int16)
        self._starts = 0.0
        self._receiver: Receiver | None = None
        self.caller = np.zeros(0, np.int16)

    async def open(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send_nowait(self, frame: AudioFrame) -> None:
        if not len(self._echo):
            self._starts = asyncio.get_running_loop().time() + DELAY
        gap = round((asyncio.get_running_loop().time() + DELAY - self._starts) * RATE) - len(self._echo)
        if gap > 20:  # more than the resampler holds back
            silence = np.zeros(gap - len(rest := self._to_microphone.flush()), np.int16)
            self._echo = np.concatenate((self._echo, rest, silence))
        self._echo = np.concatenate((self._echo, self._to_microphone.process(frame.samples)))

    async def live(self, seconds: float) -> None:
        """Let time pass, and the microphone hear."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for _ in range(round(seconds / 0.02)):
            due += 0.02
            await asyncio.sleep(due - loop.time())
            assert self._receiver is not None
            self._receiver.process_audio(AudioFrame(self._hear(due), RATE))

    def _hear(self, now: float) -> NDArray[np.int16]:
        mixed = np.zeros(FRAME)
        since = round((self._starts - (now - 0.02)) * RATE)  # samples of this frame before the echo begins
        if len(self._echo) and since < FRAME:
            at = max(0, since)
            part, self._echo = self._echo[: FRAME - at], self._echo[FRAME - at :]
            mixed[at : at + len(part)] = part * self._gain
            self._starts = now
        said, self.caller = self.caller[:FRAME], self.caller[FRAME:]
        mixed[: len(said)] += said
        return np.rint(mixed).clip(-32768, 32767).astype(np.int16)

    async def aclose(self) -> None:
        self._receiver = None


async def spoken(tts: EspeakTTS, text: str) -> NDArray[np.int16]:
    """What a synthesiser says, at the microphone's rate."""
    stream = await tts.open_stream()
    parts = [each.frame.samples async for each in stream.synthesize(text)]
    await stream.aclose()
    return Resampler(tts.sample_rate, RATE).process(np.concatenate(parts))


async def converse(seconds: float, *, echo: bool, says: str = "", at: float = 0.0) -> list[ev.Event]:
    """The agent talks all the time, and its voice comes back 6 dB quieter; the caller says something at a time."""
    room, events = Room(gain=10 ** (-6 / 20)), []
    tts, caller = EspeakTTS(), EspeakTTS(EspeakSettings(voice="en+f3"))
    suppressor = WebRTCNoiseSuppressor(WebRTCAudioSettings(echo=echo))
    stt = ScriptedSTT(["please wait, I have a question"] * 500)
    async with tts, caller, SileroVAD() as vad, suppressor:
        session = VoiceSession(stt=stt, tts=tts, vad=vad, noise_suppressor=suppressor, transport=room)
        session.on_event(events.append)
        async with session:
            for _ in range(round(seconds / 10)):
                session.say(TEXT)
            await room.live(at)
            if says:
                room.caller = await spoken(caller, says)
            await room.live(seconds - at)
    return events


def kinds(events: list[ev.Event]) -> Counter[str]:
    return Counter(type(event).__name__ for event in events)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_ten_minutes_of_the_agents_own_voice_are_no_turn() -> None:
    events = await converse(600, echo=True)
    counted = kinds(events)
    assert counted["PlayoutStarted"] >= 30
    assert not counted["TurnClosed"]
    assert not counted["BargeIn"]
    assert not counted["SpeechStarted"], "not even for a moment"


async def test_without_echo_cancellation_the_agent_interrupts_itself() -> None:
    assert kinds(await converse(30, echo=False))["TurnClosed"] >= 1


async def test_a_caller_over_the_echo_is_heard_and_barges_in() -> None:
    events = await converse(
        40, echo=True, says="please wait a moment, I have a question about my order", at=20
    )
    counted = kinds(events)
    assert counted["BargeIn"] == 1
    assert next(event.at for event in events if isinstance(event, ev.BargeIn)) > 20
