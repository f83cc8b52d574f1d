"""What the detector hears, and what reaches the sink."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.vad import VADStream
from beluga_voice.errors import AudioError, ClosedError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_vad
from beluga_voice_energy.settings import EnergySettings
from beluga_voice_energy.vad import EnergyVAD

Score = tuple[int, int, float]


async def score(
    samples: NDArray[np.int16], sizes: Iterable[int] = (), position: int = 0, **changes: float
) -> list[Score]:
    """Score audio in frames of `sizes`, and the rest in frames of 20 ms."""
    scores: list[Score] = []
    async with EnergyVAD(EnergySettings.model_validate(changes)) as vad:
        stream = vad.open_stream(lambda start, end, probability: scores.append((start, end, probability)))
        steps, at = iter(sizes), 0
        while at < len(samples):
            size = next(steps, 320)
            stream.feed(AudioFrame(samples[at : at + size], 16000, position + at))
            at += size
    return scores


def probabilities(scores: list[Score], start: float = 0, end: float = 1e9) -> NDArray[np.float64]:
    """Return the probabilities of the windows that lie within these seconds."""
    return np.array([p for first, last, p in scores if first >= start * 16000 and last <= end * 16000])


def noise(seconds: float, level: float, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, level, round(seconds * 16000))


def with_bursts(background: NDArray[np.float64], level: float) -> NDArray[np.int16]:
    """Add a tone of 300 Hz from 1.0 s to 1.4 s, and something like syllables from 2.0 s to 3.0 s."""
    sound = background.copy()
    sound[16000:22400] += level * np.sqrt(2) * np.sin(2 * np.pi * 300 * np.arange(6400) / 16000)
    time = np.arange(16000) / 16000
    pulses = sum(np.sin(2 * np.pi * 120 * harmonic * time) / harmonic for harmonic in range(1, 20))
    sound[32000:48000] += level * pulses * (0.65 - 0.35 * np.cos(2 * np.pi * 4 * time))
    return sound.clip(-32768, 32767).astype(np.int16)


async def test_keeps_its_contract() -> None:
    await check_vad(EnergyVAD, speech=AudioFrame(with_bursts(noise(4.0, 50), level=1500), 16000))


async def test_hears_what_is_louder_than_the_background() -> None:
    scores = await score(with_bursts(noise(4.0, 50), level=1500))
    assert probabilities(scores, 1.0, 1.4).min() > 0.9
    assert np.mean(probabilities(scores, 2.0, 3.0) > 0.5) > 0.9
    for start, end in ((0.0, 1.0), (1.42, 2.0), (3.02, 4.0)):
        assert probabilities(scores, start, end).max() < 0.1


async def test_is_deaf_to_what_is_as_loud_as_the_background() -> None:
    scores = await score(with_bursts(noise(4.0, 1500), level=1500))
    assert probabilities(scores).max() < 0.5


@pytest.mark.parametrize("gain", [0.25, 4.0])
async def test_scores_do_not_depend_on_the_level(gain: float) -> None:
    background = noise(4.0, 200)
    plain = await score(with_bursts(background, level=3000))
    scaled = await score(with_bursts(gain * background, level=gain * 3000))
    np.testing.assert_allclose(probabilities(plain), probabilities(scaled), rtol=0, atol=0.02)


@pytest.mark.parametrize("sound", [np.zeros(32000), noise(2.0, 3), noise(2.0, 3000), np.full(32000, 9000.0)])
async def test_silence_noise_and_an_offset_are_no_speech(sound: NDArray[np.float64]) -> None:
    assert probabilities(await score(sound.astype(np.int16))).max() < 0.1


async def test_a_sound_in_digital_silence_is_speech_once_it_is_loud_enough() -> None:
    for level, heard in ((60, False), (600, True)):
        scores = await score(with_bursts(np.zeros(64000), level))
        assert bool(probabilities(scores, 1.0, 1.4).min() > 0.5) is heard


async def test_a_background_that_grows_louder_is_forgotten_as_speech() -> None:
    sound = np.concatenate([noise(2.0, 50), noise(4.0, 1500)]).astype(np.int16)
    scores = await score(sound, floor_memory=1.0)
    assert probabilities(scores, 2.1, 2.9).min() > 0.9
    assert probabilities(scores, 3.3).max() < 0.1


async def test_settings_are_heeded() -> None:
    sound = with_bursts(noise(4.0, 50), level=400)
    louder = probabilities(await score(sound, margin=9.0), 1.0, 1.4).mean()
    assert louder > 0.9
    assert probabilities(await score(sound, margin=24.0), 1.0, 1.4).mean() < 0.1
    assert probabilities(await score(sound, slope=0.1), 1.0, 1.4).mean() < louder
    assert probabilities(await score(sound, quietest=-30.0), 1.0, 1.4).mean() < 0.1
    assert {end - start for start, end, _ in await score(sound, window=0.032)} == {512}


async def test_windows_follow_each_other_from_the_first_frames_position() -> None:
    scores = await score(np.zeros(1600, np.int16), position=77)
    assert [(start, end) for start, end, _ in scores] == [(77 + n, 397 + n) for n in range(0, 1600, 320)]


@given(sizes=st.lists(st.integers(1, 1500), max_size=20))
@settings(max_examples=25, deadline=None)
async def test_scores_are_the_same_however_the_audio_is_cut(sizes: list[int]) -> None:
    sound = with_bursts(noise(4.0, 50), level=1500)[12000:24000]
    assert await score(sound, sizes) == await score(sound)


async def test_a_stream_that_its_sink_closes_delivers_no_more() -> None:
    heard: list[int] = []
    streams: list[VADStream] = []

    def hang_up(start: int, end: int, probability: float) -> None:
        heard.append(end)
        streams[0].close()

    async with EnergyVAD() as vad:
        streams.append(vad.open_stream(hang_up))
        streams[0].feed(AudioFrame(np.zeros(1000, np.int16), 16000))
    assert heard == [320]


async def test_a_sink_that_raises_costs_no_window() -> None:
    heard: list[int] = []

    def fail_once(start: int, end: int, probability: float) -> None:
        heard.append(end)
        if len(heard) == 1:
            raise ZeroDivisionError

    async with EnergyVAD() as vad:
        stream = vad.open_stream(fail_once)
        with pytest.raises(ZeroDivisionError):
            stream.feed(AudioFrame(np.zeros(320, np.int16), 16000))
        stream.feed(AudioFrame(np.zeros(320, np.int16), 16000))
    assert heard == [320, 640]


async def test_works_only_between_open_and_close() -> None:
    frame = AudioFrame(np.zeros(320, np.int16), 16000)
    vad = EnergyVAD()
    with pytest.raises(ClosedError, match="not open"):
        vad.open_stream(print)
    await vad.open()
    first, second = vad.open_stream(print), vad.open_stream(print)
    first.close()
    first.close()
    with pytest.raises(ClosedError, match="closed"):
        first.feed(frame)
    await vad.aclose()
    await vad.aclose()
    with pytest.raises(ClosedError, match="closed"):
        second.feed(frame)
    with pytest.raises(ClosedError, match="not open"):
        vad.open_stream(print)


async def test_frames_at_another_rate_are_refused() -> None:
    async with EnergyVAD() as vad:
        with pytest.raises(AudioError, match="8000 Hz; energy takes 16000 Hz"):
            vad.open_stream(print).feed(AudioFrame(np.zeros(160, np.int16), 8000))


def test_is_found_by_its_name() -> None:
    assert isinstance(Plugins.discover().create("vad", "energy"), EnergyVAD)


def test_importing_the_plugin_imports_nothing_else_of_it() -> None:
    code = "import beluga_voice_energy, sys; print([m for m in sys.modules if 'energy.' in m])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("wrong", [{"window": 0.005}, {"margin": 0}, {"slope": 3}, {"threshold": 0.5}])
def test_settings_have_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        EnergySettings.model_validate(wrong)
