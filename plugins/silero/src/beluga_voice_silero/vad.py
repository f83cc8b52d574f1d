"""Silero as a provider."""

from __future__ import annotations

import asyncio
from pathlib import Path

from beluga_voice.contracts.vad import VAD, ScoreSink
from beluga_voice.errors import ClosedError
from beluga_voice_silero.network import Network
from beluga_voice_silero.settings import SileroSettings
from beluga_voice_silero.stream import SAMPLE_RATE, Batch, SileroStream
from beluga_voice_silero.weights import load_weights

_MODEL = Path(__file__).parent / "model" / "silero_vad_16k_op15.onnx"


class SileroVAD(VAD):
    """Silero v6: the probability of speech in each 32 ms.

    One network serves all streams. Windows that fill up within one iteration of the loop are scored
    together at its end, or as soon as there are 16 of them, on the loop's own thread; 16 take about 0.2 ms.
    Scores do not depend on how the audio was cut into frames, nor, but for the rounding of float32, on the
    other streams.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: SileroSettings | None = None) -> None:
        self._path = (settings or SileroSettings()).model or _MODEL
        self._batch: Batch | None = None
        self._streams: set[SileroStream] = set()

    async def open(self) -> None:
        """Read the weights, 1.3 MB.

        Raises:
            ConfigurationError: the model's file is missing or is not Silero's for 16 kHz.
        """
        self._batch = Batch(Network(load_weights(self._path)), asyncio.get_running_loop())

    async def aclose(self) -> None:
        """Close all streams and let go of the weights. Windows that wait for their batch are not scored."""
        for stream in tuple(self._streams):
            stream.close()
        if self._batch is not None:
            self._batch.close()
            self._batch = None

    def open_stream(self, sink: ScoreSink) -> SileroStream:
        """Open a stream for one session; it takes 3 KB.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if self._batch is None:
            raise ClosedError("the silero detector is not open; enter it with `async with`, or await open()")
        stream = SileroStream(self._batch, sink, on_close=self._streams.discard)
        self._streams.add(stream)
        return stream
