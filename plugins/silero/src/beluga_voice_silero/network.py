"""Silero's network for 16 kHz as matrix products in numpy.

    576 samples -> 4 spectra of 129 bins -> 4 convolutions: 128, 64, 64, 128 -> LSTM 128 -> probability

The vendor's graph, with what numpy does better: the short-time Fourier transform, in the graph a
convolution with a 256 point Hann-windowed basis, is an FFT; each convolution is a product with its taps
side by side; the second to fourth see so few columns that their padding's taps drop out; the LSTM is one
product, with the biases as one more row. All buffers exist once and are used for every batch.

Every product is cut into blocks of at most 2**18 multiplications. Up to that size OpenBLAS, numpy's usual
BLAS, stays on the caller's thread (``SMP_THRESHOLD_MIN * GEMM_MULTITHREAD_THRESHOLD`` of its
interface/gemm.c); beyond it spins up threads on all cores, which for matrices this small costs more than it
brings and takes the cores from everybody else. For the same reason no product has a single row: that would
be a matrix by a vector, with a threshold of its own. Blocks this small stay in the caches, too: they are
faster than whole matrices on one thread.

Between the products the time goes into numpy's calls. Where possible their operands have the same shape and no
gaps, biases and constants included: numpy then runs one loop over all, in half to a quarter of the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from beluga_voice_silero.weights import Tensor

WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
INPUT_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES
STATE_SIZE = 256
"""Floats that a stream carries from window to window: 128 of the LSTM's cell, 128 of its output."""

MAX_BATCH = 16
"""Windows of one batch. A window's cost no longer falls beyond 16, and the blocks are cut for it."""

_FFT, _HOP, _BINS, _COLUMNS = 256, 128, 129, 4
_TAPS = 3 * _BINS + 1  # three columns side by side, and a one for the bias
_UNITS = 128
_BLOCK = 32
"""Columns of a block: the widest that keeps every product of `MAX_BATCH` rows below the threshold."""


class Network:
    """Scores batches of windows. Not thread-safe: all calls share its buffers.

    Attributes:
        samples: int16, shape ``(MAX_BATCH, INPUT_SAMPLES)``: row by row, the context and the window to score.
        states: float32, shape ``(MAX_BATCH, STATE_SIZE)``: row by row, the state before the window and,
            once `score` has returned, the state after it. Zeros at a stream's start.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self._layers = _Layers.of(weights)
        buffers = _Buffers()
        self._views = [_Views(buffers, self._layers, rows) for rows in range(1, MAX_BATCH + 1)]
        self.samples = buffers.pcm[:, :INPUT_SAMPLES]
        self.states = buffers.cell[:, :STATE_SIZE]

    def score(self, rows: int) -> list[float]:
        """Return the probabilities of speech in the first windows of `samples`, and renew their `states`.

        Args:
            rows: how many windows, 1 to `MAX_BATCH`.
        """
        views = self._views[rows - 1]
        self._transform(views)
        self._encode(views)
        self._remember(views)
        np.matmul(views.positive, self._layers.output, out=views.logits)
        bias = self._layers.output_bias
        return [1 / (1 + math.exp(-logit - bias)) for logit in views.logits[:rows].tolist()]

    def _transform(self, views: _Views) -> None:
        """Write the magnitudes of the four spectra into the columns that the first convolution multiplies."""
        np.copyto(views.tail, views.mirrored)
        np.multiply(views.frames, self._layers.hann, out=views.windowed)
        np.fft.rfft(views.windowed, out=views.spectra)  # type: ignore[arg-type]  # the stubs know only complex128
        np.abs(views.spectra, out=views.magnitudes)
        np.copyto(views.as_next, views.all_but_first)
        np.copyto(views.as_previous, views.all_but_last)

    def _encode(self, views: _Views) -> None:
        layers = self._layers
        np.matmul(views.columns, layers.conv1, out=views.conv1_blocks)
        np.maximum(views.conv1, views.conv1_zeros, out=views.conv1)
        np.matmul(views.conv1_start, layers.conv2_start, out=views.conv2_start_blocks)
        np.matmul(views.conv1_end, layers.conv2, out=views.conv2_end_blocks)
        np.add(views.conv2, views.conv2_bias, out=views.conv2)
        np.maximum(views.conv2, views.zeros, out=views.conv2)
        np.matmul(views.conv2, layers.conv3, out=views.conv3)
        np.add(views.conv3, views.conv3_bias, out=views.conv3)
        np.maximum(views.conv3, views.conv3_zeros, out=views.conv3)
        np.matmul(views.conv3, layers.conv4, out=views.conv4)
        np.add(views.conv4, views.conv4_bias, out=views.conv4)
        np.maximum(views.conv4, views.zeros, out=views.encoded)

    def _remember(self, views: _Views) -> None:
        """Step the LSTM.

        Its gates i, f, o are logistic functions, ``(1 + tanh(x / 2)) / 2``, with the halving of x in the weights.
        """
        np.matmul(views.cell_input, self._layers.lstm, out=views.gate_blocks)
        np.tanh(views.gates, out=views.gates)
        np.add(views.logistic_gates, views.ones, out=views.logistic_gates)
        np.multiply(views.logistic_gates, views.halves, out=views.logistic_gates)
        np.multiply(views.forget_gate, views.memory, out=views.memory)
        np.multiply(views.input_gate, views.new_gate, out=views.new_gate)
        np.add(views.memory, views.new_gate, out=views.memory)
        np.tanh(views.memory, out=views.positive)
        np.multiply(views.output_gate, views.positive, out=views.hidden)
        np.maximum(views.hidden, views.zeros, out=views.positive)


@dataclass(frozen=True, slots=True)
class _Layers:
    """The weights in the order and the blocks in which they are multiplied; biases for `MAX_BATCH` rows."""

    hann: Tensor
    conv1: Tensor
    conv2_start: Tensor
    conv2: Tensor
    conv2_bias: Tensor
    conv3: Tensor
    conv3_bias: Tensor
    conv4: Tensor
    conv4_bias: Tensor
    lstm: Tensor
    output: Tensor
    output_bias: float

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> _Layers:
        conv1 = np.vstack([_taps(weights, 0, 0, 1, 2), weights["model.encoder.0.reparam_conv.bias"]])
        conv2_bias = weights["model.encoder.1.reparam_conv.bias"]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
        return cls(
            hann=(hann / 32768).astype(np.float32),
            conv1=_blocks(conv1),
            conv2_start=_blocks(_taps(weights, 1, 1, 2)),
            conv2=_blocks(_taps(weights, 1, 0, 1, 2)),
            conv2_bias=np.tile(conv2_bias, (MAX_BATCH, 2)),
            conv3=_taps(weights, 2, 1, 2),
            conv3_bias=np.tile(weights["model.encoder.2.reparam_conv.bias"], (MAX_BATCH, 1)),
            conv4=_taps(weights, 3, 1),
            conv4_bias=np.tile(weights["model.encoder.3.reparam_conv.bias"], (MAX_BATCH, 1)),
            lstm=np.stack([_blocks(gate) for gate in _gates(weights)]),
            output=weights["model.decoder.decoder.2.weight"].reshape(_UNITS),
            output_bias=float(weights["model.decoder.decoder.2.bias"][0]),
        )


def _taps(weights: Mapping[str, Tensor], layer: int, *taps: int) -> Tensor:
    """Return a convolution's weights for columns that lie side by side, one column for each of `taps`."""
    kernel = weights[f"model.encoder.{layer}.reparam_conv.weight"]
    return np.ascontiguousarray(np.vstack([kernel[:, :, tap].T for tap in taps]))


def _gates(weights: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the LSTM's weights for ``[hidden, input, 1]``, the gates i, f, g, o reordered to i, f, o, g."""
    rnn = "model.decoder.rnn."
    bias = weights[rnn + "bias_ih"] + weights[rnn + "bias_hh"]
    stacked = np.vstack([weights[rnn + "weight_hh"].T, weights[rnn + "weight_ih"].T, bias])
    i, f, g, o = np.split(stacked, 4, axis=1)
    return [i / 2, f / 2, o / 2, g]


def _blocks(matrix: Tensor) -> Tensor:
    """Cut a matrix of shape ``(k, n)`` by columns into blocks: ``(n // _BLOCK, k, _BLOCK)``."""
    return np.ascontiguousarray(_block_view(matrix))


def _block_view(matrices: Tensor) -> Tensor:
    """View ``(..., m, n)`` as what a product with `_blocks` gives: ``(..., n // _BLOCK, m, _BLOCK)``."""
    return matrices.reshape(*matrices.shape[:-1], -1, _BLOCK).swapaxes(-3, -2)


class _Buffers:
    """The memory of one batch, for `MAX_BATCH` windows."""

    def __init__(self) -> None:
        rows = MAX_BATCH
        self.pcm = np.zeros((rows, INPUT_SAMPLES + CONTEXT_SAMPLES), np.int16)
        self.windowed = np.zeros((rows, _COLUMNS, _FFT), np.float32)
        self.spectra = np.zeros((rows, _COLUMNS, _BINS), np.complex64)
        self.columns = np.zeros((rows, _COLUMNS, _TAPS), np.float32)
        self.columns[..., -1] = 1
        self.conv1 = np.zeros((rows, _COLUMNS * _UNITS), np.float32)
        self.conv2 = np.zeros((rows, _UNITS), np.float32)
        self.conv3 = np.zeros((rows, _UNITS // 2), np.float32)
        self.conv4 = np.zeros((rows, _UNITS), np.float32)
        self.cell = np.zeros((rows, 3 * _UNITS + 1), np.float32)  # memory, hidden, input, 1
        self.cell[:, -1] = 1
        self.gates = np.zeros(4 * rows * _UNITS, np.float32)
        self.zeros = np.zeros(4 * rows * _UNITS, np.float32)
        self.halves = np.full(3 * rows * _UNITS, 0.5, np.float32)
        self.ones = np.ones(3 * rows * _UNITS, np.float32)
        self.positive = np.zeros((rows, _UNITS), np.float32)
        self.logits = np.zeros(rows, np.float32)


class _Views:
    """The buffers' first rows under the names by which a batch of that size uses them."""

    def __init__(self, buffers: _Buffers, layers: _Layers, rows: int) -> None:
        self._transformed(buffers, rows)
        rows = max(rows, 2)
        self._encoded(buffers, layers, rows)
        self._remembered(buffers, rows)

    def _transformed(self, buffers: _Buffers, rows: int) -> None:
        pcm = buffers.pcm[:rows]
        self.tail = pcm[:, INPUT_SAMPLES:]
        self.mirrored = pcm[:, INPUT_SAMPLES - 2 : INPUT_SAMPLES - 2 - CONTEXT_SAMPLES : -1]
        self.frames = sliding_window_view(pcm, _FFT, axis=1)[:, ::_HOP]
        self.windowed = buffers.windowed[:rows]
        self.spectra = buffers.spectra[:rows]
        taps = buffers.columns[:rows, :, :-1].reshape(rows, _COLUMNS, 3, _BINS)
        self.magnitudes = taps[:, :, 1]
        self.as_next, self.all_but_first = taps[:, :-1, 2], taps[:, 1:, 1]
        self.as_previous, self.all_but_last = taps[:, 1:, 0], taps[:, :-1, 1]
        groups = 1 if rows <= MAX_BATCH // _COLUMNS else _COLUMNS
        columns = buffers.columns[:rows].reshape(groups, -1, _TAPS)
        self.columns = columns[:, np.newaxis]
        self.conv1_blocks = _block_view(buffers.conv1[:rows].reshape(groups, -1, _UNITS))

    def _encoded(self, buffers: _Buffers, layers: _Layers, rows: int) -> None:
        self.conv1 = buffers.conv1[:rows]
        self.conv1_zeros = buffers.zeros[: self.conv1.size].reshape(self.conv1.shape)
        self.conv1_start = self.conv1[:, : 2 * _UNITS]
        self.conv1_end = self.conv1[:, _UNITS:]
        self.conv2, self.conv2_bias = buffers.conv2[:rows], layers.conv2_bias[:rows]
        self.conv2_start_blocks, self.conv2_end_blocks = np.split(_block_view(self.conv2), 2)
        self.conv3, self.conv3_bias = buffers.conv3[:rows], layers.conv3_bias[:rows]
        self.conv3_zeros = buffers.zeros[: self.conv3.size].reshape(self.conv3.shape)
        self.conv4, self.conv4_bias = buffers.conv4[:rows], layers.conv4_bias[:rows]
        self.zeros = buffers.zeros[: self.conv4.size].reshape(self.conv4.shape)

    def _remembered(self, buffers: _Buffers, rows: int) -> None:
        cell = buffers.cell[:rows]
        self.memory, self.hidden, self.encoded = np.split(cell[:, :-1], 3, axis=1)
        self.cell_input = cell[:, _UNITS:]
        self.gates = buffers.gates[: 4 * rows * _UNITS].reshape(4, rows, _UNITS)
        self.gate_blocks = _block_view(self.gates)
        self.logistic_gates = self.gates[:3]
        self.input_gate, self.forget_gate, self.output_gate, self.new_gate = self.gates
        self.ones = buffers.ones[: 3 * rows * _UNITS].reshape(3, rows, _UNITS)
        self.halves = buffers.halves[: 3 * rows * _UNITS].reshape(3, rows, _UNITS)
        self.positive = buffers.positive[:rows]
        self.logits = buffers.logits[:rows]
