"""The network computes what its definition says, in batches of any size, and on one thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

import beluga_voice_silero.vad
from beluga_voice_silero.network import CONTEXT_SAMPLES, INPUT_SAMPLES, MAX_BATCH, STATE_SIZE, Network
from beluga_voice_silero.weights import load_weights

if TYPE_CHECKING:
    from conftest import Ears

MODEL = Path(beluga_voice_silero.vad.__file__).parent / "model" / "silero_vad_16k_op15.onnx"


class Definition:
    """Silero as its authors write it, term by term in float64: slow, and without the product's rearrangements."""

    def __init__(self) -> None:
        self.weights = {name: value.astype(float) for name, value in load_weights(MODEL).items()}
        n = np.arange(256)
        periodic_hann = np.sin(np.pi * n / 256) ** 2
        self.basis = np.exp(-2j * np.pi * np.outer(np.arange(129), n) / 256) * periodic_hann
        self.memory = np.zeros(128)
        self.hidden = np.zeros(128)

    def score(self, samples: NDArray[np.int16]) -> float:
        column = self._transform(np.pad(samples / 32768, (0, 64), mode="reflect"))
        for layer, stride in enumerate([1, 2, 2, 1]):
            column = np.maximum(self._convolve(column, layer, stride), 0)
        self._remember(column[:, 0])
        logit = self.weights["model.decoder.decoder.2.weight"][0, :, 0] @ np.maximum(self.hidden, 0)
        return float(self._logistic(logit + self.weights["model.decoder.decoder.2.bias"][0]))

    def _transform(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transform by the sum: 256 samples, a hop of 128."""
        return np.stack(
            [abs(self.basis @ signal[start : start + 256]) for start in range(0, 512, 128)], axis=1
        )

    def _convolve(self, columns: NDArray[np.float64], layer: int, stride: int) -> NDArray[np.float64]:
        kernel = self.weights[f"model.encoder.{layer}.reparam_conv.weight"]
        bias = self.weights[f"model.encoder.{layer}.reparam_conv.bias"]
        padded = np.pad(columns, ((0, 0), (1, 1)))
        starts = range(0, padded.shape[1] - 2, stride)
        return np.stack([np.einsum("oik,ik->o", kernel, padded[:, s : s + 3]) + bias for s in starts], axis=1)

    def _remember(self, values: NDArray[np.float64]) -> None:
        from_input, from_hidden = (
            self.weights[f"model.decoder.rnn.weight_{part}"] @ vector
            + self.weights[f"model.decoder.rnn.bias_{part}"]
            for part, vector in (("ih", values), ("hh", self.hidden))
        )
        i, f, g, o = np.split(from_input + from_hidden, 4)
        self.memory = self._logistic(f) * self.memory + self._logistic(i) * np.tanh(g)
        self.hidden = self._logistic(o) * np.tanh(self.memory)

    def _logistic(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + np.exp(-values))


def inputs(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Cut audio into windows with their contexts: shape ``(windows, INPUT_SAMPLES)``."""
    padded = np.concatenate([np.zeros(CONTEXT_SAMPLES, np.int16), samples])
    starts = range(0, len(padded) - INPUT_SAMPLES + 1, INPUT_SAMPLES - CONTEXT_SAMPLES)
    return np.stack([padded[start : start + INPUT_SAMPLES] for start in starts])


def score_one_by_one(network: Network, windows: NDArray[np.int16]) -> NDArray[np.float64]:
    state = np.zeros(STATE_SIZE, np.float32)
    probabilities = []
    for window in windows:
        network.samples[0], network.states[0] = window, state
        probabilities += network.score(1)
        state = network.states[0].copy()
    return np.array(probabilities)


def test_computes_the_network_as_it_is_defined(network: Network, ears: Ears) -> None:
    sound = np.concatenate([ears.speech(0.8), ears.noise(0.3, 2000), np.zeros(4000, np.int16)])
    definition = Definition()
    expected = [definition.score(window) for window in inputs(sound)]
    assert max(expected) > 0.8
    assert min(expected) < 0.1
    np.testing.assert_allclose(score_one_by_one(network, inputs(sound)), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rows", [2, 4, 5, 11, MAX_BATCH])
def test_scores_a_batch_as_it_scores_each_alone(network: Network, ears: Ears, rows: int) -> None:
    callers = [inputs(ears.speech(0.5, seed=caller)) for caller in range(rows)]
    alone = [score_one_by_one(network, windows) for windows in callers]
    states = np.zeros((rows, STATE_SIZE), np.float32)
    for number in range(len(callers[0])):
        network.samples[:rows] = [windows[number] for windows in callers]
        network.states[:rows] = states
        together = network.score(rows)
        states = network.states[:rows].copy()
        np.testing.assert_allclose(together, [one[number] for one in alone], rtol=0, atol=1e-5)


@pytest.mark.parametrize("value", [-32768, 0, 32767])
def test_survives_the_extremes(network: Network, value: int) -> None:
    windows = np.full((20, INPUT_SAMPLES), value, np.int16)
    windows[1::2] = -1 - windows[1::2]
    probabilities = score_one_by_one(network, windows)
    assert np.all((probabilities >= 0) & (probabilities <= 1))


@pytest.mark.parametrize("rows", [1, 3, 5, MAX_BATCH])
def test_keeps_to_the_callers_thread(network: Network, rows: int) -> None:
    started = time.thread_time()
    while time.thread_time() - started < 0.1:  # threads that other products woke up go to sleep meanwhile
        network.score(rows)
    process, thread = time.process_time(), time.thread_time()
    for _ in range(200):
        network.score(rows)
    process, thread = time.process_time() - process, time.thread_time() - thread
    assert process < 1.25 * thread, f"{process:.4f} s in all threads, {thread:.4f} s in this one"
