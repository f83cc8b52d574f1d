"""Noise suppression on the caller's audio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.provider import Provider


class NoiseSuppressorStream(ABC):
    """One caller's audio on its way through a noise suppressor."""

    @abstractmethod
    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        """Return the frame without noise and, where the engine can, without the agent's own voice.

        Sync and cheap. Keeps nothing of its arguments.

        Args:
            frame: mono int16 at `NoiseSuppressor.sample_rate`.
            played: what the caller's loudspeaker was given during the same span, same rate and length; None if
                nothing was played or it is not known.

        Returns:
            A frame of the same length, rate and position.

        Raises:
            AudioError: the frame is at another rate.
            ClosedError: after `close`.
            ProviderError: the engine failed; the session goes on with the frame as it came.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what the stream holds. Idempotent."""


class NoiseSuppressor(Provider):
    """Takes noise, echo or both out of the caller's audio before anything else hears it."""

    sample_rate: int = 16000
    """Hz of the frames that `NoiseSuppressorStream.process` wants."""

    cancels_echo: bool = False
    """Whether it takes the agent's own voice out of the caller's audio."""

    kind: ClassVar[str] = "noise_suppressor"

    @abstractmethod
    def open_stream(self) -> NoiseSuppressorStream:
        """Open a stream for one session. Called on the loop's thread.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
