"""Recording and journal of the last calls that were made by the page on this machine, for the page to fetch."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from beluga_voice.session import SessionConfig

FILES = ("recording.wav", "journal.jsonl")
"""What is kept of a call."""


class KeptCalls:
    """Keeps the files of the last calls in a temporary folder, which only its owner can read.

    What the settings say of recording and journal goes before: such a call is not kept here.

    Args:
        most: calls that are kept; 0 for none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._folder: TemporaryDirectory[str] | None = None
        self._calls: OrderedDict[str, Path] = OrderedDict()

    def config(self, session_id: str, config: SessionConfig) -> SessionConfig:
        """Return `config` with the files of a new call in it."""
        if not self._most or config.record or config.journal:
            return config
        while len(self._calls) >= self._most:
            _, oldest = self._calls.popitem(last=False)
            for name in FILES:
                (oldest / name).unlink(missing_ok=True)
            oldest.rmdir()
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="beluga-voice-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name) / re.sub(r"[^\w-]", "_", session_id)
        folder.mkdir(exist_ok=True)
        self._calls[session_id] = folder
        recording, journal = (str(folder / name) for name in FILES)
        return replace(config, record=recording, journal=journal)

    def find(self, session_id: str, name: str) -> Path | None:
        """Return the file of a call; None if it was not kept, or is not kept any more."""
        folder = self._calls.get(session_id)
        if folder is None or name not in FILES:
            return None
        file = folder / name
        return file if file.exists() else None

    def close(self) -> None:
        """Remove all files. Idempotent."""
        self._calls.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
