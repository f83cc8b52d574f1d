"""A noise suppressor that does what its script says."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import NoiseSuppressor, NoiseSuppressorStream
from beluga_voice.errors import AudioError, ClosedError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ScriptedNoiseSuppressor(NoiseSuppressor):
    """Takes a share of each frame's level away, or gives the audio of its script.

    Args:
        audio: int16 samples given in place of each frame, over and over, cut or filled up with zeros to its length.
        reduction: share of the level that is taken away, 0 to 1.
        name: told by its errors.
        sample_rate: as `NoiseSuppressor.sample_rate`.
        cancels_echo: as `NoiseSuppressor.cancels_echo`.
        error: raised for each frame; None for none. May be changed at any time.

    Attributes:
        streams: all streams opened so far.
    """

    def __init__(
        self,
        audio: Sequence[NDArray[np.int16]] = (),
        *,
        reduction: float = 0.0,
        name: str = "scripted",
        sample_rate: int = 16000,
        cancels_echo: bool = False,
        error: Exception | None = None,
    ) -> None:
        self.audio = tuple(audio)
        self.reduction = reduction
        self.name = name
        self.sample_rate = sample_rate
        self.cancels_echo = cancels_echo
        self.error = error
        self.streams: list[ScriptedNoiseSuppressorStream] = []
        self._open = False

    async def open(self) -> None:
        self._open = True

    def open_stream(self) -> ScriptedNoiseSuppressorStream:
        if not self._open:
            raise ClosedError(f"the noise suppressor {self.name!r} is not open; open it first")
        stream = ScriptedNoiseSuppressorStream(self)
        self.streams.append(stream)
        return stream

    async def aclose(self) -> None:
        self._open = False


class ScriptedNoiseSuppressorStream(NoiseSuppressorStream):
    """A stream of `ScriptedNoiseSuppressor`.

    Attributes:
        frames: how many it was given.
        played: what was played during the latest 1,000 of them.
        closed: whether `close` was called.
    """

    def __init__(self, suppressor: ScriptedNoiseSuppressor) -> None:
        self.frames = 0
        self.played: deque[AudioFrame | None] = deque(maxlen=1000)
        self.closed = False
        self._suppressor = suppressor

    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        script = self._suppressor
        if self.closed:
            raise ClosedError("this stream was closed; open a new one")
        if frame.sample_rate != script.sample_rate:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz; this suppressor takes {script.sample_rate} Hz"
            )
        self.frames += 1
        self.played.append(played)
        if script.error is not None:
            raise script.error
        if script.audio:
            samples = _fitted(script.audio[(self.frames - 1) % len(script.audio)], len(frame))
        else:
            samples = (frame.samples * (1 - script.reduction)).astype(np.int16)
        return AudioFrame(samples, frame.sample_rate, frame.position)

    def close(self) -> None:
        self.closed = True


def _fitted(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    fitted = np.zeros(length, np.int16)
    fitted[: min(length, len(samples))] = samples[:length]
    return fitted
