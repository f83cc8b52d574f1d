"""What Smart Turn hears: the log-mel spectrogram of Whisper over eight seconds, in numpy.

    128,000 samples -> zero mean, unit variance -> 801 power spectra of 400 samples, every 160
        -> 80 mel bands, without the last column -> log10, at most 8 below the highest, (x + 4) / 4

The definition is that of OpenAI's whisper (``audio.py``, ``log_mel_spectrogram``) with the mel bands of Slaney's
Auditory Toolbox (1998), and the model's own padding: shorter audio has zeros before it, longer loses its beginning.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SAMPLE_RATE = 16000
SECONDS = 8
BANDS = 80
COLUMNS = SECONDS * 100

_SAMPLES = SECONDS * SAMPLE_RATE
_FFT, _HOP = 400, 160


def log_mel(audio: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the spectrogram of the last eight seconds of `audio`.

    Args:
        audio: int16 mono at 16 kHz, shape ``(n,)``, of any length.

    Returns:
        float32, shape ``(1, BANDS, COLUMNS)``, as the model's input.
    """
    power = np.square(np.abs(np.fft.rfft(_frames(_normalised(audio)) * _HANN)))
    mel = np.log10(np.maximum(power @ _MEL, 1e-10)).T
    scaled: NDArray[np.float32] = (np.maximum(mel, mel.max() - 8) + np.float32(4)) / np.float32(4)
    return np.ascontiguousarray(scaled[np.newaxis], np.float32)


def _normalised(audio: NDArray[np.int16]) -> NDArray[np.float32]:
    latest = audio[-_SAMPLES:]
    samples = np.zeros(_SAMPLES, np.float32)
    if len(latest):
        samples[-len(latest) :] = latest
        samples /= 32768
    samples -= samples.mean()
    samples /= np.sqrt(samples.var() + 1e-7)
    return samples


def _frames(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut the windows around every 160th sample, mirrored at both ends; without the last."""
    mirrored = np.pad(samples, _FFT // 2, mode="reflect")
    return sliding_window_view(mirrored, _FFT)[::_HOP][:COLUMNS]


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear up to 1 kHz, 200/3 Hz each; above, 27 steps for each factor of 6.4."""
    above = 15 + np.log(np.maximum(hertz, 1000) / 1000) * (27 / np.log(6.4))
    return np.where(hertz < 1000, hertz * 3 / 200, above)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * (np.log(6.4) / 27)))


def _bands() -> NDArray[np.float32]:
    """Triangles of equal area over the bins of the transform, shape ``(bins, BANDS)``."""
    top = float(_mel(np.array([SAMPLE_RATE / 2]))[0])
    edges = _hertz(np.linspace(0, top, BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1)[:, np.newaxis]
    width = np.diff(edges)
    rising = (bins - edges[:-2]) / width[:-1]
    falling = (edges[2:] - bins) / width[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * 2 / (edges[2:] - edges[:-2]), np.float32)


_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)
_MEL = _bands()
