"""Conversations over a model with faults at random, tasks in random order: everything ends, nothing is left.

`S2S_SEEDS` sets how many conversations are held (3, and one that found a fault).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from typing import Any

import pytest

from beluga_voice import Agent
from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.events import EndReason, SessionState
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, S2SFault, ScriptedS2S, tool_call

SEEDS = int(os.environ.get("S2S_SEEDS", "3"))
FAULTS = sorted(set(S2SFault) - {S2SFault.BANNED})
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"commits": False},
    {"transcribes": False},
    {"detects_turns": True},
    {"detects_turns": True, "responds_by_itself": True},
    {"updates": False, "truncates": False},
)


def _model(draw: random.Random) -> ScriptedS2S:
    def answer(number: int) -> Any:
        call = tool_call("order", id=f"c{number}", number="7")
        return draw.choice(["one two three four five six seven", "Yes.", call, ("Wait.", call)])

    return ScriptedS2S(
        [answer(number) for number in range(40)],
        [draw.choice(["hello there", "stop", "mhm", "and so on", ""]) for _ in range(60)],
        part_delay=draw.choice([0, 0.1]),
        delay=draw.choice([0.05, 0.3, 0.8]),
        max_session=draw.choice([0, 20]),
        **draw.choice(KINDS),
    )


async def _talk(seed: int) -> None:
    draw = random.Random(seed)
    model, line, vad = _model(draw), LoopbackTransport(), AmplitudeVAD()
    clerk = Agent("You are a clerk.", tools=[order])
    config = SessionConfig(open_deadline=1, max_retries=10)
    finds = None if model.detects_turns else vad
    session = VoiceSession(s2s=model, vad=finds, agent=clerk, transport=line, config=config)
    events: list[ev.Event] = []
    session.on_event(events.append)
    async with vad, session:
        for _ in range(8):
            model.faults.update(dict.fromkeys(draw.sample(FAULTS, draw.choice([0, 1, 2])), 1))
            if draw.random() < 0.2:
                session.say("Some words to say.")
            elif draw.random() < 0.2:
                session.send_text("written words")
            await line.speak(draw.choice([0.2, 0.4, 1.0]))
            await line.silence(draw.choice([0.1, 0.5, 1.0]))
            await asyncio.sleep(draw.choice([0, 3]))
        model.faults.clear()
        await line.silence(1.0)
        await asyncio.sleep(25)
        assert session.state in (SessionState.LISTENING, SessionState.AWAY)
    _check(events)
    assert all(stream.closed for stream in model.streams)
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("beluga-voice")]


async def order(number: str) -> str:
    """Status of an order."""
    return f"{number} is shipped"


def _check(events: list[ev.Event]) -> None:
    """Every utterance has ended once, no bug was told, and the session ended when it was stopped."""
    begun = [e.utterance for e in events if isinstance(e, (ev.ReplyStarted, ev.SayRequested))]
    ended = [e.utterance for e in events if isinstance(e, ev.UtteranceEnded)]
    assert sorted(begun) == sorted(ended)
    assert not [e for e in events if isinstance(e, ev.ProviderFailed) and (e.kind == "session" or e.fatal)]
    assert isinstance(events[-1], ev.SessionEnded)
    assert events[-1].reason is EndReason.STOPPED


@pytest.mark.parametrize("seed", [11, *range(SEEDS)])  # 11 found a stream renewed for ever
def test_a_conversation_with_faults_at_random_ends_with_nothing_left(seed: int) -> None:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        run_virtual(_talk(seed), seed=seed)
    finally:
        logger.setLevel(before)
