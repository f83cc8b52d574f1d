"""A caller who speaks from a file, and whose call is recorded to another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.audio.wav import Wav, read_wav
from beluga_voice.contracts import Receiver, Transport
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.recording import CallRecording
from beluga_voice_file.settings import FileSettings

_FRAMES_PER_SECOND = 50

_WIDE = 12000
"""Hz from which a recording holds the band that models for 16 kHz need; at 11,025 Hz pocketsphinx fails on words
that it hears at 12,000 (measured with synthesised speech)."""

logger = logging.getLogger(__name__)


class FileTransport(Transport):
    """Plays a WAV file to the session as a caller would speak it, then listens until the agent falls silent.

    A frame of 20 ms arrives when its last sample has been spoken, on a schedule that does not drift, on the
    running loop's clock: in real time on asyncio's own loop, and as fast as the engines go on
    `beluga_voice.clock.VirtualTimeLoop`. After the file the caller is silent, and hangs up (`end_of_input`)
    once nobody has said anything for `FileSettings.trailing_silence`.

    The file's sample rate is the line's, both ways, and the recording's: its left channel is the file, sample
    for sample, and its right channel what the agent sent, at the place of what the caller said just then.

    The file is read when the transport is made, since a line's rate must be known before it opens.
    """

    def __init__(self, settings: FileSettings) -> None:
        """Read the file.

        Raises:
            ConfigurationError: the file cannot be read, or would be overwritten by the recording.
            AudioError: it is no WAV file of a known form.
        """
        self._settings = settings
        if settings.record is not None and settings.record.resolve() == settings.path.resolve():
            raise ConfigurationError(
                f"record {settings.record} is the file that is played; name another, it would be overwritten"
            )
        wav = read_wav(settings.path)
        _warn_if_cut_off(settings, wav)
        _warn_if_narrow(settings, wav)
        self._samples = wav.samples
        self.input_sample_rate = wav.sample_rate
        self.output_sample_rate = wav.sample_rate
        self._recording: CallRecording | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._opened = self._closed = False
        self._frames = 0

    async def open(self, receiver: Receiver) -> None:
        """Start the call: the first frame follows in 20 ms.

        Raises:
            ConfigurationError: the recording's file cannot be opened for writing.
            ProviderError: it can, and the disk is full or gone.
            ClosedError: the transport was opened or closed before.
        """
        if self._opened or self._closed:
            raise ClosedError(
                "a file transport is one call and was opened before; make another for each session"
            )
        if self._settings.record is not None:
            self._recording = self._open_recording(self._settings.record)
        self._opened = True
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._quiet_since = self._start + len(self._samples) / self.input_sample_rate
        self._schedule()

    def send_nowait(self, frame: AudioFrame) -> None:
        """Hear one frame of the agent's, and record it. A line that is not open loses it."""
        if not self._opened or self._closed:
            return
        now = self._loop.time()
        self._quiet_since = max(self._quiet_since, now + frame.duration)
        if self._recording is not None:
            position = round((now - self._start) * self.output_sample_rate)
            try:
                self._recording.add_agent(frame.samples, position)
            except OSError as error:
                self._end_recording(error)

    async def aclose(self) -> None:
        """Hang up and finish the recording. Idempotent.

        Raises:
            ProviderError: the recording's end cannot be written.
        """
        self._closed = True
        self._hang_up()
        recording, self._recording = self._recording, None
        if recording is not None:
            try:
                recording.close()
            except OSError as error:
                raise self._recording_failed(error) from error

    def _open_recording(self, path: Path) -> CallRecording:
        try:
            return CallRecording(path, self.output_sample_rate)
        except OSError as error:
            raise self._recording_failed(error) from error

    def _schedule(self) -> None:
        when = self._start + (self._frames + 1) / _FRAMES_PER_SECOND
        self._timer = self._loop.call_at(when, self._push)

    def _push(self) -> None:
        """Push the frame that is due, and hang up when it was the last that anyone waits for."""
        start = self._frames * self.input_sample_rate // _FRAMES_PER_SECOND
        self._frames += 1
        samples = self._cut(start, self._frames * self.input_sample_rate // _FRAMES_PER_SECOND)
        # Before the push: what it raises is the loop's to report and does not stop the call.
        self._schedule()
        if not self._recorded(samples):
            return
        self._receiver.process_audio(AudioFrame(samples, self.input_sample_rate, start))
        if self._loop.time() - self._quiet_since >= self._settings.trailing_silence:
            self._hang_up()
            self._receiver.end_of_input()

    def _recorded(self, samples: NDArray[np.int16]) -> bool:
        """Record what the caller says; if that fails, end the call and say why."""
        if self._recording is None:
            return True
        try:
            self._recording.add_caller(samples)
        except OSError as error:
            self._end_recording(error)
            return False
        return True

    def _end_recording(self, error: OSError) -> None:
        """End the call: what was asked for cannot be had any more."""
        assert self._recording is not None
        with contextlib.suppress(OSError):
            self._recording.close()
        self._recording = None
        self._hang_up()
        self._receiver.end_of_input(self._recording_failed(error))

    def _cut(self, start: int, end: int) -> NDArray[np.int16]:
        """Return what the caller says from `start` to `end`: the file, then silence."""
        samples = self._samples[start:end]
        if len(samples) == end - start:
            return samples
        silence = np.zeros(end - start, np.int16)
        silence[: len(samples)] = samples
        return silence

    def _hang_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _recording_failed(self, error: OSError) -> ProviderError:
        return ProviderError(
            f"recording to {self._settings.record} failed: {error.strerror}; the call ends there: "
            "make room on the disk and try again"
        )


def _warn_if_narrow(settings: FileSettings, wav: Wav) -> None:
    if wav.sample_rate < _WIDE:
        logger.warning(
            "%s is at %d Hz and holds nothing above %d Hz, so that recognizers made for 16000 Hz hear it badly; "
            "record at 16000 Hz or more",
            settings.path,
            wav.sample_rate,
            wav.sample_rate // 2,
        )


def _warn_if_cut_off(settings: FileSettings, wav: Wav) -> None:
    if wav.missing_samples:
        there = len(wav.samples) / wav.sample_rate
        announced = there + wav.missing_samples / wav.sample_rate
        logger.warning(
            "%s is cut off: it announces %.2f s and holds %.2f s, which are played",
            settings.path,
            announced,
            there,
        )
