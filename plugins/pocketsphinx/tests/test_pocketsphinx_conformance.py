"""The contract, checked with a recording and with synthesised speech."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.testing import check_stt
from beluga_voice_pocketsphinx.stt import PocketSphinxSTT

Say = Callable[[str], list[AudioFrame]]
Make = Callable[..., PocketSphinxSTT]


def joined(frames: list[AudioFrame]) -> AudioFrame:
    return AudioFrame(np.concatenate([frame.samples for frame in frames]), 16000)


async def synthesised(text: str) -> AudioFrame:
    espeak = pytest.importorskip("beluga_voice_espeak.tts", reason="speech is synthesised by that plugin")
    parts = []
    async with espeak.EspeakTTS() as tts:
        stream = await tts.open_stream()
        resampler = Resampler(tts.sample_rate, 16000)
        parts = [resampler.process(part.frame.samples) async for part in stream.synthesize(text)]
        await stream.aclose()
    edge = np.zeros(4800, np.int16)
    return AudioFrame(np.concatenate([edge, *parts, resampler.flush(), edge]), 16000)


async def test_keeps_the_contract_on_a_recording(make: Make, say: Say) -> None:
    await check_stt(make, speech=joined(say("lk_hello_world.wav")), words="hello world")


async def test_keeps_the_contract_on_synthesised_speech(make: Make) -> None:
    await check_stt(make, speech=await synthesised("hello world"), words="hello world")
