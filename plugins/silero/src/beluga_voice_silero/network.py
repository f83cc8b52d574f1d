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
_ZERO, _HALF, _ONE = (np.array(value, np.float32) for value in (0, 0.5, 1))  # cheaper than Python's numbers


class Network:
    """Scores batches of windows. Not thread-safe: all calls share its buffers.

    Attributes:
        samples: int16, shape ``(MAX_BATCH, INPUT_SAMPLES)``: row by row, the context and the window to score.
        states: float32, shape ``(MAX_BATCH, STATE_SIZE)``: row by row, the state before the window and,
            once `score` has returned, the state after it. Zeros at a stream's start.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self._layers = _Layers.of(weights)
        self._buffers = _Buffers()
        self._views = [self._buffers.first(rows) for rows in range(1, MAX_BATCH + 1)]
        self.samples = self._buffers.pcm[:, :INPUT_SAMPLES]
        self.states = self._buffers.cell[:, :STATE_SIZE]

    def score(self, rows: int) -> list[float]:
        """Return the probability of speech in the first `rows` windows of `samples`, and renew their
        `states`.

        Args:
            rows: 1 to `MAX_BATCH`.
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
        np.maximum(views.conv1, _ZERO, out=views.conv1)
        np.matmul(views.conv1_start, layers.conv2_start, out=views.conv2_start_blocks)
        np.matmul(views.conv1_end, layers.conv2, out=views.conv2_end_blocks)
        _add_and_rectify(views.conv2, layers.conv2_bias)
        np.matmul(views.conv2, layers.conv3, out=views.conv3)
        _add_and_rectify(views.conv3, layers.conv3_bias)
        np.matmul(views.conv3, layers.conv4, out=views.conv4)
        _add_and_rectify(views.conv4, layers.conv4_bias)

    def _remember(self, views: _Views) -> None:
        """Step the LSTM: gates i, f, o by the logistic function, which is ``(1 + tanh(x / 2)) / 2``, and g
        by tanh.

        The halving of x is in the weights.
        """
        np.matmul(views.cell_input, self._layers.lstm, out=views.gate_blocks)
        np.tanh(views.gates, out=views.gates)
        np.add(views.logistic_gates, _ONE, out=views.logistic_gates)
        np.multiply(views.logistic_gates, _HALF, out=views.logistic_gates)
        np.multiply(views.forget_gate, views.memory, out=views.memory)
        np.multiply(views.input_gate, views.new_gate, out=views.new_gate)
        np.add(views.memory, views.new_gate, out=views.memory)
        np.tanh(views.memory, out=views.positive)
        np.multiply(views.output_gate, views.positive, out=views.hidden)
        np.maximum(views.hidden, _ZERO, out=views.positive)


def _add_and_rectify(values: Tensor, bias: Tensor) -> None:
    np.add(values, bias, out=values)
    np.maximum(values, _ZERO, out=values)


@dataclass(frozen=True, slots=True)
class _Layers:
    """The weights in the order and the blocks in which they are multiplied."""

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
            conv1=_blocks(conv1, 32),
            conv2_start=_blocks(_taps(weights, 1, 1, 2), 32),
            conv2=_blocks(_taps(weights, 1, 0, 1, 2), 32),
            conv2_bias=np.concatenate([conv2_bias, conv2_bias]),
            conv3=_taps(weights, 2, 1, 2),
            conv3_bias=weights["model.encoder.2.reparam_conv.bias"],
            conv4=_taps(weights, 3, 1),
            conv4_bias=weights["model.encoder.3.reparam_conv.bias"],
            lstm=_blocks(_lstm(weights), 32),
            output=weights["model.decoder.decoder.2.weight"].reshape(_UNITS),
            output_bias=float(weights["model.decoder.decoder.2.bias"][0]),
        )


def _taps(weights: Mapping[str, Tensor], layer: int, *taps: int) -> Tensor:
    """Return a convolution's weights for columns that lie side by side, one column for each of `taps`."""
    kernel = weights[f"model.encoder.{layer}.reparam_conv.weight"]
    return np.ascontiguousarray(np.vstack([kernel[:, :, tap].T for tap in taps]))


def _lstm(weights: Mapping[str, Tensor]) -> Tensor:
    """Return the LSTM's weights for ``[hidden, input, 1]``, the gates i, f, g, o reordered to i, f, o, g."""
    rnn = "model.decoder.rnn."
    bias = weights[rnn + "bias_ih"] + weights[rnn + "bias_hh"]
    stacked = np.vstack([weights[rnn + "weight_hh"].T, weights[rnn + "weight_ih"].T, bias])
    i, f, g, o = np.split(stacked, 4, axis=1)
    return np.hstack([i / 2, f / 2, o / 2, g])


def _blocks(matrix: Tensor, width: int) -> Tensor:
    """Cut a matrix of shape ``(k, n)`` by columns into an array of shape ``(n // width, k, width)``."""
    return np.ascontiguousarray(matrix.reshape(len(matrix), -1, width).transpose(1, 0, 2))


def _block_view(matrix: Tensor, width: int) -> Tensor:
    """Return the view of ``(m, n)`` that takes a product with `_blocks`: ``(n // width, m, width)``."""
    return matrix.reshape(len(matrix), -1, width).transpose(1, 0, 2)


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
        self.cell = np.zeros((rows, 3 * _UNITS + 1), np.float32)  # memory, hidden, input, 1
        self.cell[:, -1] = 1
        self.gates = np.zeros((rows, 4 * _UNITS), np.float32)
        self.positive = np.zeros((rows, _UNITS), np.float32)
        self.logits = np.zeros(rows, np.float32)

    def first(self, rows: int) -> _Views:
        return _Views(self, rows)


class _Views:
    """The buffers' first rows under the names by which a batch of that size uses them."""

    def __init__(self, buffers: _Buffers, rows: int) -> None:
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
        blocks = buffers.conv1[:rows].reshape(groups, columns.shape[1], -1, 32)
        self.conv1_blocks = blocks.transpose(0, 2, 1, 3)
        self._encoded(buffers, max(rows, 2))

    def _encoded(self, buffers: _Buffers, rows: int) -> None:
        self.conv1 = buffers.conv1[:rows]
        self.conv1_start = self.conv1[:, : 2 * _UNITS]
        self.conv1_end = self.conv1[:, _UNITS:]
        self.conv2 = buffers.conv2[:rows]
        blocks = _block_view(self.conv2, 32)
        self.conv2_start_blocks, self.conv2_end_blocks = blocks[:2], blocks[2:]
        self.conv3 = buffers.conv3[:rows]
        cell = buffers.cell[:rows]
        self.memory, self.hidden, self.conv4 = np.split(cell[:, :-1], 3, axis=1)
        self.cell_input = cell[:, _UNITS:]
        self.gates = buffers.gates[:rows]
        self.gate_blocks = _block_view(self.gates, 32)
        self.logistic_gates = self.gates[:, : 3 * _UNITS]
        self.input_gate, self.forget_gate, self.output_gate, self.new_gate = np.split(self.gates, 4, axis=1)
        self.positive = buffers.positive[:rows]
        self.logits = buffers.logits[:rows]
