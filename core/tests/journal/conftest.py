"""Calls whose journals are at hand: a caller with a question, and one who barges in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedAgent, ScriptedSTT, ScriptedTTS
from beluga_voice.turns import TurnPolicy

QUESTION = "what about zebras"
OBJECTION = "rather giraffes instead"
ANSWER = "Elephants trumpet, hippos wallow, and the rhinoceros is of quite another opinion about it."


@dataclass
class Recorded:
    """A call that was recorded: its files, and what was told of it."""

    journal: Path
    wav: Path
    line: LoopbackTransport
    tts: ScriptedTTS
    events: list[ev.Event] = field(default_factory=list)


async def barge_in(line: LoopbackTransport) -> None:
    """Ask, take the floor from the answer, and hear out the next one."""
    await line.silence(1.0)
    await line.speak(1.0)
    await line.silence(2.0)
    await line.speak(1.2)
    await line.silence(6.0)


async def have_call(
    folder: Path, caller: Callable[[LoopbackTransport], Awaitable[None]] = barge_in, **config: Any
) -> Recorded:
    """Let a caller talk to an agent, on the running loop, and record it."""
    wav, journal = folder / "call.wav", folder / "call.jsonl"
    line = LoopbackTransport(input_sample_rate=config.pop("rate", 16000))
    tts = config.pop("tts", None) or ScriptedTTS()
    stt = config.pop("stt", None) or ScriptedSTT([QUESTION, OBJECTION], interim=True)
    config = {"record": str(wav), "journal": str(journal), **config}
    recorded = Recorded(journal, wav, line, tts)
    vad = AmplitudeVAD()
    await vad.open()
    session = VoiceSession(
        stt=stt,
        tts=tts,
        vad=vad,
        agent=config.pop("agent", None) or ScriptedAgent(otherwise=ANSWER),
        turn_detector=config.pop("detector", None),
        transport=line,
        turns=config.pop("turns", None) or TurnPolicy(),
        config=SessionConfig(**config),
    )
    session.on_event(recorded.events.append)
    async with asyncio.timeout(600), session:
        await caller(line)
    return recorded


@pytest.fixture(scope="package")
def call(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A call with a barge-in; its files are not to be changed."""
    return run_virtual(have_call(tmp_path_factory.mktemp("call")))
