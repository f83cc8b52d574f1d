"""Transports: how audio reaches the session and leaves it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

from beluga_voice.audio import AudioFrame


class Receiver(Protocol):
    """The session's side of a transport."""

    def process_audio(self, frame: AudioFrame) -> None:
        """Take one frame of the caller's audio. Never waits."""

    def process_dtmf(self, keys: str) -> None:
        """Take keys that the caller has pressed: ``0`` to ``9``, ``*``, ``#``, ``A`` to ``D``. Never waits."""

    def hold(self, held: bool) -> None:
        """Hand the transport no frames while `held`, as nobody hears them; then go on where it stopped."""

    def end_of_input(self, error: Exception | None = None) -> None:
        """Learn that no more audio will come: the caller hung up, the file ended, or `error` cut the line."""


class Transport(ABC):
    """One call's line. Made for one session, used once.

    A transport pushes the caller's frames into the session by a call and is handed the agent's frames by a call.
    Its reading loop, where it has one, belongs to it.
    """

    input_sample_rate: int = 16000
    """Hz of the frames that it pushes."""

    output_sample_rate: int = 24000
    """Hz of the frames that it wants to be sent."""

    kind: ClassVar[str] = "transport"

    @abstractmethod
    async def open(self, receiver: Receiver) -> None:
        """Connect the line and begin to push frames to `receiver`.

        Raises:
            ProviderError: the line cannot be had.
            ConfigurationError: what the settings name does not exist.
        """

    @abstractmethod
    def send_nowait(self, frame: AudioFrame) -> None:
        """Put one frame of the agent's audio on the wire.

        Called by the pacer when the frame is due, from the loop's thread; it counts as heard when this returns.
        Never waits: a transport that cannot take the frame now drops it and says so in its own statistics.

        Args:
            frame: mono int16 at `output_sample_rate`, 20 ms, shorter at the end of an utterance. Its position
                counts the samples of this call that were sent before. Not to be changed.
        """

    def flush(self) -> None:
        """Drop what was sent and is not yet played, where the far end buffers (a vendor's ``clear``)."""

    async def hold_open(self) -> None:
        """Tell the far end that the line is still wanted, as `STTStream.hold_open`; nothing by default."""

    @property
    def unplayed(self) -> float:
        """Seconds of audio that were sent and are known not to have been played yet; they were not heard."""
        return 0.0

    @abstractmethod
    async def aclose(self) -> None:
        """Hang up. Idempotent. When it returns no frame is pushed and nothing of the transport runs."""
