"""The line of a session that outlives its connections."""

from __future__ import annotations

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Connection, Receiver, Transport
from beluga_voice.contracts.server import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE


class Line(Transport):
    """A transport whose far end is one connection after the other; while there is none, the agent waits."""

    input_sample_rate = INPUT_SAMPLE_RATE
    output_sample_rate = OUTPUT_SAMPLE_RATE

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._receiver: Receiver | None = None
        self._position = 0

    @property
    def connection(self) -> Connection | None:
        """Who is at the far end."""
        return self._connection

    async def open(self, receiver: Receiver) -> None:
        """Be open; the agent waits until there is a connection."""
        self._receiver = receiver
        receiver.hold(self._connection is None)

    def connect(self, connection: Connection | None) -> None:
        """Put `connection` at the far end in place of the one there; None for nobody."""
        self._connection = connection
        if self._receiver is not None:
            self._receiver.hold(connection is None)

    def hear(self, frame: AudioFrame) -> None:
        """Push a frame of the caller's, at the place where it follows the one before."""
        if self._receiver is not None:
            self._receiver.process_audio(AudioFrame(frame.samples, INPUT_SAMPLE_RATE, self._position))
            self._position += len(frame.samples)

    def press(self, keys: str) -> None:
        """Push keys that the caller has pressed."""
        if self._receiver is not None:
            self._receiver.process_dtmf(keys)

    def hang_up(self, error: Exception | None = None) -> None:
        """Tell the session that no caller will come any more."""
        if self._receiver is not None:
            self._receiver.end_of_input(error)

    def send_nowait(self, frame: AudioFrame) -> None:
        """Hand a frame to the connection."""
        if self._connection is not None:
            self._connection.send_nowait(frame)

    def flush(self) -> None:
        """Have the connection drop what is not yet played."""
        if self._connection is not None:
            self._connection.flush()

    @property
    def unplayed(self) -> float:
        """Seconds that the connection knows not to have been played."""
        return 0.0 if self._connection is None else self._connection.unplayed

    async def aclose(self) -> None:
        """Let go of the connection, which whoever joined it closes. Idempotent."""
        self._receiver = None
        self._connection = None
