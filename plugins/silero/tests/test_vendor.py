"""Equal to the vendor's own graph, run by onnxruntime, within 1e-4."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

import beluga_voice_silero.vad
from beluga_voice.audio import Resampler

if TYPE_CHECKING:
    from conftest import Ears

onnxruntime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed: the dependency group test of plugins/silero has it"
)

MODEL = Path(beluga_voice_silero.vad.__file__).parent / "model" / "silero_vad_16k_op15.onnx"
RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "audio"
FILES = sorted(RECORDINGS.glob("*.wav"))


def recording(path: Path) -> NDArray[np.int16]:
    """Read the first channel, at 16 kHz."""
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")[::channels]
    if rate == 16000:
        return samples
    resampler = Resampler(rate, 16000)
    return np.concatenate([resampler.process(samples), resampler.flush()])


def vendor(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Score audio as the vendor's own wrapper does: 512 samples behind the 64 before them, state carried on."""
    session = onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    signal = np.concatenate([np.zeros(64, np.float32), samples.astype(np.float32) / 32768])
    state, rate, scores = np.zeros((2, 1, 128), np.float32), np.array(16000, np.int64), []
    for start in range(0, len(signal) - 575, 512):
        window = signal[np.newaxis, start : start + 576]
        score, state = session.run(None, {"input": window, "state": state, "sr": rate})
        scores.append(score[0, 0])
    return np.array(scores)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_scores_recordings_as_the_vendor_does(path: Path, ears: Ears) -> None:
    samples = recording(path)
    expected = vendor(samples)
    assert max(expected) > 0.9
    scores = await ears.score(samples)
    np.testing.assert_allclose(scores.probabilities, expected, rtol=0, atol=1e-4)


@pytest.mark.skipif(bool(FILES), reason="the recordings are there")
def test_recordings() -> None:
    pytest.skip(f"no recordings in {RECORDINGS}")


async def test_scores_synthesised_sound_as_the_vendor_does(ears: Ears) -> None:
    samples = np.concatenate([ears.speech(3.0), ears.noise(1.0, 3000), np.zeros(8000, np.int16)])
    scores = await ears.score(samples)
    np.testing.assert_allclose(scores.probabilities, vendor(samples), rtol=0, atol=1e-4)
