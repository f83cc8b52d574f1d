"""The resampler: exact in length, place and splitting; the filter it promises."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from beluga_voice.audio import Resampler
from beluga_voice.errors import ConfigurationError

COMMON_RATES = (8000, 11025, 16000, 22050, 24000, 44100, 48000)
PAIRS = [(source, target) for source in COMMON_RATES for target in COMMON_RATES if source != target]


def resample(samples: NDArray[np.int16], source: int, target: int) -> NDArray[np.int16]:
    resampler = Resampler(source, target)
    return np.concatenate((resampler.process(samples), resampler.flush()))


def tone(frequency: float, rate: int, seconds: float = 0.4, amplitude: float = 16000) -> NDArray[np.int16]:
    phase = 2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate
    return np.rint(amplitude * np.sin(phase)).astype(np.int16)


def level(samples: NDArray[np.int16]) -> float:
    """Root mean square of the middle, away from the stream's ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(float)
    return float(np.sqrt(np.mean(middle**2)))


@given(
    rates=st.sampled_from([*PAIRS, (7, 5), (16001, 16000)]),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_output_does_not_depend_on_how_the_input_is_split(
    rates: tuple[int, int], cuts: list[int], seed: int
) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, 3000).astype(np.int16)
    resampler = Resampler(*rates)
    parts = [resampler.process(part) for part in np.split(samples, sorted(cuts))]
    split = np.concatenate([*parts, resampler.flush()])
    np.testing.assert_array_equal(split, resample(samples, *rates))


@pytest.mark.parametrize(("source", "target"), [(48000, 16000), (22050, 16000)])
def test_a_long_run_in_frames_equals_one_shot(source: int, target: int) -> None:
    samples = np.random.default_rng(3).integers(-20000, 20000, source * 20).astype(np.int16)
    frame = source // 50
    resampler = Resampler(source, target)
    parts = [resampler.process(samples[at : at + frame]) for at in range(0, len(samples), frame)]
    np.testing.assert_array_equal(
        np.concatenate([*parts, resampler.flush()]), resample(samples, source, target)
    )


@given(rates=st.tuples(st.integers(1, 60), st.integers(1, 60)), count=st.integers(0, 500))
@settings(max_examples=100, deadline=None)
def test_a_flushed_stream_has_every_sample_before_the_end_of_the_input(
    rates: tuple[int, int], count: int
) -> None:
    source, target = rates
    assert len(resample(np.ones(count, np.int16), source, target)) == ceil(count * target / source)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_impulse_comes_out_where_it_went_in(source: int, target: int) -> None:
    seconds = 0.04
    samples = np.zeros(source // 10, np.int16)
    at = round(seconds * source)
    samples[at] = 30000
    output = resample(samples, source, target).astype(float)
    centre = np.sum(np.arange(len(output)) * output) / np.sum(output)
    assert centre / target == pytest.approx(at / source, abs=0.02 / min(source, target))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_tone_comes_out_in_phase_with_itself(source: int, target: int) -> None:
    output = resample(tone(1000, source), source, target).astype(float)
    wanted = tone(1000, target).astype(float)
    difference = (output - wanted)[len(wanted) // 4 : -len(wanted) // 4]
    assert np.abs(difference).max() < 16000 * 0.003


def windowed_sinc(samples: NDArray[np.int16], source: int, target: int) -> NDArray[np.float64]:
    """What the module's text promises, written down as it stands there, for the middle of the output."""
    lower = min(source, target)
    times = np.arange(100, 300) / target
    distance = times[:, np.newaxis] - np.arange(len(samples)) / source
    place = distance * lower / 16
    window = np.i0(6.2 * np.sqrt(np.clip(1 - place**2, 0, None))) * (np.abs(place) < 1 - 1e-9)
    weights = window * np.sinc(0.94 * lower * distance)
    return (weights / weights.sum(axis=1, keepdims=True)) @ samples


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_each_sample_is_the_windowed_sinc_around_its_time_rounded(source: int, target: int) -> None:
    samples = np.random.default_rng(7).integers(-15000, 15000, 500 * source // target).astype(np.int16)
    difference = resample(samples, source, target)[100:300] - windowed_sinc(samples, source, target)
    assert np.abs(difference).max() < 0.501


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("value", [1, -1, 1234, 32767, -32768])
def test_a_constant_stays_that_constant(source: int, target: int, value: int) -> None:
    output = resample(np.full(source // 20, value, np.int16), source, target)
    middle = output[len(output) // 3 : -len(output) // 3]
    assert set(middle.tolist()) == {value}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_passband_is_flat_within_half_a_decibel_up_to_085_of_nyquist(source: int, target: int) -> None:
    nyquist = min(source, target) / 2
    for part in (0.05, 0.3, 0.5, 0.7, 0.8, 0.85):
        samples = tone(part * nyquist, source)
        gain = 20 * np.log10(level(resample(samples, source, target)) / level(samples))
        assert abs(gain) < 0.5, f"{gain:.2f} dB at {part} of Nyquist"


@pytest.mark.parametrize(("source", "target"), [pair for pair in PAIRS if pair[0] > pair[1] * 1.08])
def test_what_would_alias_is_rejected_by_60_decibels(source: int, target: int) -> None:
    nyquist = target / 2
    for frequency in np.linspace(1.075 * nyquist, 0.98 * source / 2, 9):
        samples = tone(float(frequency), source, amplitude=30000)
        rejection = 20 * np.log10(max(level(resample(samples, source, target)), 0.01) / level(samples))
        assert rejection < -60, f"{rejection:.1f} dB at {frequency:.0f} Hz"


@pytest.mark.parametrize(("source", "target"), [pair for pair in PAIRS if pair[0] * 1.9 < pair[1]])
def test_images_of_a_tone_are_rejected_by_60_decibels(source: int, target: int) -> None:
    output = resample(tone(0.85 * source / 2, source, seconds=1, amplitude=30000), source, target)
    spectrum = np.abs(np.fft.rfft(output * np.blackman(len(output))))
    frequencies = np.fft.rfftfreq(len(output), 1 / target)
    images = spectrum[frequencies > 1.1 * source / 2].max()
    assert 20 * np.log10(images / spectrum.max()) < -60


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_holds_back_sixteen_periods_of_the_lower_rate_and_no_more(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    assert 16 / min(source, target) <= resampler.delay < 16 / min(source, target) + 1 / source
    output = resampler.process(np.zeros(source // 10, np.int16))
    known = source // 10 - round(resampler.delay * source)
    assert len(output) == ceil(known * target / source)


def test_a_loud_square_wave_saturates_instead_of_wrapping() -> None:
    square = np.where(np.arange(4800) // 60 % 2 == 0, 32767, -32768).astype(np.int16)
    output = resample(square, 48000, 16000)
    expected_sign = np.where(np.arange(1600) // 20 % 2 == 0, 1, -1)
    inside = np.abs(np.arange(1600) % 20 - 10) <= 7
    assert (np.sign(output)[inside] == expected_sign[inside]).all()
    assert output.max() == 32767
    assert output.min() == -32768


def test_equal_rates_pass_the_samples_through() -> None:
    samples = np.arange(320, dtype=np.int16)
    resampler = Resampler(16000, 16000)
    assert resampler.process(samples) is samples
    assert len(resampler.flush()) == 0
    assert resampler.delay == 0


def test_after_flush_a_new_stream_begins() -> None:
    samples = np.random.default_rng(5).integers(-9000, 9000, 777).astype(np.int16)
    resampler = Resampler(22050, 16000)
    first = np.concatenate((resampler.process(samples), resampler.flush()))
    second = np.concatenate((resampler.process(samples), resampler.flush()))
    np.testing.assert_array_equal(first, second)


def test_streams_of_the_same_rates_do_not_disturb_each_other() -> None:
    loud, silent = Resampler(48000, 16000), Resampler(48000, 16000)
    loud.process(np.full(960, 20000, np.int16))
    assert not silent.process(np.zeros(960, np.int16)).any()


def test_an_input_shorter_than_the_filter_gives_its_samples_on_flush() -> None:
    resampler = Resampler(8000, 16000)
    assert len(resampler.process(np.full(3, 1000, np.int16))) == 0
    assert len(resampler.flush()) == 6


@pytest.mark.parametrize("rates", [(0, 16000), (16000, 0), (-8000, 16000)])
def test_refuses_rates_that_are_none(rates: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match=f"resampling from {rates[0]} to {rates[1]} Hz; allowed are"):
        Resampler(*rates)
