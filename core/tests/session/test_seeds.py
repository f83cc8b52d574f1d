"""Whole conversations in hundreds of orders of ready tasks, each of which asyncio could have chosen."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.errors import ProviderError, SessionError
from beluga_voice.events import WhileCallerSpeaks
from beluga_voice.testing import (
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
    ScriptedTurnDetector,
    sounds,
)

SEEDS = int(os.environ.get("SESSION_SEEDS", "20"))
"""Orders in which each conversation is run."""

VOICE = sounds.speech_like(1.0)

Script = Callable[[Any], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


# -- the conversations --


async def _speak(rig: Any, duration: float) -> None:
    await rig.line.play(VOICE[: round(duration * 16000)])


async def _plain(rig: Any) -> None:
    for _ in range(2):
        await _speak(rig, 0.8)
        await rig.line.silence(1.6)


async def _barge_in(rig: Any) -> None:
    await _speak(rig, 0.6)
    await rig.line.silence(1.2)
    await _speak(rig, 0.7)
    await rig.line.silence(2.0)


async def _says(rig: Any) -> None:
    handles = [rig.session.say(f"This is number {n}.", priority=n % 2) for n in range(3)]
    talking = asyncio.create_task(_speak(rig, 0.5))
    await asyncio.sleep(0.2)
    handles += [rig.session.say("Now.", while_caller_speaks=mode) for mode in WhileCallerSpeaks]
    await asyncio.sleep(0.1)
    handles[2].cancel()
    await talking
    await rig.line.silence(1.0)
    handles.append(rig.session.say("The end.", allow_interruptions=False))
    await asyncio.gather(*handles)


async def _text(rig: Any) -> None:
    rig.session.send_text("one")
    await asyncio.sleep(0.31)
    rig.session.send_text("two")
    await asyncio.sleep(0.01)
    rig.session.say("In between.")
    await asyncio.sleep(0.2)
    rig.session.send_text("three")
    await asyncio.sleep(2)


async def _stt_fails(rig: Any) -> None:
    await _speak(rig, 0.9)
    await rig.line.silence(2.0)


async def _drain(rig: Any) -> None:
    rig.session.say("This is being said.")
    rig.session.say("This is not.")
    rig.session.say("This is protected.", allow_interruptions=False)
    await _speak(rig, 0.3)
    await rig.session.stop(drain=True)


async def _hang_up(rig: Any) -> None:
    await _speak(rig, 0.6)
    await rig.line.silence(1.0)
    rig.line.hang_up(ProviderError("cut"))
    await rig.session.wait_ended()


class _BreaksOnce(ScriptedSTT):
    async def open_stream(self) -> Any:
        if self.streams:
            self.fails_after = None
        return await super().open_stream()


CONVERSATIONS: dict[str, tuple[Script, Callable[[], dict[str, Any]]]] = {
    "plain": (_plain, lambda: {"hears": ["hello there", "good bye"]}),
    "barge-in": (
        _barge_in,
        lambda: {
            "stt": ScriptedSTT(["tell me a story", "stop it now"], interim=True, delay=0.05),
            "agent": ScriptedAgent([["Once upon ", 0.1, "a time there was. ", 0.1, "A king. " * 5], "Fine."]),
        },
    ),
    "says": (_says, lambda: {"hears": ["mhm"], "agent": None, "tts": ScriptedTTS(word_duration=0.1)}),
    "text": (_text, lambda: {"vad": None, "tts": ScriptedTTS(part_delay=0.05, word_duration=0.2)}),
    "the STT fails": (
        _stt_fails,
        lambda: {
            "stt": _BreaksOnce(["hello"], fails_after=0.7),
            "turn_detector": ScriptedTurnDetector(delay=0.05),
        },
    ),
    "the TTS fails": (_plain, lambda: {"tts": ScriptedTTS(fails_after=2), "config": {"apology": "Sorry."}}),
    "drain": (_drain, dict),
    "hang-up": (_hang_up, dict),
}


async def _hold(make: Any, name: str, stop_at: float | None = None, *, drain: bool = False) -> list[object]:
    """Hold a conversation, check what must hold of each, and return what was decided in it."""
    script, parts = CONVERSATIONS[name]
    rig = make(line=LoopbackTransport(frame_duration=0.04), **parts())
    streams = [rig.session.events(), rig.session.events()]
    readers = [asyncio.create_task(_read(stream)) for stream in streams]
    if rig.vad is not None:
        await rig.vad.open()
    async with rig.session:
        talking = asyncio.create_task(_talk(script, rig))
        if stop_at is None:
            await talking
        else:
            await asyncio.sleep(stop_at)
            await _stop(rig, drain=drain)
            talking.cancel()
            await asyncio.wait([talking])
    ended = asyncio.get_running_loop().time()
    count = len(rig.events)
    await asyncio.sleep(30)
    assert len(rig.events) == count, "nothing is told after the end"
    for events in await asyncio.gather(*readers):
        assert events == rig.events
    rig.check_nothing_is_left()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not rig.line.sent or rig.line.sent[-1].at <= ended
    _check_audio(rig)
    _check_utterances(rig)
    return _decided(rig)


async def _talk(script: Script, rig: Any) -> None:
    with suppress(SessionError):  # it was stopped meanwhile
        await script(rig)


async def _stop(rig: Any, *, drain: bool) -> None:
    with suppress(SessionError):  # it had ended before
        await rig.session.stop(drain=drain)


async def _read(stream: Any) -> list[ev.Event]:
    return [event async for event in stream]


def _check_audio(rig: Any) -> None:
    """Each sample goes to a stream once and in order, and to the next one again if no final had come of it."""
    for stream in rig.stt.streams:
        spans = [np.arange(f.position, f.position + len(f)) for f in stream.frames]
        positions = np.concatenate([np.zeros(0, int), *spans])
        assert np.all(np.diff(positions) > 0)
    # No two frames of the agent's overlap in time.
    times = [sent.at for sent in rig.line.sent]
    assert all(np.diff(times) > 0.0189)


def _check_utterances(rig: Any) -> None:
    """Every utterance ends once, and what was heard of it is in the history."""
    begun = {event.utterance for event in rig.of(ev.SayRequested)}
    begun |= {event.utterance for event in rig.of(ev.ReplyStarted)}
    ended = [event.utterance for event in rig.of(ev.UtteranceEnded)]
    assert sorted(ended) == sorted(begun)
    finals = {event.transcript for event in rig.of(ev.TranscriptReceived) if event.final and event.text}
    used: list[int] = []
    for event in rig.events:
        if isinstance(event, (ev.TurnClosed, ev.TurnCommitted)):
            used += event.transcripts
        elif isinstance(event, (ev.BackchannelHeard, ev.TranscriptDropped)):
            used.append(event.transcript)
    assert finals <= set(used), "every final ends as committed, backchannel or dropped"


def _decided(rig: Any) -> list[object]:
    """What must be the same in every order: the turns, and how each utterance ended."""
    turns = [(event.turn, event.text) for event in rig.of(ev.TurnClosed)]
    utterances = sorted(
        (event.utterance, event.outcome, event.heard, event.reason) for event in rig.of(ev.UtteranceEnded)
    )
    history = [(message.role, message.text, message.interrupted) for message in rig.session.history]
    return [turns, utterances, history, rig.states]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_is_the_same_in_every_order_of_ready_tasks(make: Any, name: str) -> None:
    expected = run_virtual(_hold(make, name))
    assert expected[1], "something was said"
    for seed in range(SEEDS):
        assert run_virtual(_hold(make, name), seed=seed) == expected, f"seed {seed}"


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_session_ends_in_order_whenever_it_is_stopped(make: Any, name: str) -> None:
    draw = random.Random(name)
    for seed in range(SEEDS // 2):
        stop_at = round(draw.uniform(0, 4), draw.choice([1, 2, 6]))
        run_virtual(_hold(make, name, stop_at, drain=draw.random() < 0.4), seed=seed)


async def test_sessions_one_after_the_other_leave_no_task_and_no_memory(make: Any) -> None:
    async def cycle() -> None:
        rig = make(vad=None, hears=["hello"])
        async with rig.session:
            rig.session.say("Hello.")
            rig.session.send_text("hello")
            await asyncio.sleep(0.1)
        rig.check_nothing_is_left()

    counts = []
    for number in range(70):
        await cycle()
        if number in (19, 69):
            gc.collect()
            counts.append(len(gc.get_objects()))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert counts[1] - counts[0] < 50, "less than one object a session"
