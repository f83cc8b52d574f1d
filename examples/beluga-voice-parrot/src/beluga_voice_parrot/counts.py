"""What was counted of sessions that go on."""

from __future__ import annotations

import logging
from collections import Counter

logger = logging.getLogger("beluga_voice_parrot")


class Counts:
    """Counts of each session, by its name."""

    def __init__(self) -> None:
        self._live: dict[str, Counter[str]] = {}

    def start(self, session_id: str) -> None:
        """Begin to count."""
        self._live[session_id] = Counter()

    def add(self, session_id: str, **counts: int) -> None:
        """Count."""
        self._live[session_id].update(counts)

    def end(self, session_id: str, duration: float) -> None:
        """Log what was counted, and forget it."""
        found = self._live.pop(session_id)
        logger.info(
            "session %s: %d turns, %d events, %d commands in %.1f s",
            *(session_id, found["turns"], found["events"], found["commands"], duration),
        )


COUNTS = Counts()
