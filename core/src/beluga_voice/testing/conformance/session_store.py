"""Does a session store keep the promises of `beluga_voice.contracts.session_store`?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from beluga_voice.contracts import SessionSnapshot, SessionStore
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ClosedError
from beluga_voice.testing.conformance.promises import Promises, expect, expect_error, soon, together
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

NOW = 1_900_000_000.0
"""When the checks' snapshots were taken: later than today, so that no store takes them for outdated."""

ODD = "Zoë owes €5 to 李雷 – naïve? \U0001f642 «да»\u200b\ufeff e\u0301 ' \" ; -- \\ \n%s {}"
"""Letters of four scripts, marks without width, and what databases and formats take for their own."""

SNAPSHOT = SessionSnapshot(
    "check-one",
    NOW,
    (Message(Role.AGENT, "Hello.", turn=0), Message(Role.CALLER, "hello there", turn=1)),
    profile="night",
    data={"token": "t"},
)


@dataclass(frozen=True, slots=True)
class Case:
    """An open store under check."""

    make: Callable[[], SessionStore]
    store: SessionStore


promises: Promises[Case] = Promises("beluga_voice.contracts.session_store")


async def check_session_store(make: Callable[[], SessionStore]) -> None:
    """Check that a session store keeps its contract. Give it a place of its own: all that is there is forgotten.

    Args:
        make: makes a store, not yet opened; called several times, each time for the same place.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(store: SessionStore) -> None:
        await promises.check(Case(make, store), type(store).__name__)

    await check_provider(make, check)


@promises.made_by("SessionStore", "raises ClosedError before open and after aclose")
async def _closed_store_raises(case: Case) -> None:
    store = case.make()
    await _expect_closed(store, "before open")
    await store.open()
    await store.aclose()
    await _expect_closed(store, "after aclose")


@promises.made_by("SessionStore.load", "returns what was saved, equal in every field")
async def _gives_back(case: Case) -> None:
    for snapshot in (SNAPSHOT, SessionSnapshot("check-plain", NOW)):
        await case.store.save(snapshot)
        found = await case.store.load(snapshot.session_id)
        expect(found == snapshot, f"{snapshot} was saved, and {found} came")
        await case.store.delete(snapshot.session_id)


@promises.made_by("SessionStore.load", "returns None for a session that is not known")
async def _knows_nothing_else(case: Case) -> None:
    found = await case.store.load("check-nobody")
    expect(found is None, f"{found!r} came")


@promises.made_by("SessionStore.save", "keeps the latest snapshot in place of the one before")
async def _keeps_the_latest(case: Case) -> None:
    for number in range(3):
        await case.store.save(replace(SNAPSHOT, data={"number": str(number)}))
    found = await case.store.load(SNAPSHOT.session_id)
    expect(found is not None and found.data == {"number": "2"}, f"after three saves {found} came")
    await case.store.delete(SNAPSHOT.session_id)


@promises.made_by("SessionStore.delete", "forgets that session alone, and none that is not known")
async def _forgets(case: Case) -> None:
    other = replace(SNAPSHOT, session_id="check-two")
    await case.store.save(SNAPSHOT)
    await case.store.save(other)
    await case.store.delete("check-nobody")
    await case.store.delete(SNAPSHOT.session_id)
    expect(await case.store.load(SNAPSHOT.session_id) is None, "a deleted session came")
    expect(await case.store.load(other.session_id) == other, "another session was deleted too")
    await case.store.delete(other.session_id)


@promises.made_by("SessionStore.expire", "forgets what was saved earlier, nothing else, and says how many")
async def _expires(case: Case) -> None:
    await case.store.expire(2 * NOW)
    for number in range(4):
        await case.store.save(replace(SNAPSHOT, session_id=f"check-{number}", saved_at=NOW + number))
    gone = await case.store.expire(NOW + 2)
    expect(gone == 2, f"two were older, and {gone!r} is said")
    for number in range(4):
        there = await case.store.load(f"check-{number}") is not None
        expect(
            there == (number >= 2),
            f"of ages 0 to 3, expire(2) has {'kept' if there else 'forgotten'} {number}",
        )
        await case.store.delete(f"check-{number}")


@promises.made_by(
    "SessionStore", "a snapshot that save has returned for is there for who opens the store next"
)
async def _survives(case: Case) -> None:
    await case.store.save(SNAPSHOT)
    async with case.make() as other:
        found = await other.load(SNAPSHOT.session_id)
        expect(found == SNAPSHOT, f"another store of the same place gave {found}")
    await case.store.delete(SNAPSHOT.session_id)


@promises.made_by("SessionSnapshot", "any text is kept as it is, and a megabyte of it", Level.SILVER)
async def _keeps_any_text(case: Case) -> None:
    for text in (ODD, "", "\x00", "word " * 200_000):
        history = (Message(Role.CALLER, text, turn=1),)
        snapshot = SessionSnapshot(f"check {ODD}", NOW, history, data={ODD: text})
        await case.store.save(snapshot)
        found = await case.store.load(snapshot.session_id)
        expect(found == snapshot, f"{text[:20]!r} was not given back as it was")
        await case.store.delete(snapshot.session_id)


@promises.made_by("SessionStore", "serves many sessions at once", Level.SILVER)
async def _serves_several_at_once(case: Case) -> None:
    snapshots = [replace(SNAPSHOT, session_id=f"check-{number}") for number in range(20)]
    await together(*(case.store.save(each) for each in snapshots))
    found = await together(*(case.store.load(each.session_id) for each in snapshots))
    expect(list(found) == snapshots, "twenty sessions that were saved at once were not given back")
    await together(*(case.store.delete(each.session_id) for each in snapshots))


@promises.made_by(
    "SessionStore.save", "may be cancelled, and serves on: the old or the new is kept", Level.SILVER
)
async def _may_be_cancelled(case: Case) -> None:
    new = replace(SNAPSHOT, data={"new": "yes"})
    for steps in (0, 1, 3):
        await case.store.save(SNAPSHOT)
        saving = asyncio.create_task(case.store.save(new))
        for _ in range(steps):
            await asyncio.sleep(0)
        saving.cancel()
        await soon(_join(saving), "ending the cancelled save")
        found = await case.store.load(SNAPSHOT.session_id)
        expect(found in (SNAPSHOT, new), f"a save was cancelled, and {found} came")
    await case.store.delete(SNAPSHOT.session_id)


async def _expect_closed(store: SessionStore, when: str) -> None:
    await expect_error(ClosedError, store.save(SNAPSHOT), f"save {when}")
    await expect_error(ClosedError, store.load("check-one"), f"load {when}")
    await expect_error(ClosedError, store.delete("check-one"), f"delete {when}")
    await expect_error(ClosedError, store.expire(0), f"expire {when}")


async def _join(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
