"""Voice activity detection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.provider import Provider

ScoreSink = Callable[[int, int, float], None]
"""Takes ``(start, end, probability)``: the window's samples are ``start`` to ``end`` (exclusive) of the caller's
stream, counted at `VAD.sample_rate`, and speech is in them with ``probability`` (0 to 1). Called on the loop's
thread, in order, with windows that follow each other without gap or overlap."""


class VADStream(ABC):
    """One caller's audio on its way through a detector."""

    @abstractmethod
    def feed(self, frame: AudioFrame) -> None:
        """Take one frame; scores reach the sink at once or later, as windows fill up.

        Sync and cheap: it is called for every frame of every session. Nothing of the frame is kept.

        Args:
            frame: mono int16 at `VAD.sample_rate`, of any length; frames follow each other without gap.

        Raises:
            AudioError: the frame is at another rate.
            ClosedError: after `close`.
        """

    @abstractmethod
    def close(self) -> None:
        """End the stream: no score reaches the sink after this returns. Idempotent."""


class VAD(Provider):
    """A detector: says of each window of audio how likely it holds speech.

    Thresholds, minimum durations and hysteresis are the session's; a detector only scores. Streams share the
    model, so that windows of many sessions can be scored as one batch.
    """

    sample_rate: int = 16000
    """Hz of the frames that `VADStream.feed` wants."""

    kind: ClassVar[str] = "vad"

    @abstractmethod
    def open_stream(self, sink: ScoreSink) -> VADStream:
        """Open a stream for one session. Called on the loop's thread.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
