"""Sessions in SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from beluga_voice.contracts import SessionSnapshot
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice_server.settings import SQLiteSettings
from beluga_voice_server.store import SQLiteSessionStore
from beluga_voice_server.tokens import today

HISTORY = (Message(Role.CALLER, "grüß Gott \u2028", 1), Message(Role.AGENT, "hello", 1, interrupted=True))


def store_in(folder: Path) -> SQLiteSessionStore:
    return SQLiteSessionStore(SQLiteSettings(path=folder / "sessions.db"))


async def test_a_snapshot_is_there_after_the_process_s_end(tmp_path: Path) -> None:
    snapshot = SessionSnapshot("call-1", today(), HISTORY, "support", {"number": "3"})
    async with store_in(tmp_path) as store:
        await store.save(SessionSnapshot("call-1", 1.0))
        await store.save(snapshot)
        await store.save(SessionSnapshot("call-2", today()))
    async with store_in(tmp_path) as store:
        assert await store.load("call-1") == snapshot
        await store.delete("call-1")
        await store.delete("call-1")
        assert await store.load("call-1") is None
        assert await store.load("call-2") is not None
    assert (tmp_path / "sessions.db").stat().st_mode & 0o077 == 0


async def test_what_is_too_old_is_forgotten(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        for number in range(5):
            await store.save(SessionSnapshot(f"call-{number}", today() - number * 40000))
        assert await store.expire(today() - 150000) == 1
    async with store_in(tmp_path) as store:
        assert [await store.load(f"call-{number}") is not None for number in range(5)] == [
            True, True, True, False, False,
        ]  # fmt: skip


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with pytest.raises(ClosedError, match="not open"):
        await store.load("call-1")
    async with store:
        pass
    await store.aclose()
    with pytest.raises(ClosedError, match="not open"):
        await store.save(SessionSnapshot("call-1", today()))


@pytest.mark.parametrize("content", [b"something else entirely, and long enough to be looked at" * 20, None])
async def test_a_file_that_is_no_such_database_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "sessions.db"
    if content is None:
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 7")
        database.close()
    else:
        path.write_bytes(content)
    store = store_in(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot keep sessions in"):
        await store.open()


async def test_a_damaged_snapshot_is_the_provider_s_failure(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        await store.save(SessionSnapshot("call-1", today()))
        with sqlite3.connect(tmp_path / "sessions.db") as database:
            database.execute("UPDATE sessions SET snapshot = '{}'")
        database.close()
        with pytest.raises(ProviderError, match="damaged"):
            await store.load("call-1")
