"""Writing a journal while the session goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beluga_voice.audio.output import create_file
from beluga_voice.commands import Command
from beluga_voice.events import Event, Observed
from beluga_voice.journal.codec import dumps, encode_command, encode_event
from beluga_voice.journal.format import COMPLETE, FULL, Header, encode_header
from beluga_voice.journal.masking import Mask

SCORES = 32
"""Scores of one line: about a second of windows."""

NO_PROBABILITY = -1
"""Stands for a score that is none."""

_END_BYTES = 32
"""What the last line needs at most."""


class JournalWriter:
    """Appends to a journal, a line at a time: each is with the system when the call returns.

    What is killed leaves all lines but the one it was writing, and the scores of its last second. After an error,
    at the bound on its size, and after `close`, everything is ignored.
    """

    def __init__(self, path: Path, header: Header, *, max_bytes: int) -> None:
        """Create the file, or overwrite it; readable by its owner only, where the system knows owners.

        Args:
            path: of the file.
            header: what decisions depend on. Without `Header.content`, every word is masked.
            max_bytes: of the whole file; when the next line would not fit, a last line says so.

        Raises:
            ConfigurationError: the file cannot be opened for writing, or another call is being written to it.
            OSError: it can, and the disk is full or gone.
        """
        self._mask = None if header.content else Mask()
        self._max_bytes = max_bytes
        self._size = 0
        self._scores: list[int] = []
        self._first = self._next = self._window = self._rate = 0
        self._file = create_file(path, private=True)
        self._write(encode_header(header))

    def decided(self, event: Observed, commands: Sequence[Command]) -> None:
        """Append an observed event and what was decided by it.

        Raises:
            OSError: the disk is full or gone.
        """
        self._write(
            {
                "event": self._masked(encode_event(event)),
                "commands": [self._encode(each) for each in commands],
            }
        )

    def told(self, event: Event) -> None:
        """Append an event that the session tells of; raises as `decided`."""
        self._write({"event": self._masked(encode_event(event))})

    def scored(self, start: int, end: int, probability: float, rate: int) -> None:
        """Append the VAD's score of the window from sample `start` to `end`; raises as `decided`.

        Scores are kept until there are 32 of consecutive windows of one size.
        """
        if start != self._next or end - start != self._window or len(self._scores) >= SCORES:
            self._write_scores()
            self._first, self._window, self._rate = start, end - start, rate
        self._next = end
        self._scores.append(round(probability * 1000) if 0 <= probability <= 1 else NO_PROBABILITY)

    def close(self) -> None:
        """Say that it is complete, and close the file. Idempotent.

        Raises:
            OSError: the disk is full or gone; the file is closed.
        """
        if not self._file.closed:
            self._write_scores()
            self._end(COMPLETE)

    def _encode(self, command: Command) -> dict[str, object]:
        return self._masked(encode_command(command))

    def _masked(self, table: dict[str, object]) -> dict[str, object]:
        return table if self._mask is None else self._mask.encoded(table)

    def _write_scores(self) -> None:
        if self._scores:
            scores, self._scores = self._scores, []
            vad = {"start": self._first, "window": self._window, "rate": self._rate, "scores": scores}
            self._write({"vad": vad})

    def _write(self, line: dict[str, object]) -> None:
        if self._file.closed:
            return
        data = dumps(line).encode("ascii") + b"\n"
        if self._size + len(data) + _END_BYTES > self._max_bytes:
            self._end(FULL)
        else:
            self._put(data)

    def _end(self, reason: str) -> None:
        try:
            if not self._file.closed:
                self._put(dumps({"end": reason}).encode("ascii") + b"\n")
        finally:
            self._file.close()

    def _put(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
            if written < len(data):  # the rest tells why
                self._file.write(data[written:])
        except OSError:
            self._file.close()
            raise
        self._size += len(data)
