from __future__ import annotations

import asyncio
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

import beluga_voice_smart_turn
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TurnContext
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_turn_detector
from beluga_voice_smart_turn.detector import SmartTurnDetector
from beluga_voice_smart_turn.features import log_mel
from beluga_voice_smart_turn.settings import SmartTurnSettings

SHARED = Path(__file__).resolve().parents[4] / "shared"
MODEL = SHARED / "models/smart-turn-v3.2-cpu.onnx"
needs_model = pytest.mark.skipif(not MODEL.is_file(), reason="no Smart Turn model beside the repository")

# The probabilities of the model behind the feature extractor of the transformers library, over all of a recording
# and over its first half.
REFERENCE = [
    ("ps_goforward.wav", 1.0, 0.98652303),
    ("ps_goforward.wav", 0.5, 0.95736814),
    ("ps_tidigits_dhd_2934z.wav", 1.0, 0.98932934),
    ("ps_tidigits_dhd_2934z.wav", 0.5, 0.20124173),
    ("librivox_sense_0880.wav", 0.5, 0.00912952),
    ("ps_cards_001.wav", 0.5, 0.72016746),
]


def recording(name: str) -> NDArray[np.int16]:
    path = SHARED / "audio" / name
    if not path.is_file():
        pytest.skip("no recordings beside the repository")
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def context(samples: NDArray[np.int16]) -> TurnContext:
    return TurnContext("what they said", final=True, audio=AudioFrame(samples, 16000))


def make() -> SmartTurnDetector:
    return SmartTurnDetector(SmartTurnSettings(model=MODEL))


@needs_model
async def test_keeps_the_contract_of_a_turn_detector() -> None:
    await check_turn_detector(make)


@needs_model
@pytest.mark.parametrize(("name", "share", "probability"), REFERENCE)
async def test_judges_as_the_models_own_features_do(name: str, share: float, probability: float) -> None:
    samples = recording(name)
    async with make() as detector:
        found = await detector.predict(context(samples[: int(len(samples) * share)]))
    assert found == pytest.approx(probability, abs=2e-3)


def test_a_tone_is_in_its_band_and_silence_in_none() -> None:
    at = np.arange(128000) / 16000
    mel = log_mel((8000 * np.sin(2 * np.pi * 1000 * at)).astype(np.int16))
    assert mel.shape == (1, 80, 800)
    assert mel.dtype == np.float32
    column = mel[0, :, 400]
    assert 25 <= int(column.argmax()) <= 28, "1,000 Hz is 15 of 45.2 mel, band 26 of 80"
    assert np.ptp(log_mel(np.zeros(16000, np.int16))) == 0


@pytest.mark.parametrize("length", [0, 1, 399, 16000, 127999, 128000, 200000])
def test_only_the_last_eight_seconds_count(length: int) -> None:
    samples = np.random.default_rng(3).integers(-9000, 9000, length, np.int16)
    padded = np.concatenate((np.zeros(max(128000 - length, 0), np.int16), samples))[-128000:]
    np.testing.assert_array_equal(log_mel(samples), log_mel(padded))


@needs_model
async def test_detectors_of_one_file_share_one_session_until_the_last_has_closed() -> None:
    first, second = make(), make()
    await first.open()
    await second.open()
    assert first._model is second._model
    await first.aclose()
    assert 0 <= await second.predict(context(np.zeros(16000, np.int16))) <= 1
    await second.aclose()
    with pytest.raises(ClosedError, match="closed"):
        await second.predict(context(np.zeros(16000, np.int16)))


@needs_model
async def test_a_prediction_that_is_cancelled_while_it_waits_is_never_made() -> None:
    async with make() as detector:
        asked = [asyncio.create_task(detector.predict(context(np.zeros(160, np.int16)))) for _ in range(3)]
        await asyncio.sleep(0)
        asked[2].cancel()
        done = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in done] == [float, float, asyncio.CancelledError]


@needs_model
async def test_without_audio_there_is_no_judgement() -> None:
    async with make() as detector:
        with pytest.raises(ProviderError, match="heard none"):
            await detector.predict(TurnContext("hello", final=True))


async def test_a_model_that_was_not_fetched_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path))
    with pytest.raises(ConfigurationError, match="beluga-voice models fetch smart-turn"):
        await SmartTurnDetector().open()


@needs_model
async def test_the_fetched_model_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path))
    folder = tmp_path / "smart-turn"
    folder.mkdir()
    (folder / MODEL.name).write_bytes(MODEL.read_bytes())
    (folder / "fetched.json").write_text("{}")
    async with SmartTurnDetector() as detector:
        assert 0 <= await detector.predict(context(np.zeros(160, np.int16))) <= 1


async def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="which is no file"):
        await SmartTurnDetector(SmartTurnSettings(model=tmp_path / "none.onnx")).open()


async def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ProviderError, match="is no ONNX model"):
        await SmartTurnDetector(SmartTurnSettings(model=tmp_path / "text.onnx")).open()


async def test_before_open_there_is_no_judgement() -> None:
    with pytest.raises(ClosedError, match="not open"):
        await SmartTurnDetector().predict(context(np.zeros(160, np.int16)))


def test_registers_its_detector_and_its_model() -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_smart_turn, "smart-turn")
    assert isinstance(plugins.create("turn_detector", "smart-turn", SmartTurnSettings()), SmartTurnDetector)
    assert plugins.models["smart-turn"].licence == "BSD-2-Clause"
    assert plugins.problems == ()


def test_importing_it_loads_neither_onnxruntime_nor_pydantic() -> None:
    check = (
        "import sys, beluga_voice_smart_turn as _; assert not {'onnxruntime', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=20)


@pytest.mark.parametrize("wrong", [{"threshold": 0.5}, {"threads": 0}, {"threads": 17}])
def test_unknown_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SmartTurnSettings.model_validate(wrong)
