"""A caller at this machine's microphone, who listens at its loudspeaker."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Receiver, Transport
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice_local_audio.backend import SoundDevice, Stream, load
from beluga_voice_local_audio.settings import LocalAudioSettings

INPUT_RATE = 16000
OUTPUT_RATE = 24000
FRAMES_PER_SECOND = 50


class LocalAudioTransport(Transport):
    """Pushes what the microphone hears, and plays what the agent says.

    PortAudio calls from a thread of its own: that hands the microphone's frames to the loop, and takes the
    loudspeaker's from a buffer.

    Args:
        settings: which devices.
        backend: in place of sounddevice.

    Attributes:
        dropped: samples of the agent's that found no room in the buffer.
    """

    input_sample_rate = INPUT_RATE
    output_sample_rate = OUTPUT_RATE

    def __init__(
        self, settings: LocalAudioSettings | None = None, backend: SoundDevice | None = None
    ) -> None:
        self._settings = settings or LocalAudioSettings()
        self._backend = backend
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._most = round(self._settings.buffer * OUTPUT_RATE) * 2
        self._streams: list[Stream] = []
        self._receiver: Receiver | None = None
        self._opened = False
        self._position = 0
        self.dropped = 0

    async def open(self, receiver: Receiver) -> None:
        """Start both devices.

        Raises:
            PluginError: PortAudio is not installed.
            ProviderError: a device is not there, or cannot do what is asked of it.
            ClosedError: it was opened before.
        """
        if self._opened:
            raise ClosedError("a transport is one call and was opened before; make another for each session")
        backend, settings = self._backend or load(), self._settings
        self._opened, self._receiver, self._loop = True, receiver, asyncio.get_running_loop()
        try:
            self._streams.append(
                backend.RawOutputStream(
                    samplerate=OUTPUT_RATE, blocksize=OUTPUT_RATE // FRAMES_PER_SECOND,
                    device=settings.loudspeaker, channels=1, dtype="int16", callback=self._play,
                )
            )  # fmt: skip
            self._streams.append(
                backend.RawInputStream(
                    samplerate=INPUT_RATE, blocksize=INPUT_RATE // FRAMES_PER_SECOND,
                    device=settings.microphone, channels=1, dtype="int16", callback=self._record,
                )
            )  # fmt: skip
            for stream in self._streams:
                stream.start()
        except (backend.PortAudioError, ValueError) as error:
            await self.aclose()
            raise ProviderError(
                f"microphone {settings.microphone!r} and loudspeaker {settings.loudspeaker!r} cannot be had: "
                f"{error}. Try: beluga-voice talk --devices"
            ) from error

    def send_nowait(self, frame: AudioFrame) -> None:
        """Put a frame into the loudspeaker's buffer; what finds no room is dropped."""
        data = frame.tobytes()
        with self._lock:
            room = max(0, self._most - len(self._waiting))
            self._waiting += data[:room]
        self.dropped += max(0, len(data) - room) // 2

    def flush(self) -> None:
        """Drop what the loudspeaker has not been given."""
        with self._lock:
            self._waiting.clear()

    @property
    def unplayed(self) -> float:
        """Seconds that the loudspeaker has not been given."""
        return len(self._waiting) / 2 / OUTPUT_RATE

    async def aclose(self) -> None:
        """Stop both devices. Idempotent."""
        self._receiver = None
        streams, self._streams = self._streams, []
        for stream in streams:
            with suppress(Exception):  # a device that was unplugged is closed
                stream.stop()
            stream.close()

    # -- on PortAudio's thread --

    def _play(self, out: bytearray, _frames: int, _time: object, _status: object) -> None:
        view = memoryview(out).cast("B")
        with self._lock:
            taken = bytes(self._waiting[: len(view)])
            del self._waiting[: len(view)]
        view[:] = taken + bytes(len(view) - len(taken))

    def _record(self, data: bytes, _frames: int, _time: object, _status: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._push, bytes(data))

    def _push(self, data: bytes) -> None:
        if self._receiver is not None:
            frame = AudioFrame(np.frombuffer(data, "<i2"), INPUT_RATE, self._position)
            self._position += len(frame)
            self._receiver.process_audio(frame)
