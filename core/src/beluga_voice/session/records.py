"""What a session keeps of itself, as far as its settings ask: a recording, and a journal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.commands import Command
from beluga_voice.errors import ProviderError
from beluga_voice.journal.format import Header
from beluga_voice.journal.writer import JournalWriter
from beluga_voice.recording import CallRecording
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.hearing import SAMPLE_RATE


def expand(path: str, session_id: str, run: int) -> Path:
    """Put the session's name in the place of ``{session_id}``, as far as it can be part of a file's name.

    A session that is started again keeps what it wrote before: its second run writes to ``call-2.wav``.
    """
    name = re.sub(r"[^\w.-]|^\.", "_", session_id)
    expanded = Path(path.replace("{session_id}", name))
    return expanded if run == 1 else expanded.with_stem(f"{expanded.stem}-{run}")


class Records:
    """Writes the recording and the journal of one run of a session; with neither asked for, does nothing.

    What cannot be written any more ends, is told, and changes nothing of the call.

    Args:
        config: says where, and how much.
        header: the journal's.
        run: how often the session was started, from 1.
        failed: takes a failure: of the ``recorder`` or the ``journal``, and why.
    """

    def __init__(
        self, config: SessionConfig, header: Header, *, run: int, failed: Callable[[str, ProviderError], None]
    ) -> None:
        self._config = config
        self._header = header
        self._run = run
        self._failed = failed
        self._rate = 0
        self._start: float | None = None
        self._resampler: Resampler | None = None
        self._recording: CallRecording | None = None
        self._journal: JournalWriter | None = None

    def open(self, sample_rate: int) -> None:
        """Create the files that are asked for.

        Args:
            sample_rate: of the recording, in Hz: the agent's audio is recorded as it is played.

        Raises:
            ConfigurationError: a file cannot be opened for writing.
        """
        self._rate = sample_rate
        config = self._config
        try:
            if config.record:
                self._recording = CallRecording(self._path(config.record), sample_rate)
        except OSError as error:
            self._lose_recording(error)
        try:
            if config.journal:
                path, most = self._path(config.journal), config.journal_max_bytes
                self._journal = JournalWriter(path, self._header, max_bytes=most)
        except OSError as error:
            self._lose_journal(error)

    def _path(self, path: str) -> Path:
        return expand(path, self._header.session_id, self._run)

    # -- the journal --

    @property
    def wants_scores(self) -> bool:
        """Whether the VAD's scores are written down."""
        return self._journal is not None

    def decided(self, event: ev.Observed, commands: Sequence[Command]) -> None:
        """Write down an observed event and what was decided by it; the first is the recording's zero."""
        if self._start is None:
            self._start = event.at
        if self._journal is not None:
            try:
                self._journal.decided(event, commands)
            except (OSError, TypeError, ValueError) as error:
                self._lose_journal(error)

    def told(self, event: ev.Event) -> None:
        """Write down what the session tells by itself; what it observed or decided stands there already."""
        if self._journal is not None and isinstance(event, (ev.Reported, ev.UtteranceEnded)):
            try:
                self._journal.told(event)
            except (OSError, TypeError, ValueError) as error:
                self._lose_journal(error)

    def scored(self, start: int, end: int, probability: float) -> None:
        """Write down a score of the VAD."""
        if self._journal is not None:
            try:
                self._journal.scored(start, end, probability, SAMPLE_RATE)
            except (OSError, TypeError, ValueError) as error:
                self._lose_journal(error)

    # -- the recording --

    def heard(self, frame: AudioFrame, now: float) -> None:
        """Record a frame of the caller's, which has been spoken by `now`."""
        if self._recording is None or self._start is None:
            return
        if self._resampler is None:
            self._resampler = Resampler(frame.sample_rate, self._rate)
        position = round((now - self._start - frame.duration) * self._rate)
        try:
            self._recording.add_caller(self._resampler.process(frame.samples), position)
        except OSError as error:
            self._lose_recording(error)

    def sent(self, frame: AudioFrame, now: float) -> None:
        """Record a frame of the agent's that is put on the wire at `now`."""
        if self._recording is None or self._start is None:
            return
        try:
            self._recording.add_agent(frame.samples, round((now - self._start) * self._rate))
        except OSError as error:
            self._lose_recording(error)

    # -- their end --

    def close(self) -> None:
        """Write what is kept, and close the files. Idempotent."""
        journal, recording = self._journal, self._recording
        if recording is not None:
            try:
                if self._resampler is not None:
                    recording.add_caller(self._resampler.flush())
                recording.close()
                self._recording = None
            except OSError as error:
                self._lose_recording(error)
        if journal is not None:
            try:
                journal.close()
                self._journal = None
            except OSError as error:
                self._lose_journal(error)

    def _lose_recording(self, error: OSError) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            with suppress(OSError):
                recording.close()
        self._failed("recorder", _ended("recording", error))

    def _lose_journal(self, error: Exception) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(OSError):
                journal.close()
        self._failed("journal", _ended("journal", error))


def _ended(what: str, error: Exception) -> ProviderError:
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return ProviderError(f"the {what} ends here and the call goes on: {reason}")
