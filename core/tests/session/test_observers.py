"""Those who watch a session."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from beluga_voice import events as ev
from beluga_voice.session.observers import UNREAD, EventStream, Observers


def _event(at: float) -> ev.Event:
    return ev.TextGiven(at, 1, "word")


async def test_a_stream_gives_every_event_from_its_opening_to_the_end() -> None:
    observers = Observers()
    observers.tell(_event(0))
    stream = observers.stream()
    reading = asyncio.create_task(_read(stream))
    for at in (1, 2, 3):
        observers.tell(_event(at))
        await asyncio.sleep(0.1)
    observers.tell(_event(4))
    observers.end()
    assert [event.at for event in await reading] == [1, 2, 3, 4]
    assert stream.missed == 0


async def _read(stream: EventStream) -> list[ev.Event]:
    return [event async for event in stream]


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    observers = Observers()
    stream = observers.stream()
    for at in range(UNREAD + 25):
        observers.tell(_event(at))
    observers.end()
    events = await _read(stream)
    assert [event.at for event in events] == list(range(25, UNREAD + 25))
    assert stream.missed == 25


async def test_two_readers_of_one_stream_share_it_and_both_end() -> None:
    observers = Observers()
    stream = observers.stream()
    readers = [asyncio.create_task(_read(stream)) for _ in range(2)]
    await asyncio.sleep(1)
    observers.tell(_event(1))
    observers.tell(_event(2))
    await asyncio.sleep(1)
    observers.end()
    first, second = await asyncio.gather(*readers)
    assert sorted(event.at for event in first + second) == [1, 2]


async def test_a_reader_that_is_cancelled_leaves_the_other_alone() -> None:
    observers = Observers()
    stream = observers.stream()
    first, second = (asyncio.create_task(_read(stream)) for _ in range(2))
    await asyncio.sleep(1)
    first.cancel()
    observers.tell(_event(1))
    observers.end()
    assert len(await second) == 1


async def test_a_stream_nobody_reads_any_more_is_forgotten() -> None:
    observers = Observers()
    for _ in range(10):
        observers.stream()
    kept = observers.stream()
    gc.collect()
    assert list(observers._streams) == [kept]


def test_callbacks_are_told_in_order_and_one_that_raises_stops_none(caplog: pytest.LogCaptureFixture) -> None:
    observers = Observers()
    told: list[object] = []

    def fails(_: object) -> None:
        raise ValueError("mine")

    observers.on_event += [fails, told.append]
    observers.on_state_changed = told.append
    changed = ev.StateChanged(1.0, ev.SessionState.INITIAL, ev.SessionState.LISTENING)
    with caplog.at_level(logging.ERROR, "beluga_voice"):
        observers.tell(changed)
    assert told == [changed, ev.SessionState.LISTENING]
    assert "mine" in caplog.text


def test_a_callback_registered_within_a_callback_is_told_from_the_next_event_on() -> None:
    observers = Observers()
    told: list[float] = []

    def registers(event: ev.Event) -> None:
        observers.on_event.append(lambda event: told.append(event.at))

    observers.on_event.append(registers)
    observers.tell(_event(1))
    observers.tell(_event(2))
    assert told == [2]


def test_decisions_are_told_with_their_commands() -> None:
    observers = Observers()
    told: list[tuple[object, ...]] = []
    observers.on_decision.append(lambda *decision: told.append(decision))
    event = ev.SessionStarted(0.0)
    observers.decided(event, [])
    assert told == [(event, [])]


def test_a_callback_that_is_taken_away_is_told_no_more_and_the_others_still_are() -> None:
    observers = Observers()
    told: list[object] = []
    decided: list[object] = []
    ends = [observers.watch(told.append), observers.watch(told.append)]
    end = observers.watch_decisions(lambda event, commands: decided.append(event))
    observers.tell(_event(1))
    ends[0]()
    ends[0]()
    observers.tell(_event(2))
    assert told == [_event(1), _event(1), _event(2)]
    end()
    observers.decided(ev.SessionStarted(0.0), [])
    assert decided == []


def test_a_callback_that_raises_a_cancellation_cancels_nobody(caplog: pytest.LogCaptureFixture) -> None:
    observers = Observers()

    def cancels(_: object) -> None:
        raise asyncio.CancelledError

    observers.watch(cancels)
    observers.tell(_event(1))
    assert "CancelledError" in caplog.text
