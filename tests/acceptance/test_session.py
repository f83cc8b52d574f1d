"""The contract of a session, method by method, as the suite of its predecessor holds it; in virtual time.

Two things differ on purpose. `process_audio` leads to `processing` once the caller's turn is over (rule 18), not
with the first frame; and a megabyte at once is split and heard, not refused.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from beluga_voice import ErrorCode, SessionConfig, SessionError, SessionState
from beluga_voice.contracts import NoiseSuppressor
from beluga_voice.errors import ProviderError
from beluga_voice.events import Outcome
from beluga_voice.testing import ScriptedAgent, ScriptedNoiseSuppressor, ScriptedSTT, ScriptedTTS
from beluga_voice.turns import TRANSITIONS, can_change

INITIAL, LISTENING, PROCESSING = SessionState.INITIAL, SessionState.LISTENING, SessionState.PROCESSING
SPEAKING, AWAY, ENDED = SessionState.SPEAKING, SessionState.AWAY, SessionState.ENDED


async def cancelled_at_once(work: Any) -> None:
    """Run `work` in a task that is cancelled before it begins."""
    task = asyncio.ensure_future(work)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# -- start --


async def test_start_goes_from_initial_to_listening(make: Any) -> None:
    fed = make()
    assert fed.session.state is INITIAL
    await fed.session.start()
    assert fed.session.state is LISTENING
    assert fed.states == [LISTENING]
    await fed.session.stop()


async def test_a_second_start_is_an_error_and_the_session_goes_on(make: Any) -> None:
    fed = make()
    async with fed.session:
        with pytest.raises(SessionError) as caught:
            await fed.session.start()
        assert (caught.value.op, caught.value.code) == ("start", ErrorCode.SESSION_ALREADY_ACTIVE)
        assert fed.session.state is LISTENING


async def test_a_start_that_is_cancelled_leaves_the_session_as_it_was(make: Any) -> None:
    fed = make()
    await cancelled_at_once(fed.session.start())
    assert fed.session.state is INITIAL
    async with fed.session:
        assert fed.session.state is LISTENING


async def test_start_after_stop_begins_anew(make: Any) -> None:
    fed = make()
    for _ in range(5):
        await fed.session.start()
        await fed.session.stop()
    assert fed.states == [LISTENING, ENDED] * 5


async def test_an_id_is_made_up_where_none_is_given_and_each_is_another(make: Any) -> None:
    ids = {make().session.session_id for _ in range(200)}
    assert len(ids) == 200
    assert all(ids)
    assert make(config=SessionConfig(session_id="call-7")).session.session_id == "call-7"


# -- stop --


async def test_stop_goes_to_ended_and_keeps_the_id(make: Any) -> None:
    fed = make()
    name = fed.session.session_id
    await fed.session.start()
    await fed.session.stop()
    assert fed.session.state is ENDED
    assert fed.session.session_id == name
    assert fed.states[-1] is ENDED


async def test_stop_of_a_session_that_does_not_run_is_an_error(make: Any) -> None:
    fed = make()
    for _ in range(2):
        with pytest.raises(SessionError) as caught:
            await fed.session.stop()
        assert (caught.value.op, caught.value.code) == ("stop", ErrorCode.SESSION_NOT_ACTIVE)
        if fed.session.state is INITIAL:
            async with fed.session:
                pass


async def test_a_stop_that_is_cancelled_may_be_asked_for_again(make: Any) -> None:
    fed = make()
    await fed.session.start()
    await cancelled_at_once(fed.session.stop())
    await fed.session.stop()
    assert fed.session.state is ENDED


# -- say --


async def test_say_returns_a_handle_at_once_and_the_handle_waits_for_the_playout(make: Any) -> None:
    fed = make()
    async with fed.session:
        handle = fed.session.say("One two three.")
        assert not handle.done
        ended = await handle.wait_for_playout()
        assert (ended.outcome, ended.heard) == (Outcome.PLAYED, "One two three.")
        assert asyncio.get_running_loop().time() == pytest.approx(0.9, abs=0.05)
        assert fed.states == [LISTENING, SPEAKING, LISTENING]


async def test_say_is_an_error_and_gives_no_handle_while_the_session_does_not_run(make: Any) -> None:
    fed = make()
    for _ in range(2):
        with pytest.raises(SessionError) as caught:
            fed.session.say("Hello.")
        assert (caught.value.op, caught.value.code) == ("say", ErrorCode.SESSION_NOT_ACTIVE)
        if fed.session.state is INITIAL:
            async with fed.session:
                pass


async def test_say_takes_options_and_refuses_a_text_without_words(make: Any) -> None:
    fed = make()
    async with fed.session:
        handle = fed.session.say("One two three.", allow_interruptions=False, priority=3)
        await fed.speaks(0.6)
        assert (await handle).outcome is Outcome.PLAYED
        for text in ("", "  ", "?!"):
            with pytest.raises(SessionError) as caught:
                fed.session.say(text)
            assert caught.value.code is ErrorCode.EMPTY_TEXT


async def test_cancel_stops_the_audio_may_be_called_twice_and_who_waits_returns_promptly(make: Any) -> None:
    fed = make()
    async with fed.session:
        handle = fed.session.say("One two three four five six.")
        await asyncio.sleep(0.4)
        handle.cancel()
        handle.cancel()
        ended = await handle
        assert ended.outcome is Outcome.CUT
        assert asyncio.get_running_loop().time() == pytest.approx(0.4)
        assert fed.session.state is LISTENING


async def test_a_wait_for_playout_honours_its_own_limit_and_a_cancellation(make: Any) -> None:
    fed = make()
    async with fed.session:
        handle = fed.session.say("One two three four five six.")
        with pytest.raises(SessionError) as caught:
            await handle.wait_for_playout(timeout=0)
        assert caught.value.code is ErrorCode.CONTEXT_TIMEOUT
        await cancelled_at_once(handle.wait_for_playout())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handle.wait_for_playout(), 0.2)
        assert (await handle).outcome is Outcome.PLAYED, "who gives up waiting cuts nothing"


async def test_say_while_a_reply_is_made_is_taken_and_said_after_it(make: Any) -> None:
    fed = make(agent=ScriptedAgent([[2.0, "Done."]]))
    async with fed.session:
        fed.session.send_text("hello")
        await asyncio.sleep(0.1)
        assert fed.session.state is PROCESSING
        assert (await fed.session.say("One more thing.")).outcome is Outcome.PLAYED
        assert (PROCESSING, SPEAKING) in set(pairwise(fed.states))
        assert [m.text for m in fed.session.history if m.role == "agent"] == ["Done.", "One more thing."]


async def test_what_an_operation_is_told_stays_with_it_when_many_run_at_once(make: Any) -> None:
    fed = make(hears=["one", "two", "three"])
    async with fed.session:
        says = [fed.session.say(f"Number {n}.") for n in range(5)]
        await asyncio.gather(fed.speaks(1.0), *(handle.wait_for_playout() for handle in says))
        assert fed.session.state is not ENDED


# -- process_audio --


async def test_process_audio_leads_to_processing_once_the_turn_is_over(make: Any) -> None:
    fed = make(hears=["what time is it"], agent=ScriptedAgent([[0.2, "It is noon."]]))
    async with fed.session:
        await fed.speaks(0.8)
        await asyncio.sleep(3)
        assert fed.states == [LISTENING, PROCESSING, SPEAKING, LISTENING]
        assert [m.text for m in fed.session.history] == ["what time is it", "It is noon."]


@pytest.mark.parametrize("run_before", [False, True])
async def test_process_audio_is_an_error_while_the_session_does_not_run(make: Any, run_before: bool) -> None:
    fed = make()
    if run_before:
        async with fed.session:
            pass
    with pytest.raises(SessionError) as caught:
        fed.session.process_audio(bytes(640))
    assert (caught.value.op, caught.value.code) == ("process_audio", ErrorCode.SESSION_NOT_ACTIVE)


@pytest.mark.parametrize("audio", [b"", b"\x00", bytes(641)])
async def test_audio_that_is_none_is_refused_and_the_session_goes_on(make: Any, audio: bytes) -> None:
    fed = make(hears=["hello"])
    async with fed.session:
        with pytest.raises(SessionError) as caught:
            fed.session.process_audio(audio)
        assert caught.value.code is ErrorCode.INVALID_AUDIO
        await fed.speaks(0.5)
        await asyncio.sleep(3)
        assert fed.session.history[0].text == "hello"


async def test_a_megabyte_at_once_is_split_and_heard(make: Any) -> None:
    fed = make(stt=ScriptedSTT())
    async with fed.session:
        fed.session.process_audio(bytes(1 << 20))
        await asyncio.sleep(0)
        assert fed.session.state is LISTENING
        frames = fed.stt.streams[0].frames
        assert sum(len(frame) for frame in frames) == 1 << 19
        assert max(len(frame) for frame in frames) <= 1600, "a tenth of a second"


async def test_a_noise_suppressor_that_fails_fails_no_audio(make: Any) -> None:
    noise: NoiseSuppressor = ScriptedNoiseSuppressor(error=ProviderError("no model"))
    await noise.open()
    fed = make(hears=["hello"], noise_suppressor=noise)
    async with fed.session:
        await fed.speaks(0.5)
        await asyncio.sleep(3)
        assert fed.session.history[0].text == "hello"


# -- states --


async def test_every_change_of_state_is_told_in_order_and_is_legal(make: Any) -> None:
    fed = make(hears=["one", "two"], agent=ScriptedAgent([["One two three four five six."], "Fine."]))
    async with fed.session:
        await fed.speaks(0.6)
        await asyncio.sleep(0.6)
        await fed.speaks(0.9)
        await asyncio.sleep(40)
        assert fed.session.state is AWAY
    told = [INITIAL, *fed.states]
    assert all(can_change(old, new) for old, new in pairwise(told))
    assert told[-2:] == [AWAY, ENDED]


async def test_one_callback_is_told_of_states_a_later_one_replaces_it_and_none_is_fine(make: Any) -> None:
    fed = make()
    later: list[SessionState] = []
    fed.session.on_state_changed(later.append)
    async with fed.session:
        await fed.session.say("One.")
        fed.session.on_state_changed(None)
    assert later == [LISTENING, SPEAKING, LISTENING]
    assert fed.states == []


async def test_several_watch_events_beside_it(make: Any) -> None:
    fed = make()
    first: list[object] = []
    second: list[object] = []
    fed.session.on_event(first.append)
    end = fed.session.on_event(second.append)
    async with fed.session:
        end()
    assert len(first) > len(second)


async def test_a_callback_may_use_the_session(make: Any) -> None:
    fed = make()
    seen: list[object] = []
    stopping: list[asyncio.Task[None]] = []

    def uses(state: SessionState) -> None:
        seen.append((state, fed.session.state))
        if state is SPEAKING:
            stopping.append(asyncio.create_task(fed.session.stop()))

    fed.session.on_state_changed(uses)
    async with fed.session:
        await fed.session.say("One two three.")
        await asyncio.gather(*stopping)
    assert seen == [(state, state) for state in (LISTENING, SPEAKING, ENDED)]


def test_the_table_of_states_is_the_contract_s() -> None:
    table = {
        INITIAL: {LISTENING, ENDED},
        LISTENING: {PROCESSING, SPEAKING, AWAY, ENDED},
        PROCESSING: {LISTENING, SPEAKING, ENDED},
        SPEAKING: {LISTENING, PROCESSING, ENDED},
        AWAY: {LISTENING, ENDED},
        ENDED: {INITIAL, LISTENING},
    }
    assert {old: set(new) for old, new in TRANSITIONS.items()} == table
    for old in SessionState:
        for new in SessionState:
            assert can_change(old, new) is (new in table[old])


# -- how fast --


@pytest.mark.real_time
async def test_operations_take_no_longer_than_the_contract_allows(make: Any) -> None:
    loop = asyncio.get_running_loop()
    fed = make(stt=ScriptedSTT())

    async def took(work: Any) -> float:
        began = loop.time()
        await work()
        return loop.time() - began

    async def hundred_frames() -> None:
        for _ in range(100):
            fed.session.process_audio(bytes(640))

    async def hundred_states() -> None:
        assert [fed.session.state for _ in range(100)] == [LISTENING] * 100

    async def say() -> None:
        fed.session.say("One.").cancel()

    assert await took(fed.session.start) < 0.1
    assert await took(hundred_states) < 0.01
    assert await took(hundred_frames) < 1
    assert await took(say) < 0.05
    assert await took(fed.session.stop) < 0.1


async def test_a_hundred_sessions_start_talk_and_stop_at_once(make: Any) -> None:
    async def call(number: int) -> tuple[str, str]:
        fed = make()
        async with fed.session:
            heard = await fed.session.process_transcript(f"number {number}")
        assert fed.session.state is ENDED
        return fed.session.session_id, heard

    told = await asyncio.gather(*(call(number) for number in range(100)))
    assert len({name for name, _ in told}) == 100
    assert [heard for _, heard in told] == [f"number {number}" for number in range(100)]


async def test_an_idle_session_closes_within_ten_milliseconds(make: Any) -> None:
    fed, loop = make(), asyncio.get_running_loop()
    await fed.session.start()
    await asyncio.sleep(100)
    began = loop.time()
    await fed.session.stop()
    assert loop.time() - began <= 0.01


@pytest.mark.real_time
async def test_an_idle_session_closes_within_ten_milliseconds_of_real_time(make: Any) -> None:
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(5):
        fed = make()
        await fed.session.start()
        await asyncio.sleep(0.02)
        began = loop.time()
        await fed.session.stop()
        took.append(loop.time() - began)
    assert min(took) <= 0.01


async def _never(_: object) -> None:
    await asyncio.Event().wait()


async def test_a_talking_session_closes_within_the_deadlines_of_its_providers(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All providers refuse to close, and the agent refuses to be cancelled."""
    loop = asyncio.get_running_loop()
    fed = make(hears=["hello"], config=SessionConfig(close_deadline=0.5))
    await fed.session.start()
    fed.session.say("One two three four five six seven.")
    await asyncio.sleep(0.5)
    assert fed.session.state is SPEAKING
    began = loop.time()
    await fed.session.stop()
    assert loop.time() - began <= 0.1
    assert np.all([stream.closed for stream in (*fed.stt.streams, *fed.tts.streams)])

    stuck = make(config=SessionConfig(close_deadline=0.5), tts=ScriptedTTS())
    await stuck.session.start()
    stuck.session.say("One two three four five six seven.")
    await asyncio.sleep(0.5)
    monkeypatch.setattr(type(stuck.stt.streams[0]), "aclose", _never)
    began = loop.time()
    await stuck.session.stop()
    assert loop.time() - began <= 0.1 + 0.5
