"""Does the session store keep its contract? In a file that is made for it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from beluga_voice.testing import check_session_store
from beluga_voice_server.settings import SQLiteSettings
from beluga_voice_server.store import SQLiteSessionStore


async def check_sqlite() -> None:
    """Hold the store to its contract.

    Raises:
        AssertionError: a promise is broken.
    """
    with TemporaryDirectory() as folder:
        settings = SQLiteSettings(path=Path(folder) / "sessions.db")
        await check_session_store(lambda: SQLiteSessionStore(settings))
