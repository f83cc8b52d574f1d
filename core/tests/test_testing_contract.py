"""The fakes of the session contract: what each option of theirs does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from beluga_voice.agent import AgentState
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Turn, TurnContext
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ClosedError, ErrorCode, ProviderError, SessionError
from beluga_voice.events import Outcome, SessionState
from beluga_voice.testing import (
    FakeAgentInstance,
    FakeSession,
    LoopbackTransport,
    RecordingReceiver,
    ScriptedNoiseSuppressor,
    ScriptedSTT,
    ScriptedTTS,
    ScriptedTurnDetector,
    ScriptedVAD,
    assert_agent_state,
    assert_session_interface,
    assert_streaming_active,
    check_noise_suppressor,
    make_agent_context,
    make_session,
    make_streaming_state,
    sounds,
)

MINE = LookupError("mine")


# -- the session --


async def test_a_fake_session_starts_stops_and_counts_the_calls() -> None:
    session, states = FakeSession("s1"), []
    session.on_state_changed(states.append)
    assert (session.session_id, session.state, session.active) == ("s1", SessionState.INITIAL, False)
    await session.start()
    assert (session.state, session.active) == (SessionState.LISTENING, True)
    with pytest.raises(SessionError) as caught:
        await session.start()
    assert caught.value.code is ErrorCode.SESSION_ALREADY_ACTIVE
    await session.stop()
    with pytest.raises(SessionError) as caught:
        await session.stop()
    assert caught.value.code is ErrorCode.SESSION_NOT_ACTIVE
    assert states == [SessionState.LISTENING, SessionState.ENDED]
    assert session.calls == 4


async def test_a_fake_session_takes_its_delays_and_may_be_cancelled_in_them() -> None:
    session = FakeSession(processing_delay=0.5, network_delay=1.0)
    await session.start()
    assert asyncio.get_running_loop().time() == pytest.approx(1.5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session.stop(), 0.7)
    assert session.active


@pytest.mark.parametrize("op", ["start", "stop"])
async def test_a_fake_session_fails_as_it_is_told(op: str) -> None:
    with pytest.raises(LookupError, match="mine"):
        await getattr(FakeSession(active=op == "stop", error=MINE), op)()
    with pytest.raises(SessionError) as caught:
        await getattr(FakeSession(active=op == "stop", fails=True), op)()
    assert (caught.value.op, caught.value.code) == (op, ErrorCode.INTERNAL_ERROR)


async def test_a_fake_session_keeps_what_it_was_given_while_it_runs() -> None:
    session = FakeSession(active=True)
    handle = session.say("Hello.")
    session.send_text("hi")
    session.process_audio(bytes(640))
    assert handle.done
    assert (await handle).outcome is Outcome.PLAYED
    assert (session.said, session.written, session.heard) == (["Hello."], ["hi"], [bytes(640)])
    ended = FakeSession(stopped=True)
    assert ended.state is SessionState.ENDED
    for use in (lambda: ended.say("x"), lambda: ended.send_text("x"), lambda: ended.process_audio(bytes(2))):
        with pytest.raises(SessionError) as caught:
            use()
        assert caught.value.code is ErrorCode.SESSION_NOT_ACTIVE


async def test_a_made_session_answers_and_both_have_the_session_s_interface() -> None:
    session = make_session(lambda turn: "Fine.")
    async with session:
        session.send_text("how are you")
        await asyncio.sleep(2)
        assert [message.text for message in session.history] == ["how are you", "Fine."]
    assert_session_interface(session)
    assert_session_interface(FakeSession())
    with pytest.raises(AssertionError, match="object is no session: it lacks session_id, state"):
        assert_session_interface(object())


# -- the agent --


async def test_a_fake_instance_takes_any_state_and_streams_its_chunks() -> None:
    agent = FakeAgentInstance(AgentState.SPEAKING, chunks=["One. ", 1.0, "Two."])
    agent.state = AgentState.IDLE
    agent.state = AgentState.EXECUTING_TOOL
    assert_agent_state(agent, AgentState.EXECUTING_TOOL)
    with pytest.raises(AssertionError, match="is executing_tool, and should be idle"):
        assert_agent_state(agent, AgentState.IDLE)
    assert_streaming_active(agent, False)
    async with aclosing(agent.reply(Turn("hello", 1, (), "s"))) as chunks:
        assert await anext(chunks) == "One. "
        assert_streaming_active(agent)
        assert await anext(chunks) == "Two."
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)
    assert_streaming_active(agent, False)
    assert (agent.interruptions, agent.context.streaming.text) == (0, "One. Two.")


async def test_a_fake_instance_counts_its_interruptions_in_a_session() -> None:
    agent = FakeAgentInstance(chunks=["One two three four five. ", 60.0])
    async with make_session(agent) as session:
        session.send_text("hello")
        await asyncio.sleep(0.5)
        assert_streaming_active(agent)
        session.send_text("stop it")
        await asyncio.sleep(0.1)
        assert agent.interruptions == 1
        assert [turn.text for turn in agent.turns] == ["hello", "stop it"]
    assert agent.interruptions == 2
    assert agent.context.streaming.interrupted


def test_a_made_context_has_the_history_and_the_reply_that_it_is_given() -> None:
    said = Message(Role.CALLER, "hello", 1)
    streaming = make_streaming_state("Hel", active=False, interrupted=True)
    context = make_agent_context("s", [said], streaming=streaming)
    assert (context.session_id, context.history, context.streaming) == ("s", (said,), streaming)
    assert_streaming_active(context, False)
    with pytest.raises(AssertionError, match="a reply is not being given"):
        assert_streaming_active(make_agent_context(), True)


# -- providers: name, error, delays, and scripts that begin anew --


async def test_an_stt_cycles_its_script_and_is_late_and_fails_as_told() -> None:
    stt = ScriptedSTT(["one", "two"], cycle=True, network_delay=2.0, name="mine")
    stream = await stt.open_stream()
    assert asyncio.get_running_loop().time() == pytest.approx(2)
    heard = []
    for _ in range(5):
        for frame in sounds.frames(sounds.speech_like(0.3)):
            await stream.send(frame)
        await stream.finalize()
        heard.append((await stream.receive()).text)
    assert heard == ["one", "two", "one", "two", "one"]
    stt.error = MINE
    for use in (stream.send(frame), stream.finalize(), stream.receive(), stt.open_stream()):
        with pytest.raises(LookupError, match="mine"):
            await use
    with pytest.raises(ProviderError, match="STT 'mine' says"):
        await ScriptedSTT(fails_to_open=True, name="mine").open_stream()


async def test_a_tts_gives_its_audio_in_turn_and_is_late_and_fails_as_told() -> None:
    responses = [np.full(2400, 7, np.int16), np.full(1200, 9, np.int16)]
    tts = ScriptedTTS(audio=responses, network_delay=1.0, name="mine")
    stream = await tts.open_stream()
    assert asyncio.get_running_loop().time() == pytest.approx(1)
    for expected in (*responses, responses[0]):
        parts = [part.frame.samples async for part in stream.synthesize("whatever")]
        assert np.array_equal(np.concatenate(parts), expected)
    tts.error = MINE
    with pytest.raises(LookupError, match="mine"):
        await anext(stream.synthesize("x"))
    with pytest.raises(LookupError, match="mine"):
        await tts.open_stream()
    with pytest.raises(ProviderError, match="TTS 'mine' says"):
        await ScriptedTTS(fails_to_open=True, name="mine").open_stream()


async def test_a_turn_detector_gives_its_results_in_turn_and_fails_as_told() -> None:
    detector = ScriptedTurnDetector(results=[0.2, 0.9], network_delay=0.5, delay=0.1)
    context = TurnContext("hello", True, "en")
    assert [await detector.predict(context) for _ in range(3)] == [0.2, 0.9, 0.2]
    assert asyncio.get_running_loop().time() == pytest.approx(1.8)
    detector.error = MINE
    with pytest.raises(LookupError, match="mine"):
        await detector.predict(context)
    with pytest.raises(ProviderError, match="'mine' says"):
        await ScriptedTurnDetector(fails=True, name="mine").predict(context)


async def test_a_vad_gives_its_results_in_turn_and_fails_as_told() -> None:
    vad, scores = ScriptedVAD(results=[0.1, 0.8], name="mine"), []
    with pytest.raises(ClosedError, match="this mine is not open"):
        vad.open_stream(lambda *_: None)
    await vad.open()
    stream = vad.open_stream(lambda start, end, probability: scores.append(probability))
    stream.feed(AudioFrame(np.zeros(1536, np.int16), 16000, 0))
    assert scores == [0.1, 0.8, 0.1]
    vad.error = MINE
    with pytest.raises(LookupError, match="mine"):
        stream.feed(AudioFrame(np.zeros(512, np.int16), 16000, 1536))


async def test_a_noise_suppressor_keeps_its_contract_and_does_what_it_is_told() -> None:
    await check_noise_suppressor(lambda: ScriptedNoiseSuppressor(reduction=0.5))
    frame = AudioFrame(np.full(4, 100, np.int16), 16000, 0)
    suppressor = ScriptedNoiseSuppressor([np.array([1, 2], np.int16), np.arange(9, dtype=np.int16)])
    await suppressor.open()
    stream = suppressor.open_stream()
    assert [stream.process(frame, None).samples.tolist() for _ in range(3)] == [
        [1, 2, 0, 0],
        [0, 1, 2, 3],
        [1, 2, 0, 0],
    ]
    suppressor.error = MINE
    with pytest.raises(LookupError, match="mine"):
        stream.process(frame, None)
    await suppressor.aclose()
    with pytest.raises(ClosedError, match="'scripted' is not open"):
        suppressor.open_stream()


async def test_a_line_plays_its_audio_at_once_and_is_late_and_fails_as_told() -> None:
    line, receiver = (
        LoopbackTransport(audio=[sounds.speech_like(0.5)], network_delay=1.0),
        RecordingReceiver(),
    )
    await line.open(receiver)
    assert asyncio.get_running_loop().time() == pytest.approx(1)
    await asyncio.sleep(0.3)
    assert sum(len(frame) for frame in receiver.frames) == pytest.approx(4800, abs=320)
    await line.aclose()
    frame: Any = AudioFrame(np.zeros(480, np.int16), 24000, 0)
    with pytest.raises(ProviderError, match="'mine' is not connected"):
        LoopbackTransport(connected=False, name="mine").send_nowait(frame)
    failing = LoopbackTransport(error=MINE)
    with pytest.raises(LookupError, match="mine"):
        await failing.open(receiver)
    with pytest.raises(LookupError, match="mine"):
        failing.send_nowait(frame)
