"""What a session uses, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from typing import Any

import pytest

from beluga_voice import events as ev
from beluga_voice.agent import Agent
from beluga_voice.contracts import Usage
from beluga_voice.contracts.llm import LLMChunk
from beluga_voice.errors import ConfigurationError, SessionError
from beluga_voice.session import VoiceSession
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedTTS,
    tool_call,
)
from beluga_voice.usage import Prices, SessionUsage, UsageLedger

PRICES = Prices(
    currency="EUR",
    stt_minute=0.6,
    tts_million_characters=15,
    million_input=2,
    million_cached=1,
    million_output=8,
    million_audio_input=40,
    million_audio_output=80,
)


def test_each_kind_of_token_has_its_own_price() -> None:
    def cost(**used: float) -> float | None:
        return SessionUsage(**used).cost(PRICES)  # type: ignore[arg-type]

    assert cost(stt_seconds=30) == pytest.approx(0.3)
    assert cost(tts_characters=1000) == pytest.approx(0.015)
    assert cost(input_tokens=1000, cached_tokens=400) == pytest.approx((600 * 2 + 400 * 1) / 1e6)
    assert cost(input_tokens=1000, audio_input_tokens=900) == pytest.approx((100 * 2 + 900 * 40) / 1e6)
    assert cost(output_tokens=50, audio_output_tokens=20) == pytest.approx((30 * 8 + 20 * 80) / 1e6)


def test_without_a_price_no_cost_is_told() -> None:
    assert SessionUsage(stt_seconds=60).cost(Prices()) is None


@pytest.mark.parametrize("wrong", [{"stt_minute": -1}, {"currency": "euro"}, {"million_input": 1e9}])
def test_prices_are_bounded(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Prices(**wrong)  # type: ignore[arg-type]


def test_answers_add_up() -> None:
    ledger = UsageLedger()
    for _ in range(2):
        ledger.see(ev.ModelAnswered(1.0, 1, "", "x", "", 0.5, None, 1, 100, 20, 30, 40, 5))
        ledger.see(ev.TextGiven(1.0, 1, "Hello.", 6))
        ledger.see(ev.TextStarted(1.0, 1))
    assert ledger.total(2.5) == SessionUsage(
        stt_seconds=2.5,
        tts_characters=12,
        input_tokens=200,
        output_tokens=40,
        cached_tokens=60,
        audio_input_tokens=80,
        audio_output_tokens=10,
    )


async def test_a_session_counts_what_it_uses_and_tells_it_right_before_its_end() -> None:
    async def clock() -> str:
        """Tell the time."""
        return "noon"

    line, vad, stt, tts = LoopbackTransport(), AmplitudeVAD(), ScriptedSTT(["what time is it"]), ScriptedTTS()
    llm = ScriptedLLM([tool_call("clock"), "It is noon. *"], usage=Usage(100, 10, 60))
    told: list[ev.Event] = []
    agent = Agent("Tell the time.", name="time", llm=llm, tools=[clock])
    session = VoiceSession(stt=stt, tts=tts, vad=vad, agent=agent, transport=line, prices=PRICES)
    session.on_event(told.append)
    assert session.usage == SessionUsage()
    async with vad, session:
        await line.speak(0.8)
        await line.silence(3.0)
        usage = session.usage
        await asyncio.sleep(0.1)
    sent = sum(len(frame) for stream in stt.streams for frame in stream.frames) / stt.sample_rate
    assert sent > 0.8
    assert usage == SessionUsage(
        stt_seconds=pytest.approx(sent),
        tts_characters=sum(map(len, tts.texts)),
        input_tokens=200,
        output_tokens=20,
        cached_tokens=120,
    )
    *_, measured, last = told
    assert isinstance(last, ev.SessionEnded)
    assert isinstance(measured, ev.UsageMeasured)
    assert (measured.tts_characters, measured.input_tokens) == (len("".join(tts.texts)), 200)
    assert measured.cost == pytest.approx(session.usage.cost(PRICES))
    assert measured.currency == "EUR"
    answers = [e for e in told if isinstance(e, ev.ModelAnswered)]
    assert [(e.finish, e.chunks, e.agent, e.provider) for e in answers] == [
        ("tool_calls", 0, "time", "ScriptedLLM"),
        ("stop", 1, "time", "ScriptedLLM"),
    ]
    assert all(e.first is not None and e.started <= e.first <= e.at for e in answers)


async def test_what_an_answer_took_in_several_parts_adds_up() -> None:
    class Telling(ScriptedLLM):
        async def stream(self, *arguments: Any, **named: Any) -> AsyncGenerator[LLMChunk, None]:
            yield Usage(5, 1, 2)
            async for chunk in super().stream(*arguments, **named):
                yield chunk

    llm = Telling(["Hello."], usage=Usage(100, 10))
    session = VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), agent=Agent("Talk.", llm=llm))
    async with session:
        session.send_text("hello")
        await asyncio.sleep(2)
    used = session.usage
    assert (used.input_tokens, used.output_tokens, used.cached_tokens) == (105, 11, 2)


async def test_an_answer_that_fails_and_one_that_is_cut_are_told() -> None:
    told: list[ev.Event] = []
    llm = ScriptedLLM([["Well, ", ValueError("no")], ["Once upon a time. ", 60.0]])
    session = VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), agent=Agent("Talk.", llm=llm))
    session.on_event(told.append)
    async with session:
        session.send_text("one")
        await asyncio.sleep(1)
        session.send_text("two")
        await asyncio.sleep(1)
        session.send_text("three")
        await asyncio.sleep(3)
    answers = [(e.finish, e.error) for e in told if isinstance(e, ev.ModelAnswered)]
    assert answers == [("error", "ValueError"), ("cut", ""), ("stop", "")]


async def test_opening_is_told_with_how_long_it_took_or_why_not() -> None:
    told: list[ev.Event] = []
    for fails in (False, True):
        session = VoiceSession(stt=ScriptedSTT(fails_to_open=fails), tts=ScriptedTTS())
        session.on_event(told.append)
        with pytest.raises(SessionError) if fails else nullcontext():
            await session.start()
            await session.stop()
    opened = [e for e in told if isinstance(e, ev.SessionOpened)]
    assert [bool(e.error) for e in opened] == [False, True]
    assert all(e.duration >= 0 for e in opened)
