"""The session's contract, as an application sees it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Turn
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ErrorCode, ProviderError, SessionError
from beluga_voice.events import EndReason, Outcome, SessionState, WhileCallerSpeaks
from beluga_voice.session import VoiceSession
from beluga_voice.testing import (
    LoopbackTransport,
    ScriptedAgent,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedTTS,
    sounds,
)

NAN = np.float32("nan")


# -- life --


async def test_a_session_starts_listens_and_ends(make: Any) -> None:
    rig = make(vad=None)
    assert rig.session.state is SessionState.INITIAL
    await rig.session.start()
    assert rig.session.state is SessionState.LISTENING
    await rig.session.stop()
    assert rig.states == [SessionState.LISTENING, SessionState.ENDED]
    assert await rig.session.wait_ended() is EndReason.STOPPED
    rig.check_nothing_is_left()


async def test_a_turn_is_heard_answered_and_kept(running: Any) -> None:
    async with running(hears=["what time is it"], agent=lambda turn: "It is noon.") as rig:
        await rig.line.speak(1.0)
        await rig.line.silence(3.0)
        assert [(m.role, m.text) for m in rig.session.history] == [
            ("caller", "what time is it"),
            ("agent", "It is noon."),
        ]
        assert np.array_equal(rig.line.heard, rig.tts.audio_of("It is noon."))
    rig.check_nothing_is_left()


async def test_a_second_start_is_refused_and_harms_nothing(running: Any) -> None:
    async with running() as rig:
        with pytest.raises(SessionError) as caught:
            await rig.session.start()
        assert caught.value.code is ErrorCode.SESSION_ALREADY_ACTIVE
        assert rig.session.state is SessionState.LISTENING


USES = {
    "stop": lambda session: session.stop(),
    "say": lambda session: session.say("hello"),
    "send_text": lambda session: session.send_text("hello"),
    "send_dtmf": lambda session: session.send_dtmf("1"),
    "process_audio": lambda session: session.process_audio(bytes(640)),
    "wait_ended": lambda session: session.wait_ended(),
}


@pytest.mark.parametrize("op", USES)
@pytest.mark.parametrize("when", ["before", "starting", "after"])
async def test_what_needs_a_running_session_says_so(make: Any, op: str, when: str) -> None:
    rig = make(vad=None)
    starting = None
    if when == "starting":
        rig.line.open = lambda _: asyncio.sleep(5)
        starting = asyncio.create_task(rig.session.start())
        await asyncio.sleep(1)
    elif when == "after":
        async with rig.session:
            pass
        if op == "wait_ended":
            return

    async def use() -> None:
        await USES[op](rig.session)  # type: ignore[misc]

    with pytest.raises(SessionError) as caught:
        await use()
    assert (caught.value.op, caught.value.code) == (op, ErrorCode.SESSION_NOT_ACTIVE)
    expected = {"before": "was not started", "starting": "still starting", "after": "has ended"}
    assert expected[when] in str(caught.value)
    if starting is not None:
        await starting
        await rig.session.stop()


async def test_an_ended_session_starts_again_and_remembers(make: Any) -> None:
    rig = make(line=None, vad=None)
    for number in (1, 2):
        async with rig.session:
            rig.session.send_text(f"hello {number}")
            await asyncio.sleep(2)
    assert rig.states.count(SessionState.ENDED) == 2
    assert [m.text for m in rig.session.history] == ["hello 1"] * 2 + ["hello 2"] * 2
    assert [(e.old, e.new) for e in rig.of(ev.StateChanged)][:1] == [
        (SessionState.INITIAL, SessionState.LISTENING)
    ]
    restarted = [(e.old, e.new) for e in rig.of(ev.StateChanged) if e.old is SessionState.ENDED]
    assert restarted == [(SessionState.ENDED, SessionState.LISTENING)]


@pytest.mark.parametrize(
    "part", ["stt", "tts", "vad", "agent", "transport", "turn_detector", "noise_suppressor"]
)
def test_parts_that_are_none_are_named(part: str) -> None:
    parts: dict[str, Any] = {"stt": ScriptedSTT(), "tts": ScriptedTTS(), part: "nonsense"}
    with pytest.raises(SessionError, match="str") as caught:
        VoiceSession(**parts)
    assert caught.value.code is (ErrorCode.AGENT_INVALID if part == "agent" else ErrorCode.INVALID_CONFIG)


def test_a_model_that_is_none_is_named_among_several() -> None:
    with pytest.raises(SessionError, match="llm is str; it must implement the LLM contract") as caught:
        VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), llm={"fast": ScriptedLLM([]), "deep": "nonsense"})  # type: ignore[dict-item]
    assert caught.value.code is ErrorCode.INVALID_CONFIG


def test_the_agent_that_answers_is_the_one_given() -> None:
    agent = ScriptedAgent()
    assert VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), agent=agent).agent is agent
    assert VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS()).agent is None


async def test_a_decision_is_told_with_what_led_to_it(make: Any) -> None:
    rig = make(vad=None, line=None)
    decisions: list[tuple[ev.Observed, Sequence[do.Command]]] = []
    rig.session.on_decision(lambda event, commands: decisions.append((event, commands)))
    async with rig.session:
        rig.session.send_text("hello")
    kinds = [type(event) for event, _ in decisions]
    assert kinds[0] is ev.SessionStarted
    assert kinds[-1] is ev.StopRequested
    (commands,) = [commands for event, commands in decisions if isinstance(event, ev.TextReceived)]
    assert [command.text for command in commands if isinstance(command, do.CommitTurn)] == ["hello"]


@pytest.mark.parametrize("part", ["stt", "tts", "transport"])
async def test_a_start_that_fails_raises_and_leaves_nothing_open(part: str) -> None:
    stt = ScriptedSTT(fails_to_open=part == "stt")
    tts = ScriptedTTS(fails_to_open=part == "tts")
    line = LoopbackTransport(fails_to_open=part == "transport")
    session = VoiceSession(stt=stt, tts=tts, transport=line)
    with pytest.raises(SessionError, match="script") as caught:
        await session.start()
    code = ErrorCode.TRANSPORT_FAILED if part == "transport" else ErrorCode.PROVIDER_INIT_FAILED
    assert caught.value.code is code
    assert isinstance(caught.value.cause, ProviderError)
    assert caught.value.details == {"provider": part}
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert all(stream.closed for stream in [*stt.streams, *tts.streams])
    assert line.closed is (part == "transport")
    assert session.state is SessionState.INITIAL
    stt.fails_to_open = tts.fails_to_open = line.fails_to_open = False
    async with session:
        assert session.state is SessionState.LISTENING


@pytest.mark.parametrize("part", ["stt", "tts", "transport"])
@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_start_that_hangs_is_bounded_and_may_be_cancelled(
    part: str, cancelled: bool, make: Any
) -> None:
    rig = make(vad=None, config={"open_deadline": 3})

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    if part == "transport":
        rig.line.open = hang
    else:
        getattr(rig, part).open_stream = hang
    starting = asyncio.create_task(rig.session.start())
    await asyncio.sleep(1)
    if cancelled:
        starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled() is cancelled
    if not cancelled:
        error = starting.exception()
        assert isinstance(error, SessionError)
        assert (error.code, error.retryable) == (ErrorCode.TIMEOUT, True)
        assert asyncio.get_running_loop().time() == pytest.approx(3)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert all(stream.closed for stream in [*rig.stt.streams, *rig.tts.streams])


async def test_a_restart_that_fails_leaves_the_session_as_it_had_ended(make: Any) -> None:
    rig = make(vad=None, line=None)
    async with rig.session:
        pass
    rig.tts.fails_to_open = True
    with pytest.raises(SessionError):
        await rig.session.start()
    assert rig.session.state is SessionState.ENDED
    assert await rig.session.wait_ended() is EndReason.STOPPED


async def test_many_may_stop_it_and_wait_for_its_end(make: Any) -> None:
    rig = make(vad=None)
    await rig.session.start()
    waiting = [asyncio.create_task(rig.session.wait_ended()) for _ in range(3)]
    await asyncio.sleep(1)
    await asyncio.gather(*(rig.session.stop() for _ in range(3)))
    assert await asyncio.gather(*waiting) == [EndReason.STOPPED] * 3
    rig.check_nothing_is_left()


async def test_one_who_gives_up_waiting_ends_nothing(running: Any) -> None:
    async with running() as rig:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.session.wait_ended(), 1)
        assert rig.session.state is SessionState.LISTENING


async def test_a_stop_without_drain_ends_one_that_drains(make: Any) -> None:
    rig = make(vad=None)
    await rig.session.start()
    handle = rig.session.say("word " * 100, allow_interruptions=False)
    await asyncio.sleep(1)
    draining = asyncio.create_task(rig.session.stop(drain=True))
    await asyncio.sleep(1)
    assert not draining.done()
    await rig.session.stop()
    await draining
    assert (await handle).outcome is Outcome.CUT
    assert asyncio.get_running_loop().time() == pytest.approx(2)


async def test_a_drain_plays_what_plays(make: Any) -> None:
    rig = make(vad=None)
    await rig.session.start()
    playing, queued = rig.session.say("One two three."), rig.session.say("Four.")
    kept = rig.session.say("Five six.", allow_interruptions=False)
    await asyncio.sleep(0.1)
    await rig.session.stop(drain=True)
    outcomes = [(await handle).outcome for handle in (playing, queued, kept)]
    assert outcomes == [Outcome.PLAYED, Outcome.CUT, Outcome.PLAYED]
    whole = [rig.tts.audio_of("One two three."), rig.tts.audio_of("Five six.")]
    assert np.array_equal(rig.line.heard, np.concatenate(whole))
    rig.check_nothing_is_left()


@pytest.mark.parametrize("drain", [False, True])
async def test_a_reply_that_stops_its_own_session_is_cut_and_does_not_hang(make: Any, drain: bool) -> None:
    rig: Any = None
    ends = []

    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "Good bye. "
        try:
            await rig.session.stop(drain=drain)
        finally:
            ends.append(asyncio.get_running_loop().time())

    rig = make(vad=None, agent=agent)
    await rig.session.start()
    rig.session.send_text("bye")
    await rig.session.wait_ended()
    assert len(ends) == 1
    assert asyncio.get_running_loop().time() < 12
    rig.check_nothing_is_left()


async def test_the_body_s_error_leaves_the_context_as_it_is(make: Any) -> None:
    rig = make(vad=None)
    with pytest.raises(ZeroDivisionError):
        async with rig.session:
            _ = 1 / 0
    rig.check_nothing_is_left()


# -- watching --


async def test_a_callback_may_ask_say_and_read_and_one_that_raises_changes_nothing(make: Any) -> None:
    rig = make(vad=None, agent=lambda turn: "Fine.")
    seen = []

    def watches(event: ev.Event) -> None:
        seen.append((rig.session.state, len(rig.session.history)))
        if isinstance(event, ev.TurnClosed):
            rig.session.say("From the callback.")
        raise RuntimeError("mine")

    rig.session.on_event(watches)
    rig.session.on_state_changed(lambda state: seen.append((rig.session.state is state, 0)))
    async with rig.session:
        rig.session.send_text("how are you")
        await asyncio.sleep(5)
    assert len(seen) > len(rig.events)
    assert {m.text for m in rig.session.history} == {"how are you", "From the callback.", "Fine."}


async def test_a_callback_may_have_the_session_stopped(make: Any) -> None:
    rig = make(vad=None)
    stopping: list[asyncio.Task[None]] = []
    rig.session.on_event(
        lambda event: (
            stopping.append(asyncio.create_task(rig.session.stop()))
            if isinstance(event, ev.PlayoutStarted)
            else None
        )
    )
    async with rig.session:
        ended = await rig.session.say("One two three.")
        assert ended.outcome is Outcome.CUT
        await asyncio.gather(*stopping)
    rig.check_nothing_is_left()


async def test_what_is_asked_for_as_the_session_ends_is_refused_and_nothing_follows_the_end(
    make: Any,
) -> None:
    rig = make(vad=None)
    codes = []

    def late(event: ev.Event) -> None:
        if isinstance(event, ev.SessionEnded):
            try:
                rig.session.say("One more thing.")
            except SessionError as error:
                codes.append(error.code)

    rig.session.on_event(late)
    async with rig.session:
        rig.session.say("Hello.")
        await asyncio.sleep(0.1)
    assert codes == [ErrorCode.INVALID_STATE]
    rig.check_nothing_is_left()


async def test_a_stream_of_events_gives_them_all_and_ends_with_the_session(make: Any) -> None:
    rig = make(vad=None)
    streams = [rig.session.events(), rig.session.events()]

    async def read(stream: AsyncIterator[ev.Event]) -> list[ev.Event]:
        return [event async for event in stream]

    readers = [asyncio.create_task(read(stream)) for stream in streams]
    async with rig.session:
        await rig.session.say("Hello.")
    assert await asyncio.gather(*readers) == [rig.events] * 2


async def test_the_state_a_callback_is_told_is_the_order_of_the_events(running: Any) -> None:
    async with running(
        hears=["hello", "stop"], agent=lambda turn: "A rather long answer to that it is."
    ) as rig:
        await rig.line.speak(0.8)
        await rig.line.silence(1.5)
        await rig.line.speak(0.8)
        await rig.line.silence(4)
    changes = rig.of(ev.StateChanged)
    assert [change.new for change in changes] == rig.states
    assert all(a.new is b.old for a, b in pairwise(changes))
    times = [event.at for event in rig.events if not isinstance(event, ev.TimerFired)]
    assert times == sorted(times)


# -- saying --


@pytest.mark.parametrize("text", ["", "  \n", "...", "😀!"])
async def test_a_say_without_a_word_is_refused(running: Any, text: str) -> None:
    async with running() as rig:
        with pytest.raises(SessionError) as caught:
            rig.session.say(text)
        assert caught.value.code is ErrorCode.EMPTY_TEXT
        with pytest.raises(SessionError):
            rig.session.send_text(" ")


async def test_says_are_played_in_order_of_priority_without_a_gap(running: Any) -> None:
    async with running(vad=None) as rig:
        handles = [rig.session.say("One.")]
        await asyncio.sleep(0.1)
        handles += [rig.session.say("Three."), rig.session.say("Two.", priority=5)]
        assert [(await handle).outcome for handle in handles] == [Outcome.PLAYED] * 3
        audio = [rig.tts.audio_of(text) for text in ("One.", "Two.", "Three.")]
        assert np.array_equal(rig.line.heard, np.concatenate(audio))
        times = [sent.at for sent in rig.line.sent]
        assert max(np.diff(times)) == pytest.approx(0.02)


async def test_queued_says_follow_each_other_within_a_frame_though_the_tts_is_slow(running: Any) -> None:
    async with running(vad=None, tts=ScriptedTTS(delay=0.5, word_duration=0.3)) as rig:
        texts = ("One two.", "Three four.", "Five six.", "Seven.")
        for handle in [rig.session.say(text) for text in texts]:
            await handle
        assert np.array_equal(rig.line.heard, np.concatenate([rig.tts.audio_of(text) for text in texts]))
        times = [sent.at for sent in rig.line.sent]
        assert times[0] == pytest.approx(0.5)
        assert max(np.diff(times)) == pytest.approx(0.02)  # that is no gap at all: a frame lasts as long


async def test_what_is_urgent_is_said_before_what_is_prepared_already(running: Any) -> None:
    async with running(vad=None, tts=ScriptedTTS(delay=0.2)) as rig:
        handles = [rig.session.say("One two three."), rig.session.say("Later.")]
        await asyncio.sleep(0.8)
        assert rig.tts.texts == ["One two three.", "Later."]
        handles.insert(1, rig.session.say("Now.", priority=1, allow_interruptions=False))
        ends = [(await handle).at for handle in handles]
        assert ends == sorted(ends)


async def test_the_first_frame_leaves_in_the_instant_of_the_first_audio(running: Any) -> None:
    async with running(vad=None, tts=ScriptedTTS(delay=0.123)) as rig:
        await rig.session.say("Hello.")
        (received,) = rig.of(ev.AudioReceived)
        assert rig.line.sent[0].at == received.at == pytest.approx(0.123)


@pytest.mark.parametrize(
    ("mode", "outcome", "begins"),
    [
        (WhileCallerSpeaks.WAIT, Outcome.PLAYED, "after"),
        (WhileCallerSpeaks.SPEAK, Outcome.PLAYED, "during"),
        (WhileCallerSpeaks.DROP, Outcome.CUT, "never"),
    ],
)
async def test_a_say_while_the_caller_speaks_does_as_asked(
    running: Any, mode: WhileCallerSpeaks, outcome: Outcome, begins: str
) -> None:
    async with running(agent=None) as rig:
        talking = asyncio.create_task(rig.line.speak(2.0))
        await asyncio.sleep(1.0)
        handle = rig.session.say("Hello.", while_caller_speaks=mode)
        await talking
        await rig.line.silence(3.0)
        ended = await handle
        assert ended.outcome is outcome
        if begins == "never":
            assert (ended.heard, rig.line.sent) == ("", [])
            assert ended.reason
        else:
            assert (rig.line.sent[0].at < 2.0) is (begins == "during")


@pytest.mark.parametrize("when", ["queued", "playing", "ended"])
async def test_a_handle_is_cancelled(running: Any, when: str) -> None:
    async with running(vad=None) as rig:
        first = rig.session.say("One two three.")
        second = rig.session.say("Four five six.")
        handle, wait = {"queued": (second, 0.5), "playing": (first, 0.5), "ended": (first, 1.0)}[when]
        await asyncio.sleep(wait)
        handle.cancel()
        handle.cancel()
        ends = [await first, await second]
        outcomes = [end.outcome for end in ends]
        expected = {
            "queued": [Outcome.PLAYED, Outcome.CUT],
            "playing": [Outcome.CUT, Outcome.PLAYED],
            "ended": [Outcome.PLAYED, Outcome.PLAYED],
        }
        assert outcomes == expected[when]
        if when == "playing":
            assert (ends[0].heard, ends[0].unheard) == ("One two", "three.")
            assert rig.line.flushed_at == [pytest.approx(0.5)]
        ended = [event.utterance for event in rig.of(ev.UtteranceEnded)]
        assert sorted(ended) == [-2, -1]


async def test_a_handle_of_an_ended_session_has_ended(make: Any) -> None:
    rig = make(vad=None)
    async with rig.session:
        handles = [rig.session.say("One."), rig.session.say("Two.", allow_interruptions=False)]
    assert all(handle.done for handle in handles)
    handles[0].cancel()
    assert [(await handle).outcome for handle in handles] == [Outcome.CUT] * 2


async def test_a_greeting_is_said_first(running: Any) -> None:
    async with running(config={"greeting": "Acme, hello."}) as rig:
        await asyncio.sleep(2)
        assert [m.text for m in rig.session.history] == ["Acme, hello."]


async def test_a_session_that_continues_another_knows_what_was_said_and_greets_nobody(running: Any) -> None:
    before = (Message(Role.AGENT, "Acme, hello.", 0), Message(Role.CALLER, "My name is Ann.", 1))
    async with running(vad=None, history=before, config={"greeting": "Acme, hello."}) as rig:
        await asyncio.sleep(2)
        rig.session.send_text("what is my name")
        await asyncio.sleep(5)
        assert rig.session.history[:2] == before
        assert [m.text for m in rig.session.history[2:]] == ["what is my name"] * 2
        assert rig.agent.turns[0].history[:2] == before


async def test_the_agent_waits_while_the_line_holds_it_and_goes_on_at_the_same_sample(running: Any) -> None:
    async with running(vad=None, agent=ScriptedAgent(["one two three four"])) as rig:
        rig.session.send_text("go")
        await asyncio.sleep(0.5)
        rig.line._receiver.hold(True)
        await asyncio.sleep(0.02)
        before = len(rig.line.heard)
        await asyncio.sleep(20)
        assert len(rig.line.heard) == before
        rig.line._receiver.hold(False)
        await asyncio.sleep(2)
        assert np.array_equal(rig.line.heard, rig.tts.audio_of("one two three four"))
        assert rig.of(ev.UtteranceEnded)[0].outcome is Outcome.PLAYED


async def test_a_line_that_is_held_from_the_start_is_no_stall(running: Any) -> None:
    async with running(vad=None, config={"greeting": "one two three"}) as rig:
        rig.line._receiver.hold(True)
        before = len(rig.line.heard)
        await asyncio.sleep(60)
        rig.line._receiver.hold(False)
        await asyncio.sleep(3)
        assert before < 960
        assert np.array_equal(rig.line.heard, rig.tts.audio_of("one two three"))
        assert [m.text for m in rig.session.history] == ["one two three"]


class BufferingLine(LoopbackTransport):
    """Has a buffer at its far end."""

    unplayed = 0.6


async def test_what_the_far_end_has_not_played_was_not_heard(running: Any) -> None:
    parts = {"line": BufferingLine(), "tts": ScriptedTTS(word_timestamps=True)}
    async with running(vad=None, agent=ScriptedAgent(["one two three four five"]), **parts) as rig:
        handle = rig.session.say("one two three four five")
        await asyncio.sleep(1.25)
        handle.cancel()
        assert (await handle).heard == "one two"


@pytest.mark.parametrize(
    ("reply", "said"), [([ValueError("x")], ["Sorry."]), (["Well, this is it. ", 2.0, ValueError("x")], [])]
)
async def test_an_apology_is_said_when_nothing_of_the_reply_was_heard(
    running: Any, reply: Any, said: list[str]
) -> None:
    async with running(vad=None, agent=ScriptedAgent([reply]), config={"apology": "Sorry."}) as rig:
        rig.session.send_text("hello")
        await asyncio.sleep(10)
        assert [m.text for m in rig.session.history if m.text == "Sorry."] == said


async def test_an_apology_that_fails_brings_no_other(running: Any) -> None:
    tts = ScriptedTTS(fails_after=0)
    async with running(vad=None, tts=tts, config={"apology": "Sorry."}) as rig:
        rig.session.send_text("hello")
        await asyncio.sleep(30)
        assert tts.texts == ["hello", "Sorry."]


async def test_text_cuts_the_agent_and_is_answered(running: Any) -> None:
    async with running(vad=None, agent=lambda turn: f"You wrote {turn.text} and nothing else.") as rig:
        rig.session.send_text("one")
        await asyncio.sleep(0.7)
        rig.session.send_text("two")
        await asyncio.sleep(3)
        texts = [(m.text, m.interrupted) for m in rig.session.history]
        assert texts == [
            ("one", False),
            ("You wrote", True),
            ("two", False),
            ("You wrote two and nothing else.", False),
        ]


# -- hearing --


@pytest.mark.parametrize(
    "audio",
    [
        b"",
        b"\0",
        bytes(641),
        AudioFrame(np.zeros(0, np.int16), 16000),
        AudioFrame(np.full(320, NAN), 16000),  # type: ignore[arg-type]
        AudioFrame(np.zeros((160, 2), np.int16), 16000),
        AudioFrame(np.zeros(320, np.int16), 8000),
        AudioFrame(np.zeros(320, np.int16), 5),
    ],
)
async def test_audio_that_is_none_is_refused_and_the_session_goes_on(make: Any, audio: Any) -> None:
    rig = make(line=None, vad=None)
    async with rig.session:
        rig.session.process_audio(bytes(640))
        with pytest.raises(SessionError) as caught:
            rig.session.process_audio(audio)
        assert caught.value.code is ErrorCode.INVALID_AUDIO
        rig.session.process_audio(AudioFrame(sounds.tone(0.013), 16000))
        assert len(rig.sent()) == 320 + 208


async def test_bad_frames_of_a_line_are_told_once_and_do_not_reach_it(running: Any) -> None:
    async with running() as rig:
        for _ in range(50):
            rig.line._receiver.process_audio(AudioFrame(np.zeros(0, np.int16), 16000))
        await rig.line.silence(0.1)
        rig.line._receiver.process_audio(AudioFrame(np.zeros(0, np.int16), 16000))
        assert [failed.kind for failed in rig.of(ev.ProviderFailed)] == ["transport"] * 2
        assert rig.session.state is SessionState.LISTENING


async def test_heard_text_after_a_cut_is_exact_with_word_times(running: Any) -> None:
    tts = ScriptedTTS(word_timestamps=True)
    async with running(vad=None, tts=tts) as rig:
        handle = rig.session.say("One two three four five six seven.")
        await asyncio.sleep(4 * 0.3 + 0.05)
        handle.cancel()
        assert (await handle).heard == "One two three four"


async def test_a_false_barge_in_loses_and_repeats_nothing(running: Any) -> None:
    text = "One two three four five six seven eight nine ten."
    async with running(hears=["mhm"], agent=None) as rig:
        handle = rig.session.say(text)
        await rig.line.silence(0.5)
        await rig.line.speak(0.4)
        await rig.line.silence(8)
        assert (await handle).outcome is Outcome.PLAYED
        assert rig.of(ev.UtteranceResumed)
        assert np.array_equal(rig.line.heard, rig.tts.audio_of(text))


async def test_an_echo_of_the_agent_does_not_stop_it(running: Any) -> None:
    text = "One two three four five six seven eight nine ten."
    turns = {"echo_by_transcript": "on"}
    async with running(hears=["two three four"], agent=None, turns=turns) as rig:
        handle = rig.session.say(text)
        await rig.line.silence(1.3)
        await rig.line.speak(0.8)
        await rig.line.silence(8)
        assert (await handle).outcome is Outcome.PLAYED
        assert [(e.text, e.reason) for e in rig.of(ev.TranscriptDropped)] == [("two three four", "echo")]
        assert [e.reason for e in rig.of(ev.UtteranceResumed)] == ["echo"]
        assert rig.session.history[0].text == text


async def test_keys_of_the_telephone_are_told_together(running: Any) -> None:
    async with running(agent=None) as rig:
        rig.line.press("12")
        rig.session.send_dtmf("3#4")
        await asyncio.sleep(1.9)
        assert [event.text for event in rig.of(ev.DtmfEntered)] == ["123"]
        await asyncio.sleep(0.2)
        rig.session.send_dtmf("#")
        rig.session.send_dtmf("5#")
        assert [event.text for event in rig.of(ev.DtmfEntered)] == ["123", "4", "#", "5"]


async def test_keys_are_answered_where_they_make_a_turn(running: Any) -> None:
    async with running(agent=lambda turn: f"You pressed {turn.text}.", turns={"dtmf": "turns"}) as rig:
        handle = rig.session.say("Press a key and then another one, please.")
        await asyncio.sleep(0.5)
        rig.line.press("42#")
        assert (await handle).outcome is Outcome.CUT
        await asyncio.sleep(3)
        assert [m.text for m in rig.session.history][1:] == ["42", "You pressed 42."]


async def test_too_many_keys_count_as_complete(running: Any) -> None:
    async with running(agent=None) as rig:
        rig.session.send_dtmf("1" * 130)
        assert [len(event.text) for event in rig.of(ev.DtmfEntered)] == [128]


async def test_a_key_that_there_is_not_is_refused_and_nothing_of_it_is_taken(running: Any) -> None:
    async with running(agent=None) as rig:
        with pytest.raises(SessionError, match="no key 'x'") as caught:
            rig.session.send_dtmf("12x")
        assert caught.value.code is ErrorCode.INVALID_OPTIONS
        rig.line.press("x1")
        assert [failed.kind for failed in rig.of(ev.ProviderFailed)] == ["transport"]
        await asyncio.sleep(3)
        assert not rig.of(ev.DtmfEntered)


async def test_a_preemptive_reply_is_heard_sooner_and_told_once(running: Any) -> None:
    delays = []
    for preemptive in ("off", "discard"):
        asked: list[tuple[str, bool, str]] = []

        async def agent(turn: Turn, asked: list[tuple[str, bool, str]] = asked) -> AsyncIterator[str]:
            asked.append((turn.text, turn.preemptive, turn.history[-1].text))
            await asyncio.sleep(0.5)
            yield "It is noon."

        stt = ScriptedSTT(["what time is it"], interim=True)
        async with running(stt=stt, agent=agent, turns={"preemptive": preemptive}) as rig:
            await rig.line.speak(1.5)
            await rig.line.silence(3)
            (closed,) = rig.of(ev.TurnClosed)
            delays.append(rig.of(ev.PlayoutStarted)[0].at - closed.at)
            assert [m.text for m in rig.session.history] == ["what time is it", "It is noon."]
            assert np.array_equal(rig.line.heard, rig.tts.audio_of("It is noon."))
        assert all(text == last for text, _, last in asked)
        assert asked[-1] == ("what time is it", preemptive == "discard", "what time is it")
    assert len(asked) > 1
    assert delays[1] <= delays[0] - 0.4


async def test_what_cannot_be_taken_back_waits_for_the_close(running: Any) -> None:
    done: list[tuple[float, str]] = []

    async def agent(turn: Turn) -> AsyncIterator[str]:
        assert turn.call is not None
        await turn.call.wait_turn_closed(turn.number)
        done.append((turn.call.now(), turn.text))
        yield "It is done."

    stt = ScriptedSTT(["book it", "for two"], interim=True)
    async with running(stt=stt, agent=agent, turns={"preemptive": "discard"}) as rig:
        await rig.line.speak(0.8)
        await rig.line.silence(0.63)
        await rig.line.speak(0.8)
        await rig.line.silence(3)
        closed = rig.of(ev.TurnClosed)
        assert [event.text for event in closed] == ["book it", "book it for two"]
        assert [text for _, text in done][-1] == "book it for two"
        assert all(at >= event.at for (at, _), event in zip(done, closed, strict=True))


@pytest.mark.parametrize(("judges", "reason"), [(True, "end of turn"), (False, "words at the close")])
async def test_a_recognizer_that_judges_turns_ends_one_over_the_agent_with_a_word(
    running: Any, judges: bool, reason: str
) -> None:
    stt = ScriptedSTT(["Tuesday"], interim=True, judges_turns=judges)
    async with running(stt=stt, agent=None) as rig:
        handle = rig.session.say("One two three four five six seven eight nine ten.")
        await rig.line.silence(0.5)
        await rig.line.speak(0.4)
        await rig.line.silence(3)
        assert (await handle).outcome is Outcome.CUT
        assert [event.reason for event in rig.of(ev.BargeIn)] == [reason]
        told = [(event.final, event.end_of_turn) for event in rig.of(ev.TranscriptReceived)]
        assert told[:2] == ([(False, False), (True, True)] if judges else [(False, None), (True, None)])


async def test_after_a_barge_in_nothing_more_of_it_is_heard(running: Any) -> None:
    async with running(hears=["stop it now"], agent=None, tts=ScriptedTTS(word_timestamps=True)) as rig:
        handle = rig.session.say("One two three four five six seven eight nine ten.")
        await rig.line.silence(0.5)
        await rig.line.speak(0.8)
        await rig.line.silence(5)
        ended = await handle
        (paused,) = rig.of(ev.UtterancePaused)
        assert ended.outcome is Outcome.CUT
        assert rig.line.sent[-1].at < paused.at
        assert len(ended.heard.split()) == pytest.approx(len(rig.line.heard) / 24000 / 0.3, abs=1)
        assert len(rig.line.flushed_at) == 1


async def test_an_ended_session_is_not_kept_by_what_is_left_of_it(make: Any) -> None:
    class Traced(VoiceSession):
        pass

    gc.collect()
    session: VoiceSession | None = Traced(stt=ScriptedSTT(), tts=ScriptedTTS())
    assert session is not None
    async with session:
        handle = session.say("Hello.")
        await handle
    session = None
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Traced]
    assert handle.done
