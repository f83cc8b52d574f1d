from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import numpy as np
import pytest
import webrtcvad
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

import beluga_voice_webrtcvad
from beluga_voice.audio import AudioFrame
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_vad
from beluga_voice_webrtcvad.settings import WebRTCVADSettings
from beluga_voice_webrtcvad.vad import WebRTCVAD

Score = tuple[int, int, float]


async def score(
    samples: NDArray[np.int16], sizes: Iterable[int] = (), position: int = 0, **changes: float
) -> list[Score]:
    scores: list[Score] = []
    async with WebRTCVAD(WebRTCVADSettings.model_validate(changes)) as vad:
        stream = vad.open_stream(lambda *each: scores.append(each))
        steps, at = iter(sizes), 0
        while at < len(samples):
            size = next(steps, 320)
            stream.feed(AudioFrame(samples[at : at + size], 16000, position + at))
            at += size
    return scores


def sounds(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    """Something like a voice in its second half, faint noise before."""
    time = np.arange(round(seconds * 16000)) / 16000
    pulses = sum(np.sin(2 * np.pi * 120 * harmonic * time) / harmonic for harmonic in range(1, 30))
    voice = 3000 * pulses * (time > seconds / 2)
    noise = np.random.default_rng(seed).normal(0, 5, len(time))
    return np.asarray(voice + noise).astype(np.int16)


async def test_keeps_the_contract_of_a_vad() -> None:
    await check_vad(WebRTCVAD, speech=AudioFrame(sounds(4.0), 16000))


@pytest.mark.parametrize("window", [0.01, 0.02, 0.03])
@pytest.mark.parametrize("mode", [0, 3])
async def test_scores_are_what_the_detector_says_of_each_window(window: float, mode: int) -> None:
    samples, size = sounds(2.0), round(window * 16000)
    detector = webrtcvad.Vad(mode)
    expected = [
        (at, at + size, float(detector.is_speech(samples[at : at + size].tobytes(), 16000)))
        for at in range(0, len(samples) - size + 1, size)
    ]
    assert await score(samples, mode=mode, window=window) == expected
    assert {0.0, 1.0} == {probability for _, _, probability in expected}


@settings(max_examples=30)
@given(st.lists(st.integers(1, 1500), max_size=20), st.integers(0, 10**9))
async def test_how_the_audio_is_cut_into_frames_does_not_matter(sizes: list[int], position: int) -> None:
    samples = sounds(0.6)
    whole = await score(samples, [len(samples)])
    assert await score(samples, sizes, position) == [(a + position, b + position, p) for a, b, p in whole]


async def test_a_sink_may_close_its_stream() -> None:
    scores: list[Score] = []
    async with WebRTCVAD() as vad:

        def sink(*each: float) -> None:
            scores.append(each)  # type: ignore[arg-type]
            stream.close()

        stream = vad.open_stream(sink)
        stream.feed(AudioFrame(sounds(1.0), 16000))
        assert len(scores) == 1
        with pytest.raises(ClosedError):
            stream.feed(AudioFrame(sounds(1.0), 16000))


async def test_another_rate_is_refused() -> None:
    async with WebRTCVAD() as vad:
        with pytest.raises(AudioError, match="a frame at 8000 Hz"):
            vad.open_stream(lambda *_: None).feed(AudioFrame(sounds(0.1), 8000))


@pytest.mark.parametrize("wrong", [{"mode": 4}, {"window": 0.04}, {"threshold": 0.5}])
def test_settings_that_the_detector_does_not_know_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WebRTCVADSettings.model_validate(wrong)


def test_registers_its_detector() -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_webrtcvad, "webrtcvad")
    assert isinstance(plugins.create("vad", "webrtcvad", WebRTCVADSettings()), WebRTCVAD)
    assert plugins.problems == ()


def test_importing_it_loads_neither_the_detector_nor_pydantic() -> None:
    check = "import sys, beluga_voice_webrtcvad as _; assert not {'webrtcvad', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=20)
