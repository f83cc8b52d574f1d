"""Every code of the session's errors, raised by what it stands for; what waits, starts by itself, and retries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from beluga_voice import Agent as LLMAgent
from beluga_voice import events as ev
from beluga_voice.contracts import Agent, Turn
from beluga_voice.errors import ErrorCode, ProviderError, SessionError
from beluga_voice.events import EndReason, Outcome, SessionState
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.session.retries import Retries
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    S2SFault,
    ScriptedAgent,
    ScriptedLLM,
    ScriptedS2S,
    ScriptedSTT,
    ScriptedSTTStream,
    ScriptedTTS,
    ScriptedTTSStream,
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


def _time() -> float:
    return asyncio.get_running_loop().time()


async def _forever(*_: object) -> None:
    await asyncio.Event().wait()


async def _cancelled(*_: object) -> None:
    raise asyncio.CancelledError


async def _broken(*_: object) -> None:
    raise ZeroDivisionError("in the plugin")


# -- starting --


@pytest.mark.parametrize(
    ("fault", "code", "cause"),
    [
        (_forever, ErrorCode.TIMEOUT, ProviderError),
        (_cancelled, ErrorCode.CONTEXT_CANCELED, asyncio.CancelledError),
        (_broken, ErrorCode.INTERNAL_ERROR, ZeroDivisionError),
    ],
)
@pytest.mark.parametrize("part", ["tts", "stt", "transport"])
async def test_a_start_that_fails_says_by_its_code_why_and_names_the_provider(
    make: Any, part: str, fault: Any, code: ErrorCode, cause: type[BaseException]
) -> None:
    rig = make(vad=None)
    if part == "transport":
        rig.line.open = fault
    else:
        getattr(rig, part).open_stream = fault
    with pytest.raises(SessionError) as caught:
        await rig.session.start()
    error = caught.value
    assert (error.op, error.code, error.details["provider"]) == ("start", code, part)
    assert isinstance(error.cause, cause)
    assert error.retryable is (code is ErrorCode.TIMEOUT)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_an_agent_that_cannot_enter_the_session_is_named() -> None:
    class Agentless(Agent):
        def enter(self, call: object) -> Agent:
            raise LookupError("no such customer")

        def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
            raise NotImplementedError

    with pytest.raises(SessionError, match="LookupError: no such customer") as caught:
        VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), agent=Agentless())
    assert caught.value.code is ErrorCode.CONTEXT_ERROR


async def test_a_session_may_start_by_itself(make: Any) -> None:
    rig = make(vad=None, config={"auto_start": True})
    with pytest.raises(SessionError, match="starts by itself") as caught:
        await rig.session.start()
    assert caught.value.code is ErrorCode.SESSION_ALREADY_ACTIVE
    await rig.session.wait_started()
    assert rig.session.state is SessionState.LISTENING
    await rig.session.wait_started()
    await rig.session.stop()
    async with rig.session:
        assert rig.session.state is SessionState.LISTENING
    with pytest.raises(SessionError):
        await rig.session.wait_started()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_context_waits_for_a_session_that_starts_by_itself_and_a_stop_ends_its_start(
    make: Any,
) -> None:
    rig = make(vad=None, config={"auto_start": True}, line=LoopbackTransport(network_delay=2))
    async with rig.session:
        assert _time() == pytest.approx(2)
        assert rig.session.state is SessionState.LISTENING
    rig = make(vad=None, config={"auto_start": True}, line=LoopbackTransport(network_delay=2))
    await asyncio.sleep(1)
    await rig.session.stop()
    assert rig.session.state is SessionState.INITIAL
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_start_by_itself_that_fails_is_raised_to_who_waits_and_may_be_tried_again(make: Any) -> None:
    rig = make(vad=None, config={"auto_start": True}, stt=ScriptedSTT(fails_to_open=True))
    with pytest.raises(SessionError) as caught:
        await rig.session.wait_started()
    assert caught.value.code is ErrorCode.PROVIDER_INIT_FAILED
    rig.stt.fails_to_open = False
    async with rig.session:
        assert rig.session.state is SessionState.LISTENING


def test_a_session_that_starts_by_itself_needs_a_loop() -> None:
    with pytest.raises(SessionError, match="running event loop") as caught:
        VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), config=SessionConfig(auto_start=True))
    assert caught.value.code is ErrorCode.INVALID_CONFIG


# -- waiting --


async def test_who_waits_for_too_long_is_told_and_nothing_ends(running: Any) -> None:
    async with running(vad=None) as rig:
        handle = rig.session.say("One two three four five.")
        for waiting in (
            handle.wait_for_playout(timeout=0.1),
            rig.session.wait_ended(timeout=0.1),
            rig.session.process_transcript("tell me more", timeout=0.1),
        ):
            with pytest.raises(SessionError) as caught:
                await waiting
            assert caught.value.code is ErrorCode.CONTEXT_TIMEOUT
            assert caught.value.retryable
        assert rig.session.state is not SessionState.ENDED


async def test_a_session_that_is_ending_refuses_by_its_state_and_one_that_expired_says_so(make: Any) -> None:
    rig = make(vad=None, turns={"session_timeout": 60})
    await rig.session.start()
    closing = rig.line.aclose

    async def slow() -> None:
        with pytest.raises(SessionError, match="is ending") as caught:
            rig.session.say("hello")
        assert caught.value.code is ErrorCode.INVALID_STATE
        await closing()

    rig.line.aclose = slow
    assert await rig.session.wait_ended() is EndReason.TIMEOUT
    assert _time() == pytest.approx(60)
    for use in (lambda: rig.session.say("hello"), lambda: rig.session.process_audio(bytes(2))):
        with pytest.raises(SessionError, match="nothing happened for 60 s") as caught:
            use()
        assert caught.value.code is ErrorCode.SESSION_EXPIRED
        assert caught.value.details["state"] == "ended"
    with pytest.raises(SessionError):
        await rig.session.stop()
    assert rig.line.closed


# -- agents --


async def test_a_transcript_is_answered_by_what_was_heard_of_the_reply(running: Any) -> None:
    async with running(vad=None, agent=lambda turn: f"You said {turn.text}.") as rig:
        assert await rig.session.process_transcript("one") == "You said one."
        assert await rig.session.process_transcript("two") == "You said two."
        asking = asyncio.create_task(rig.session.process_transcript("three four five six"))
        await asyncio.sleep(0.8)
        rig.session.send_text("stop")
        assert await asking == "You said three"


async def _stalls(turn: Turn) -> AsyncIterator[str]:
    yield "One two. "
    await asyncio.Event().wait()


def _fails(turn: Turn) -> str:
    raise LookupError("no answer")


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"agent": _fails}, ErrorCode.AGENT_ERROR),
        ({"tts": ScriptedTTS(fails_after=1)}, ErrorCode.TTS_FAILED),
        ({"tts": ScriptedTTS(mute=True)}, ErrorCode.TTS_FAILED),
        ({"agent": _stalls}, ErrorCode.STREAM_ERROR),
        ({"agent": None}, ErrorCode.AGENT_NOT_CONFIGURED),
    ],
)
async def test_a_reply_that_fails_says_who_failed(
    running: Any, parts: dict[str, Any], code: ErrorCode
) -> None:
    async with running(vad=None, **parts) as rig:
        with pytest.raises(SessionError) as caught:
            await rig.session.process_transcript("one two three")
        assert (caught.value.op, caught.value.code) == ("process_transcript", code)
        assert rig.session.state in (SessionState.LISTENING, SessionState.PROCESSING)


async def test_a_reply_that_the_end_of_the_session_cuts_is_what_was_heard_of_it(make: Any) -> None:
    rig = make(vad=None, agent=ScriptedAgent([[1000.0]]))
    await rig.session.start()
    asking = asyncio.create_task(rig.session.process_transcript("one"))
    await asyncio.sleep(1)
    await rig.session.stop()
    assert await asking == ""


async def test_a_say_that_fails_keeps_its_error_and_raises_it_if_asked(running: Any) -> None:
    tts = ScriptedTTS(fails_after=0)
    async with running(vad=None, tts=tts) as rig:
        handle = rig.session.say("One two.")
        assert (await handle).outcome is Outcome.FAILED
        with pytest.raises(SessionError, match="speech fails") as caught:
            await handle.wait_for_playout(check=True)
        assert caught.value is handle.error
        assert caught.value.code is ErrorCode.TTS_FAILED
        tts.fails_after = None
        handle = rig.session.say("One two.")
        assert (await handle.wait_for_playout(check=True)).outcome is Outcome.PLAYED
        assert handle.error is None


async def test_an_agent_speaks_up_though_nobody_asked(running: Any) -> None:
    llm = ScriptedLLM(["Are you still there?", [LookupError("no model")]])
    async with running(vad=None, agent=LLMAgent("Be kind.", llm=llm)) as rig:
        spoken = await rig.session.speak_up("Ask whether they are there.")
        assert spoken.heard == "Are you still there?"
        assert "Ask whether they are there." in llm.requests[0].system
        with pytest.raises(SessionError) as caught:
            await rig.session.speak_up().wait_for_playout(check=True)
        assert caught.value.code is ErrorCode.AGENT_FAILED


@pytest.mark.parametrize(
    ("agent", "code"), [(None, ErrorCode.AGENT_NOT_SET), (ScriptedAgent(), ErrorCode.AGENT_INVALID)]
)
async def test_what_cannot_speak_up_is_refused(running: Any, agent: Any, code: ErrorCode) -> None:
    async with running(vad=None, agent=agent) as rig:
        with pytest.raises(SessionError) as caught:
            rig.session.speak_up()
        assert caught.value.code is code


async def test_an_interruption_cuts_what_may_be_cut_and_is_refused_over_protected_speech(
    running: Any,
) -> None:
    async with running(vad=None) as rig:
        rig.session.interrupt()
        handle = rig.session.say("One two three.")
        await asyncio.sleep(0.1)
        rig.session.interrupt()
        assert (await handle).outcome is Outcome.CUT
        protected = rig.session.say("Four five six.", allow_interruptions=False)
        await asyncio.sleep(0.1)
        with pytest.raises(SessionError) as caught:
            rig.session.interrupt()
        assert caught.value.code is ErrorCode.INTERRUPTION_ERROR
        assert (await protected).outcome is Outcome.PLAYED


# -- ends --


async def test_what_ends_a_session_is_raised_to_who_asks(make: Any) -> None:
    stt = ScriptedSTT(fails_after=0.1)
    rig = make(vad=None, stt=stt, config={"max_retries": 0})
    await rig.session.start()
    await rig.line.silence(0.2)
    with pytest.raises(SessionError) as caught:
        await rig.session.wait_ended(check=True)
    assert (caught.value.code, caught.value.details["provider"]) == (ErrorCode.STT_FAILED, "stt")
    assert await rig.session.wait_ended() is EndReason.ERROR

    rig = make(vad=None)
    await rig.session.start()
    rig.line.hang_up(ProviderError("cut"))
    with pytest.raises(SessionError, match="cut") as caught:
        await rig.session.wait_ended(check=True)
    assert caught.value.code is ErrorCode.TRANSPORT_ERROR


@pytest.mark.parametrize("part", ["stt", "tts", "transport"])
async def test_what_does_not_close_is_raised_to_who_asks(
    make: Any, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = {"stt": ScriptedSTTStream, "tts": ScriptedTTSStream, "transport": LoopbackTransport}
    monkeypatch.setattr(closes[part], "aclose", _forever)
    rig = make(vad=None, config={"close_deadline": 0.5})
    await rig.session.start()
    with pytest.raises(SessionError, match=part) as caught:
        await rig.session.stop(check=True)
    assert (caught.value.code, caught.value.details["left"]) == (ErrorCode.CLEANUP_FAILED, (part,))
    assert _time() == pytest.approx(0.5)


# -- retries and keep-alive --


def test_retries_grow_and_differ_by_chance_and_are_a_budget() -> None:
    config = SessionConfig(max_retries=4, retry_delay=2)

    def pauses(seed: str) -> list[float | None]:
        retries = Retries(config, seed)
        return [retries.next_pause() for _ in range(5)]

    drawn = pauses("a")
    assert drawn[4] is None
    assert np.allclose([pause or 0 for pause in drawn[:4]], [0.2, 2, 3, 4.5], rtol=0.1001)
    assert drawn == pauses("a")
    assert drawn != pauses("b")
    retries = Retries(SessionConfig(max_retries=1), "a")
    assert retries.next_pause() is not None
    assert retries.next_pause() is None
    retries.succeed()
    assert retries.next_pause() is not None
    assert Retries(SessionConfig(max_retries=0), "a").next_pause() is None


async def test_idle_streams_and_the_line_are_kept_alive_and_what_fails_is_told(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[str, float]] = []

    async def keeps(_: object) -> None:
        kept.append(("stt", _time()))

    async def fails(_: object) -> None:
        raise ProviderError("gone")

    monkeypatch.setattr(ScriptedSTTStream, "hold_open", keeps)
    monkeypatch.setattr(ScriptedTTSStream, "hold_open", fails)
    monkeypatch.setattr(LoopbackTransport, "hold_open", _forever)
    rig = make(vad=None, config={"keep_alive_interval": 5, "close_deadline": 0.5})
    await rig.session.start()
    await asyncio.sleep(11.5)
    assert kept == [("stt", 5), ("stt", pytest.approx(10.5))]
    told = [(e.kind, e.error) for e in rig.of(ev.ProviderFailed)]
    assert told == [("tts", "gone"), ("transport", "no keep-alive within 0.5 s")] * 2
    await rig.session.stop()
    rig.check_nothing_is_left()


async def test_without_keep_alive_nothing_is_kept_alive(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoopbackTransport, "hold_open", _broken)
    rig = make(vad=None, config={"enable_keep_alive": False, "keep_alive_interval": 5})
    async with rig.session:
        await asyncio.sleep(20)
    rig.check_nothing_is_left()


@pytest.mark.parametrize("fault", [S2SFault.REFUSES, S2SFault.FAILS])
async def test_a_model_that_hears_and_speaks_and_fails_is_named(fault: S2SFault) -> None:
    vad = AmplitudeVAD()
    await vad.open()
    session = VoiceSession(s2s=ScriptedS2S(["One two three."], faults=[fault]), vad=vad)
    async with session:
        with pytest.raises(SessionError) as caught:
            await session.process_transcript("hello")
        assert caught.value.code is ErrorCode.S2S_ERROR
