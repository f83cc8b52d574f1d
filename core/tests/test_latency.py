"""Where the silence before a reply went: segments without gap, by events alone and in whole conversations."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice import events as ev
from beluga_voice.agent import Agent
from beluga_voice.latency import LatencyLedger
from beluga_voice.session import VoiceSession
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedTTS,
    sounds,
    tool_call,
)

FRAME = 0.02
SEGMENTS = ("detection", "endpoint", "transcript", "agent", "tool", "sentence", "tts", "playout")

STOPPED = ev.SpeechStopped(10.25, 10.0)
CLOSED = ev.TurnClosed(10.6, 1, "hello", (1,), 10.0)
STARTED = ev.ReplyStarted(10.6, 1, 7)
MADE = (ev.TextStarted(10.8, 7), ev.AudioAwaited(10.9, 7), ev.AudioReceived(11.0, 7))
HEARD = ev.PlayoutStarted(11.05, 7)


def measure(*events: ev.Event, delay: float | None = 0.35) -> list[dict[str, float]]:
    """The segments that are not nothing, of each turn that was measured."""
    ledger = LatencyLedger()
    told = [ledger.see(event, delay if isinstance(event, ev.TurnClosed) else None) for event in events]
    names = (*SEGMENTS, "speaking")
    return [
        {name: round(getattr(each, name), 6) for name in names if getattr(each, name) > 1e-9}
        for each in told
        if each is not None
    ]


def test_each_segment_ends_where_the_next_begins() -> None:
    (segments,) = measure(STOPPED, CLOSED, STARTED, *MADE, HEARD)
    assert segments == {
        "detection": 0.25,
        "endpoint": 0.1,
        "transcript": 0.25,
        "agent": 0.2,
        "sentence": 0.1,
        "tts": 0.1,
        "playout": 0.05,
    }


def test_a_close_without_delay_waited_for_words() -> None:
    (segments,) = measure(STOPPED, CLOSED, STARTED, *MADE, HEARD, delay=None)
    assert (segments["detection"], segments["transcript"]) == (0.25, 0.35)


def test_a_tool_is_told_from_its_agent() -> None:
    tool = (
        ev.ToolStarted(10.65, 7, 1, "clock", 5.0),
        ev.ToolFinished(10.75, 7, 1, "clock", ev.ToolOutcome.DONE),
    )
    (segments,) = measure(STOPPED, CLOSED, STARTED, *tool, *MADE, HEARD)
    assert (segments["agent"], segments["tool"]) == (0.1, 0.1)


def test_what_was_prepared_before_the_close_took_no_time() -> None:
    early = (ev.ReplyStarted(10.3, 1, 7, preemptive=True), ev.TextStarted(10.4, 7), ev.AudioAwaited(10.5, 7))
    (segments,) = measure(STOPPED, *early, CLOSED, ev.ReplyKept(10.6, 1, 7), MADE[2], HEARD)
    assert segments["tts"] == 0.4
    assert "agent" not in segments


def test_a_piece_without_audio_leaves_the_agent_owing() -> None:
    silent = (ev.AudioAwaited(10.7, 7), ev.TextAwaited(10.72, 7))
    (segments,) = measure(STOPPED, CLOSED, STARTED, *silent, *MADE, HEARD)
    assert (segments["agent"], segments["tts"]) == (0.18, 0.12)


def test_what_else_the_caller_heard_was_no_silence() -> None:
    filler = (ev.PlayoutStarted(10.65, -1), ev.PlayoutFinished(10.85, -1))
    (segments,) = measure(STOPPED, CLOSED, STARTED, filler[0], MADE[0], filler[1], *MADE[1:], HEARD)
    assert segments["speaking"] == 0.2
    assert sum(segments.values()) == pytest.approx(1.05)


def test_only_the_first_sample_of_a_reply_to_a_closed_turn_is_measured() -> None:
    assert measure(STOPPED, STARTED, *MADE, HEARD) == []
    assert measure(STOPPED, CLOSED, STARTED, ev.PlayoutStarted(11.0, -1)) == []
    assert len(measure(STOPPED, CLOSED, STARTED, *MADE, HEARD, HEARD)) == 1
    cut = ev.UtteranceEnded(10.95, 7, ev.Source.REPLY, ev.Outcome.CUT)
    assert measure(STOPPED, CLOSED, STARTED, *MADE[:2], cut, HEARD) == []


def test_a_turn_that_goes_on_counts_from_its_last_sound() -> None:
    again = (ev.SpeechStopped(12.25, 12.0), ev.TurnClosed(12.35, 1, "hello you", (1, 2), 12.0))
    late = (ev.ReplyStarted(12.35, 1, 8), ev.AudioAwaited(12.5, 8), ev.PlayoutStarted(12.6, 8))
    (segments,) = measure(STOPPED, CLOSED, STARTED, *again, *late)
    assert sum(segments.values()) == pytest.approx(0.6)


# -- whole conversations, on the virtual clock --


delays = st.sampled_from([0.0, 0.013, 0.02, 0.11, 0.4, 0.9])


@given(
    speech=st.floats(0.3, 1.2),
    stt=delays,
    thinks=delays,
    tool=delays,
    between=delays,
    tts=delays,
    say_at=st.one_of(st.none(), st.floats(0.0, 1.5)),
    frame=st.sampled_from([0.02, 0.04]),
)
@settings(max_examples=30, deadline=None)
async def test_the_segments_sum_to_the_silence_that_the_caller_heard(
    speech: float,
    stt: float,
    thinks: float,
    tool: float,
    between: float,
    tts: float,
    say_at: float | None,
    frame: float,
) -> None:
    async def clock() -> str:
        """Tell the time."""
        await asyncio.sleep(tool)
        return "noon"

    llm = ScriptedLLM([[thinks, tool_call("clock")], ["It is ", between, "noon. ", "Is that all?"]])
    vad, line = AmplitudeVAD(), LoopbackTransport(frame_duration=frame)
    measured: list[ev.TurnMeasured] = []
    heard: list[ev.Event] = []
    session = VoiceSession(
        stt=ScriptedSTT(["what time is it"], delay=stt),
        tts=ScriptedTTS(delay=tts),
        agent=Agent("Tell the time.", name="time", llm=llm, tools=[clock]),
        vad=vad,
        transport=line,
    )
    session.on_event(lambda e: measured.append(e) if isinstance(e, ev.TurnMeasured) else heard.append(e))
    loop = asyncio.get_running_loop()
    async with vad, session:
        await line.silence(0.3)
        await line.play(sounds.speech_like(speech))
        last_sound = loop.time()
        if say_at is not None:
            loop.call_later(say_at, session.say, "One moment.")
        await line.silence(7.0)
    (turn,) = measured
    assert turn.silence + turn.speaking == pytest.approx(turn.at - turn.speech_end)
    assert turn.speech_end == pytest.approx(last_sound, abs=0.05)
    # What was on the wire, and what was not, between the two.
    sounding = [sent.at for sent in line.sent if turn.speech_end - FRAME < sent.at < turn.at - 1e-9]
    silence = turn.at - turn.speech_end - len(sounding) * FRAME
    assert turn.silence == pytest.approx(silence, abs=FRAME + 1e-6)
    (reply,) = [e for e in heard if isinstance(e, ev.PlayoutStarted) and e.utterance == turn.utterance]
    assert any(sent.at == pytest.approx(reply.at, abs=1e-6) for sent in line.sent)
