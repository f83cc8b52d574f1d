"""A real recognizer's worker that is killed or hangs, in a real session over a real line."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice import events as ev
from beluga_voice.cli.run import open_file
from beluga_voice.container import VoiceContainer
from beluga_voice.plugins import Plugins
from beluga_voice.session import VoiceSession
from beluga_voice.settings import Settings
from beluga_voice_pocketsphinx.stt import PocketSphinxSTT

from .conftest import RATE, spoken, write

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]


@pytest.fixture(scope="module")
def two_turns() -> NDArray[np.int16]:
    """`king of diamonds`, a pause in which it is answered, `five of hearts`."""
    return np.concatenate(
        [spoken("king of diamonds"), np.zeros(RATE * 3 // 2, np.int16), spoken("five of hearts")]
    )


def only_pid(voice: VoiceContainer) -> int:
    stt = voice.stt()
    assert isinstance(stt, PocketSphinxSTT)
    assert stt._pool is not None
    (worker,) = stt._pool.workers
    assert worker.pid is not None
    return worker.pid


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_worker_that_ends_or_hangs_in_a_turn_is_told_and_replaced_and_the_call_goes_on(
    folder: Path, two_turns: NDArray[np.int16], grammar: str, fault: signal.Signals
) -> None:
    settings = Settings(
        overrides=[grammar, "stt.workers=1", "stt.warm=1", "stt.deadline=0.3", "vad=energy"],
        turns={"transcript_deadline": 1.0},
    )
    voice = VoiceContainer(settings, Plugins.discover())
    told: list[ev.Event] = []
    async with voice.lifespan():
        line = open_file(voice, write(folder / "two.wav", two_turns), None)
        session = await voice.get_sessions().open(lambda turn: "Yes.", transport=line)
        session.on_event(told.append)
        session.on_event(once(ev.TranscriptReceived, lambda: os.kill(only_pid(voice), fault)))
        async with asyncio.timeout(15), session:
            await until(session, lambda: "five of hearts" in texts(session))
    (failed,) = [each for each in told if isinstance(each, ev.ProviderFailed)]
    assert (failed.kind, failed.fatal) == ("stt", False)
    assert ("ended with status -9" if fault is signal.SIGKILL else "unanswered for 0.3 s") in failed.error
    opened = [each.turn for each in told if isinstance(each, ev.TurnOpened)]
    settled = [each.turn for each in told if isinstance(each, (ev.TurnClosed, ev.TurnDropped))]
    assert sorted(set(opened)) == sorted(set(settled))  # no turn is lost without a word


def once(kind: type[ev.Event], act: Callable[[], None]) -> Callable[[ev.Event], None]:
    done: list[ev.Event] = []

    def see(event: ev.Event) -> None:
        if isinstance(event, kind) and not done:
            done.append(event)
            act()

    return see


def texts(session: VoiceSession) -> list[str]:
    return [each.text for each in session.history]


async def until(session: VoiceSession, ready: Callable[[], bool]) -> None:
    async for _ in session.events():
        if ready():
            return
