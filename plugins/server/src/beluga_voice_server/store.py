"""Sessions kept in a SQLite database."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from beluga_voice.clock import working
from beluga_voice.contracts import SessionSnapshot, SessionStore
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice_server.settings import SQLiteSettings
from beluga_voice_server.tokens import today

T = TypeVar("T")

FORMAT = 1
"""Of the table; another one is not read."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY,
    saved_at REAL NOT NULL,
    snapshot TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_age ON sessions (saved_at);
"""


class SQLiteSessionStore(SessionStore):
    """Keeps snapshots in one file, for the processes of one machine. SQLite works on a thread of its own.

    The file is readable by its owner alone, since it holds what was said. A snapshot has been written to the disk
    when `save` returns (journal mode WAL, synchronous FULL).
    """

    def __init__(self, settings: SQLiteSettings | None = None) -> None:
        self._settings = settings or SQLiteSettings()
        self._thread: ThreadPoolExecutor | None = None
        self._database: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, and forget what is too old.

        Raises:
            ConfigurationError: the file cannot be opened, or holds something else.
        """
        self._thread = ThreadPoolExecutor(1, "beluga-voice sqlite")
        try:
            self._database = await self._run(lambda: _open(self._settings.path))
        except (OSError, sqlite3.Error) as error:
            await self.aclose()
            text = f"cannot keep sessions in {self._settings.path}: {error}; name another file, or remove it"
            raise ConfigurationError(text) from error
        await self.expire(today() - self._settings.keep)

    async def save(self, snapshot: SessionSnapshot) -> None:
        """Keep `snapshot` in place of what was kept of this session."""
        row = (snapshot.session_id, snapshot.saved_at, _write(snapshot))
        await self._do("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)", row)

    async def load(self, session_id: str) -> SessionSnapshot | None:
        """Return the latest snapshot; None if there is none."""
        rows = await self._do("SELECT saved_at, snapshot FROM sessions WHERE session_id = ?", (session_id,))
        return _read(session_id, *rows[0]) if rows else None

    async def delete(self, session_id: str) -> None:
        """Forget a session."""
        await self._do("DELETE FROM sessions WHERE session_id = ?", (session_id,))

    async def expire(self, before: float) -> int:
        """Forget all sessions saved earlier than `before`; return how many."""
        rows = await self._do("DELETE FROM sessions WHERE saved_at < ? RETURNING session_id", (before,))
        return len(rows)

    async def aclose(self) -> None:
        """Close the file, and end the thread. Idempotent."""
        database, self._database = self._database, None
        if database is not None:
            await self._run(database.close)
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()

    async def _do(self, statement: str, values: tuple[object, ...]) -> list[tuple[float, str]]:
        database = self._database
        if database is None:
            raise ClosedError("the session store is not open")

        def do() -> list[tuple[float, str]]:
            with database:
                return database.execute(statement, values).fetchall()

        try:
            return await self._run(do)
        except sqlite3.Error as error:
            raise ProviderError(f"sessions in {self._settings.path}: {error}", retryable=True) from error

    async def _run(self, work: Callable[[], T]) -> T:
        with working("sqlite"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _open(path: Path) -> sqlite3.Connection:
    path.touch(0o600)
    database = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError(f"it is of format {version}, and this reads {FORMAT}")
        database.executescript(f"{SCHEMA}PRAGMA user_version = {FORMAT};")
    except BaseException:
        database.close()
        raise
    return database


def _write(snapshot: SessionSnapshot) -> str:
    history = [[each.role, each.text, each.turn, each.interrupted] for each in snapshot.history]
    return json.dumps({"history": history, "profile": snapshot.profile, "data": dict(snapshot.data)})


def _read(session_id: str, saved_at: float, text: str) -> SessionSnapshot:
    try:
        table = json.loads(text)
        history = tuple(
            Message(Role(role), said, turn, interrupted) for role, said, turn, interrupted in table["history"]
        )
        return SessionSnapshot(session_id, saved_at, history, table["profile"], table["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderError(f"the snapshot of session {session_id!r} is damaged: {error}") from error
