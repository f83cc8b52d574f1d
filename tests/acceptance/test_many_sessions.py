"""Two hundred sessions at once, with faults at random, for ten minutes of virtual time: every promise holds.

The promises are those of `docs/topics/reliability.md` that concern one session. `SESSIONS` and `MINUTES` in the
environment scale it, `SEED` draws other faults, and another order of ready tasks.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import weakref
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from beluga_voice import SessionConfig, SessionError, SessionState, Turn, TurnPolicy, VoiceSession
from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.contracts import Agent
from beluga_voice.errors import ProviderError
from beluga_voice.events import Outcome
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedSTT,
    ScriptedTTS,
    ScriptedTurnDetector,
    sounds,
)
from beluga_voice.turns import can_change

SESSIONS = int(os.environ.get("SESSIONS", "200"))
MINUTES = float(os.environ.get("MINUTES", "10"))
SEED = os.environ.get("SEED", "1")

VOICE = sounds.speech_like(2.0)
SILENCE = sounds.silence(0.5)
POLICY = TurnPolicy(first_text=4, first_audio=3, stall=2, session_timeout=60, turn_limit=20)
CONFIG = {"close_deadline": 0.5, "retry_delay": 0.2, "open_deadline": 3.0, "keep_alive_interval": 5.0}

PRE_ROLL = round(POLICY.pre_roll * 16000)

LONGEST_PROCESSING = POLICY.first_text + POLICY.first_audio + POLICY.stall + POLICY.turn_limit
"""Seconds that a session may be `processing`: the sum of its deadlines, and of a turn that holds its reply."""


class FaultyAgent(Agent):
    """Answers, or does one of the things that no agent should."""

    def __init__(self, draw: random.Random, faults: Counter[str]) -> None:
        self._draw = draw
        self._faults = faults

    async def reply(self, turn: Turn) -> AsyncIterator[str]:  # type: ignore[override]
        fault = self._draw.choice(
            ["", "", "", "", "raises", "hangs", "hangs midway", "deaf", "silent", "cancelled"]
        )
        if fault:
            self._faults[f"agent {fault}"] += 1
        match fault:
            case "raises":
                yield "One. "
                raise LookupError("gone")
            case "hangs":
                await asyncio.Event().wait()
            case "hangs midway":
                yield "One two. "
                await asyncio.Event().wait()
            case "deaf":
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(1.0)
            case "silent":
                return
            case "cancelled":
                raise asyncio.CancelledError
        yield f"You said {turn.text}. "
        await asyncio.sleep(self._draw.choice([0.0, 0.2]))
        yield "And that is all."


class Caller:
    """One caller after the other, until the time is over; each call is checked when it has ended."""

    def __init__(self, number: int, vad: AmplitudeVAD, until: float, faults: Counter[str]) -> None:
        self._draw = random.Random(f"{SEED} {number}")
        self._vad = vad
        self._until = until
        self._faults = faults
        self.counts: Counter[str] = Counter()
        self.sessions: list[weakref.ref[VoiceSession]] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._draw.uniform(0, 10))
        while loop.time() < self._until:
            await self._call()
            await asyncio.sleep(self._draw.uniform(0, 20))

    def _fault(self, name: str, one_in: int) -> bool:
        happens = self._draw.random() < 1 / one_in
        if happens:
            self._faults[name] += 1
        return happens

    def _parts(self) -> dict[str, Any]:
        stt = ScriptedSTT(
            ["hello there", "mhm", "stop", "what time is it"] * 5,
            interim=self._draw.random() < 0.5,
            delay=self._draw.choice([0.05, 0.2, 0.6]),
            fails_to_open=self._fault("stt does not open", 20),
            fails_after=self._draw.uniform(1, 3) if self._fault("stt breaks", 5) else None,
            hangs=self._fault("stt hangs", 12),
            send_delay=1000.0 if self._fault("stt takes no audio", 15) else 0.0,
        )
        tts = ScriptedTTS(
            sample_rate=8000,
            word_duration=0.2,
            word_timestamps=self._draw.random() < 0.5,
            fails_to_open=self._fault("tts does not open", 20),
            fails_after=2 if self._fault("tts breaks", 8) else None,
            hangs_after=self._draw.choice([0, 2]) if self._fault("tts hangs", 8) else None,
            mute=self._fault("tts is mute", 15),
        )
        line = LoopbackTransport(
            frame_duration=0.1, output_sample_rate=8000, fails_to_open=self._fault("line does not open", 20)
        )
        if self._fault("line never opens", 30):
            line.network_delay = 1e6
        return {
            "stt": stt,
            "tts": tts,
            "vad": self._vad,
            "agent": FaultyAgent(self._draw, self._faults),
            "transport": line,
            "turn_detector": ScriptedTurnDetector(fails=self._fault("turn detector fails", 6)),
        }

    async def _call(self) -> None:
        parts, told = self._parts(), []
        session = VoiceSession(config=SessionConfig(**CONFIG), turns=POLICY, **parts)  # type: ignore[arg-type]
        self.sessions.append(weakref.ref(session))
        session.on_event(told.append)
        if self._fault("callback raises", 6):
            session.on_event(self._raises)
        try:
            await session.start()
        except SessionError as error:
            self.counts[f"start: {error.code}"] += 1
            assert session.state is SessionState.INITIAL
            check_closed(parts)
            return
        handles: list[Any] = []
        with suppress(SessionError):  # it has ended meanwhile
            await self._talk(session, parts["transport"], handles)
        await self._end(session)
        self.counts["calls"] += 1
        for handle in handles:
            assert handle.done, "every handle ends"
        check(session, parts, told)
        for event in told:
            if isinstance(event, ev.UtteranceEnded):
                self.counts[f"utterance {event.outcome}"] += 1

    def _raises(self, event: ev.Event) -> None:
        if self._draw.random() < 0.05:
            raise self._draw.choice([ZeroDivisionError, asyncio.CancelledError])

    async def _talk(self, session: VoiceSession, line: LoopbackTransport, handles: list[Any]) -> None:
        for _ in range(self._draw.randrange(1, 6)):
            match self._draw.choice(["speak", "speak", "speak over", "write", "say", "silence", "hang up"]):
                case "speak":
                    await line.silence(self._draw.choice([0.0, 3.0]))
                    await line.play(VOICE[: round(self._draw.uniform(0.1, 1.2) * 16000)])
                    await line.play(SILENCE)
                case "speak over":
                    handles.append(session.say("One two three four five six seven.", priority=1))
                    await asyncio.sleep(0.3)
                    await line.play(VOICE[: round(self._draw.uniform(0.1, 1.0) * 16000)])
                    await line.play(SILENCE)
                case "write":
                    session.send_text("hello")
                case "say":
                    handles.append(session.say("One two.", allow_interruptions=self._draw.random() < 0.5))
                    if self._draw.random() < 0.3:
                        handles[-1].cancel()
                case "silence":
                    await asyncio.sleep(self._draw.uniform(0, 35))
                case "hang up":
                    if self._fault("line breaks", 2):
                        line.hang_up(ProviderError("cut"))
                        await asyncio.sleep(1)
            await asyncio.sleep(self._draw.uniform(0, 6))

    async def _end(self, session: VoiceSession) -> None:
        loop, drain = asyncio.get_running_loop(), self._draw.random() < 0.3
        began = loop.time()
        with suppress(SessionError):
            await session.stop(drain=drain)
        if not drain:
            # Tasks, STT, hearing, TTS, line: each has its deadline, those that take no notice three.
            assert loop.time() - began <= 0.1 + 7 * CONFIG["close_deadline"], "a stop is bounded"
        assert loop.time() - began <= 60, "and so is one that lets the caller hear the rest"


def check_closed(parts: dict[str, Any]) -> None:
    """Nothing that a session opened is open."""
    assert all(stream.closed for stream in (*parts["stt"].streams, *parts["tts"].streams))


def check(session: VoiceSession, parts: dict[str, Any], told: list[ev.Event]) -> None:
    """Hold what is promised of every session, by all that it has told."""
    check_closed(parts)
    parts["vad"].streams[:] = [stream for stream in parts["vad"].streams if not stream.closed]
    assert parts["transport"].closed
    assert session.state is SessionState.ENDED
    assert isinstance(told[-1], ev.SessionEnded), "nothing is told after the end"
    check_states([event for event in told if isinstance(event, ev.StateChanged)])
    check_utterances(session, told)
    check_words(told)
    check_turns(told)
    check_audio(parts, told)


def check_states(changes: list[ev.StateChanged]) -> None:
    """Each change is legal, follows from the one before, and no state but listening lasts without an end."""
    assert changes[0].old is SessionState.INITIAL
    assert changes[-1].new is SessionState.ENDED
    assert all(can_change(change.old, change.new) for change in changes)
    for one, other in pairwise(changes):
        assert one.new is other.old
        if one.new is SessionState.PROCESSING:
            assert other.at - one.at <= LONGEST_PROCESSING, "every wait on agent and TTS is bounded"


def check_utterances(session: VoiceSession, told: list[ev.Event]) -> None:
    """Every utterance ends once; the history holds of each what was heard, and nothing else."""
    begun = [event.utterance for event in told if isinstance(event, (ev.SayRequested, ev.ReplyStarted))]
    ended = [event for event in told if isinstance(event, ev.UtteranceEnded)]
    assert sorted(begun) == sorted(event.utterance for event in ended)
    kept = [event for event in ended if event.reason != "the caller went on"]  # else the reply is taken back
    heard = [event.heard for event in kept if event.heard]
    spoken = " ".join(message.text for message in session.history if message.role == "agent")
    assert all(text in spoken for text in heard), (heard, spoken)
    words = sum(len(event.heard.split()) for event in ended)
    assert len(spoken.split()) <= words, "nobody heard more than that"
    started = {event.utterance for event in told if isinstance(event, ev.PlayoutStarted)}
    assert all(event.utterance in started for event in ended if event.heard)


def check_words(told: list[ev.Event]) -> None:
    """Every final transcript ends as exactly one of: of a turn, backchannel, dropped with a reason."""
    finals = {e.transcript for e in told if isinstance(e, ev.TranscriptReceived) if e.final and e.text}
    turns: set[int] = set()
    others: list[int] = []
    for event in told:
        if isinstance(event, (ev.TurnClosed, ev.TurnCommitted)):
            turns.update(event.transcripts)
        elif isinstance(event, (ev.BackchannelHeard, ev.TranscriptDropped)):
            others.append(event.transcript)
    assert finals <= turns | set(others)
    assert not turns & set(others) & finals
    assert len(others) == len(set(others))


def check_turns(told: list[ev.Event]) -> None:
    """A turn that has opened closes, is dropped, or is kept at the end."""
    opened: tuple[int, float] | None = None
    for event in told:
        if isinstance(event, ev.TurnOpened):
            assert opened is None or event.turn < opened[0], (
                "only one that goes on with the turn before may follow"
            )
            opened = event.turn, event.at
        elif isinstance(event, (ev.TurnClosed, ev.TurnDropped, ev.TurnCommitted)) and opened is not None:
            assert event.at - opened[1] <= POLICY.turn_limit + 1, "a turn has an end"
            opened = None
    assert opened is None


def check_audio(parts: dict[str, Any], told: list[ev.Event]) -> None:
    """Samples go to each stream of the STT once, in order, from the pre-roll on; the agent's frames do not overlap.

    A stream that takes the place of one that failed hears the open turn again.
    """
    spans: list[tuple[int, int]] = []
    for stream in parts["stt"].streams:
        own = [(frame.position, frame.position + len(frame)) for frame in stream.frames]
        assert all(one[1] <= other[0] for one, other in pairwise(own))
        spans += own
    if parts["stt"].fails_after is None and not parts["stt"].send_delay:
        sent = {sample for span in spans for sample in range(*span, 160)}
        for event in told:
            if isinstance(event, ev.SpeechStarted):
                first = max(0, event.position - PRE_ROLL) // 160 * 160 + 160
                missing = set(range(first, event.position, 160)) - {sample // 160 * 160 for sample in sent}
                assert not missing, "the first syllable is not lost"
    times = [sent.at for sent in parts["transport"].sent]
    assert np.all(np.diff(times) > 0.0189)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_promise_holds_for_many_sessions_with_faults_at_random() -> None:
    faults: Counter[str] = Counter()
    callers: list[Caller] = []

    async def run() -> None:
        vad = AmplitudeVAD()
        await vad.open()
        callers.extend(Caller(number, vad, MINUTES * 60, faults) for number in range(SESSIONS))
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller.run())
        assert vad.streams == []
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing runs when all have ended"

    run_virtual(run(), seed=int(SEED))
    counts = sum((caller.counts for caller in callers), Counter())
    assert counts["calls"] >= SESSIONS * MINUTES / 4
    kinds = {f"utterance {outcome}" for outcome in Outcome}
    assert kinds <= counts.keys(), "utterances were played, cut and failed"
    if SESSIONS * MINUTES >= 100:
        assert len(faults) == 19, f"every fault has happened: {sorted(faults)}"
    gc.collect()
    alive = [ref for caller in callers for ref in caller.sessions if ref() is not None]
    assert len(alive) == 0, "what has ended is forgotten"
