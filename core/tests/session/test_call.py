"""What a session does when its providers fail, hang or disappear, and when there is a bug."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import pytest

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import VAD, Agent, InterruptionClassifier, ScoreSink, Turn, VADStream
from beluga_voice.errors import ClosedError, ProviderError, SessionError
from beluga_voice.events import EndReason, Outcome, SessionState
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
    ScriptedTurnDetector,
)
from beluga_voice.words import Interruption


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


def _time() -> float:
    return asyncio.get_running_loop().time()


# -- agent and TTS --


@pytest.mark.parametrize(
    ("fault", "within"),
    [
        ({"fails_after": 0}, 0.1),
        ({"fails_after": 3, "part_delay": 0.1}, 0.5),
        ({"mute": True}, 0.1),
        ({"hangs_after": 0}, 10.1),
        ({"hangs_after": 3}, 5.5),
        ({"sample_rate": 16000}, 0.1),
    ],
)
@pytest.mark.parametrize("source", ["say", "reply"])
async def test_a_failing_tts_fails_the_utterance_in_time_and_the_session_goes_on(
    running: Any, fault: dict[str, Any], within: float, source: str
) -> None:
    tts = ScriptedTTS(**fault)
    async with running(vad=None, tts=tts) as rig:
        if "sample_rate" in fault:  # gives what it does not declare
            tts.streams[0]._tts = ScriptedTTS(sample_rate=8000)
        if source == "say":
            rig.session.say("One two three four.")
        else:
            rig.session.send_text("One two three four.")
        await asyncio.sleep(within)
        (ended,) = rig.of(ev.UtteranceEnded)
        assert ended.outcome is Outcome.FAILED
        assert ended.reason
        assert (ended.heard == "One") is (within in (0.5, 5.5))
        for name, value in {"fails_after": None, "hangs_after": None, "mute": False}.items():
            setattr(tts, name, value)
        if "sample_rate" not in fault:
            assert (await rig.session.say("Again.")).outcome is Outcome.PLAYED
        assert rig.session.state is SessionState.LISTENING
    rig.check_nothing_is_left()


class _Rude(Agent):
    """Does one of the things that no agent should."""

    def __init__(self, how: str) -> None:
        self.how = how

    def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        if self.how == "raises before it answers":
            raise LookupError("no answer")
        return self._reply(turn)

    async def _reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        match self.how:
            case "raises":
                raise LookupError("no answer")
            case "never answers":
                await asyncio.sleep(10**6)
            case "gives no text":
                yield 5  # type: ignore[misc]
            case "is cancelled from within":
                raise asyncio.CancelledError
        yield "Fine."


@pytest.mark.parametrize(
    "how",
    [
        "raises",
        "raises before it answers",
        "never answers",
        "gives no text",
        "is cancelled from within",
    ],
)
async def test_a_failing_agent_fails_its_reply_and_the_session_goes_on(running: Any, how: str) -> None:
    agent = _Rude(how)
    async with running(vad=None, agent=agent) as rig:
        rig.session.send_text("hello")
        await asyncio.sleep(10.1)
        (ended,) = rig.of(ev.UtteranceEnded)
        assert ended.outcome is Outcome.FAILED
        agent.how = ""
        rig.session.send_text("and now")
        await asyncio.sleep(1)
        assert rig.session.history[-1].text == "Fine."
        assert rig.session.state is SessionState.LISTENING


@pytest.mark.parametrize("reply", [[], ["  "], ["..."]])
async def test_an_agent_that_says_nothing_has_answered(running: Any, reply: list[str]) -> None:
    async with running(vad=None, agent=ScriptedAgent([reply])) as rig:
        rig.session.send_text("hello")
        await asyncio.sleep(0.1)
        assert rig.session.state is SessionState.LISTENING
        assert [message.text for message in rig.session.history] == ["hello"]
        (ended,) = rig.of(ev.UtteranceEnded)
        assert ended.outcome is Outcome.PLAYED


async def test_a_megabyte_of_text_keeps_no_more_than_what_may_be_ahead(running: Any) -> None:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        for _ in range(1000):
            yield "word " * 200

    async with running(vad=None, agent=agent, config={"playout_ahead": 1}) as rig:
        rig.session.send_text("hello")
        for _ in range(20):
            await asyncio.sleep(1)
            (track,) = rig.session._call._playout._tracks.values()
            assert track._waiting <= 24000 * 1.2
        assert rig.session.state is SessionState.SPEAKING
    rig.check_nothing_is_left()


def _swallows(times: int) -> Any:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield f"Number {turn.number}, and some more words. "
        for _ in range(times):
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue
        yield "Not to be heard."

    return agent


async def test_an_agent_that_swallows_being_cut_keeps_neither_voice_nor_session(make: Any) -> None:
    rig = make(vad=None, agent=_swallows(2))
    await rig.session.start()
    rig.session.send_text("one")
    await asyncio.sleep(1)
    rig.session.send_text("two")
    await asyncio.sleep(3.5)
    await asyncio.wait_for(rig.session.stop(), 3)
    assert [m.text for m in rig.session.history] == [
        "one",
        "Number 1, and",
        "two",
        "Number 2, and some more words.",
    ]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    rig.check_nothing_is_left()


async def test_a_stop_cuts_again_what_swallowed_being_cut(make: Any) -> None:
    rig = make(vad=None, agent=_swallows(3))
    await rig.session.start()
    rig.session.send_text("one")
    await asyncio.sleep(3)
    await asyncio.wait_for(rig.session.stop(), 3)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    rig.check_nothing_is_left()


async def test_at_most_one_reply_lives(running: Any) -> None:
    live: list[int] = []
    most = []

    async def agent(turn: Turn) -> AsyncIterator[str]:
        live.append(turn.number)
        most.append(len(live))
        try:
            yield "Well, this is a rather long story. "
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.5)  # takes its time to clean up
            live.remove(turn.number)

    async with running(vad=None, agent=agent) as rig:
        for text in ("one", "two", "three"):
            rig.session.send_text(text)
            await asyncio.sleep(1)
    assert most == [1, 1, 1]
    assert live == []


async def test_an_agent_that_never_ends_is_left_and_the_session_ends_all_the_same(make: Any) -> None:
    agent = _swallows(50)
    rig = make(vad=None, agent=agent)
    await rig.session.start()
    rig.session.send_text("one")
    await asyncio.sleep(1)
    await asyncio.wait_for(rig.session.stop(), 3.1)
    assert rig.line.closed
    assert all(stream.closed for stream in [*rig.stt.streams, *rig.tts.streams])
    assert rig.session.state is SessionState.ENDED
    with pytest.raises(SessionError):
        await rig.session.stop()
    await rig.session.start()
    await rig.session.stop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    while left:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.1)
        left = asyncio.all_tasks() - {asyncio.current_task()}


# -- STT --


async def test_an_stt_that_fails_for_good_ends_the_session_after_what_plays(make: Any) -> None:
    class Refuses(ScriptedSTT):
        async def open_stream(self) -> Any:
            stream = await super().open_stream()

            async def receive() -> Any:
                await asyncio.sleep(0.2)
                raise ProviderError("no credit left")

            stream.receive = receive  # type: ignore[method-assign]
            return stream

    rig = make(vad=None, stt=Refuses())
    await rig.session.start()
    handle = rig.session.say("One two three.")
    assert await rig.session.wait_ended() is EndReason.ERROR
    assert (await handle).outcome is Outcome.PLAYED
    failed = rig.of(ev.ProviderFailed)
    assert [(each.kind, each.fatal) for each in failed][-1] == ("stt", True)
    rig.check_nothing_is_left()


async def test_an_stt_that_fails_is_replaced_and_the_turn_goes_on(running: Any) -> None:
    class Breaks(ScriptedSTT):
        async def open_stream(self) -> Any:
            if self.streams:
                self.fails_after = None
            return await super().open_stream()

    async with running(stt=Breaks(["hello"], fails_after=0.6), agent=lambda _: "Fine.") as rig:
        await rig.line.speak(1.5)
        await rig.line.silence(3)
        assert [(f.kind, f.fatal) for f in rig.of(ev.ProviderFailed)] == [("stt", False)]
        assert [m.text for m in rig.session.history] == ["hello", "Fine."]
        assert len(rig.stt.streams) == 2


async def test_an_stt_that_closes_at_once_again_and_again_is_given_up(make: Any) -> None:
    class Closes(ScriptedSTT):
        async def open_stream(self) -> Any:
            stream = await super().open_stream()
            stream.closed = True
            return stream

    rig = make(vad=None, stt=Closes())
    await rig.session.start()
    assert await asyncio.wait_for(rig.session.wait_ended(), 4) is EndReason.ERROR
    assert len(rig.stt.streams) == 4
    assert _time() == pytest.approx(0.1 + 1 + 1.5, rel=0.1), "it is not tried again at once"
    rig.check_nothing_is_left()


@pytest.mark.parametrize("fault", [{"hangs": True}, {"send_delay": 1000.0}])
async def test_a_turn_closes_though_the_stt_never_answers(running: Any, fault: dict[str, Any]) -> None:
    async with running(stt=ScriptedSTT(["hello"], **fault)) as rig:
        await rig.line.speak(1.0)
        await rig.line.silence(3.0)
        assert [event.turn for event in rig.of(ev.TurnDropped)] == [1]
        assert rig.session.state is SessionState.LISTENING
    rig.check_nothing_is_left()


async def test_an_stt_that_fails_in_the_instant_of_the_stop_does_not_hold_it(make: Any) -> None:
    rig = make(vad=None)
    await rig.session.start()
    await asyncio.sleep(1)
    rig.stt.streams[0]._failed = True
    rig.stt.streams[0]._changed.set()
    await asyncio.wait_for(rig.session.stop(), 2)
    rig.check_nothing_is_left()


# -- VAD, detector, classifier --


class _FailingVAD(AmplitudeVAD):
    """Scores a while, then fails."""

    def __init__(self, error: Exception, after: float) -> None:
        super().__init__()
        self.error, self.after = error, after

    def score(self, start: int, samples: Any) -> float:
        if start >= self.after * 16000:
            raise self.error
        return super().score(start, samples)


@pytest.mark.parametrize("after", [0.0, 0.7])
async def test_without_its_vad_a_session_goes_on_by_the_stt_s_words(running: Any, after: float) -> None:
    # When the VAD fails within speech, what was said until then is a turn, or its first part.
    stt = ScriptedSTT(["hello", *(["my friend"] if after else []), "you there"], ends_after=0.3)
    async with running(
        stt=stt, vad=_FailingVAD(ProviderError("gone"), after), agent=lambda _: "Fine."
    ) as rig:
        await rig.line.silence(0.4)
        await rig.line.speak(1.0)
        await rig.line.silence(3.0)
        await rig.line.speak(1.0)
        await rig.line.silence(3.0)
        assert [(f.kind, f.fatal) for f in rig.of(ev.ProviderFailed)] == [("vad", False)]
        said = [m.text for m in rig.session.history if m.role == "caller"]
        assert said[-1] == "you there"
        assert rig.session.history[-1].text == "Fine."
        assert said[0].startswith("hello")
    rig.check_nothing_is_left()


async def test_a_bug_in_the_vad_ends_the_session_and_is_raised_to_who_stops_it_not_to_the_line(
    make: Any,
) -> None:
    bug = ZeroDivisionError("in the plugin")
    rig = make(vad=_FailingVAD(bug, 0.2))
    await rig.vad.open()

    async def call() -> None:
        async with rig.session:
            await rig.line.silence(1.0)  # raises nothing
            assert rig.session.state is SessionState.ENDED
            for _ in range(2):
                with pytest.raises(ZeroDivisionError):
                    await rig.session.wait_ended()
            with pytest.raises(SessionError):
                await rig.session.stop()

    with pytest.raises(ZeroDivisionError) as caught:
        await call()
    assert caught.value is bug
    assert [each.kind for each in rig.of(ev.ProviderFailed) if each.fatal] == ["session"]
    assert rig.of(ev.SessionEnded)[0].reason is EndReason.ERROR
    rig.check_nothing_is_left()


async def test_a_bug_that_nobody_was_told_of_is_raised_by_stop(make: Any) -> None:
    rig = make(vad=_FailingVAD(ZeroDivisionError("x"), 0.0))
    await rig.vad.open()
    await rig.session.start()
    await rig.line.silence(1.0)
    with pytest.raises(ZeroDivisionError):
        await rig.session.stop()
    with pytest.raises(SessionError):
        await rig.session.stop()


async def test_a_bug_in_the_classifier_ends_the_session_and_settles_every_handle(make: Any) -> None:
    class Broken(InterruptionClassifier):
        def classify(self, text: str, language: str = "en") -> Interruption:
            raise ZeroDivisionError("in the plugin")

    rig = make(interruption_classifier=Broken())
    await rig.vad.open()
    await rig.session.start()
    handle = rig.session.say("word " * 50)
    await rig.line.speak(1.0)
    await rig.line.silence(1.0)
    assert (await handle).outcome is Outcome.CUT
    with pytest.raises(ZeroDivisionError):
        await rig.session.wait_ended()
    rig.check_nothing_is_left()


@pytest.mark.parametrize(("fails", "delay", "within"), [(True, 0.0, 2.0), (False, 1000.0, 3.5)])
async def test_a_detector_that_fails_or_hangs_leaves_the_turn_its_delay(
    running: Any, fails: bool, delay: float, within: float
) -> None:
    detector = ScriptedTurnDetector(fails=fails, delay=delay)
    async with running(turn_detector=detector, agent=lambda _: "Fine.") as rig:
        await rig.line.speak(1.0)
        await rig.line.silence(within)
        assert [event.text for event in rig.of(ev.TurnClosed)] == ["hello there"]
    rig.check_nothing_is_left()


async def test_a_bug_in_the_detector_ends_the_session(make: Any) -> None:
    class Broken(ScriptedTurnDetector):
        async def predict(self, context: Any) -> float:
            raise ZeroDivisionError("in the plugin")

    rig = make(turn_detector=Broken())
    await rig.vad.open()
    await rig.session.start()
    await rig.line.speak(1.0)
    await rig.line.silence(1.0)
    with pytest.raises(ZeroDivisionError):
        await rig.session.stop()
    rig.check_nothing_is_left()


# -- the line --


@pytest.mark.parametrize("place", ["send_nowait", "flush"])
@pytest.mark.parametrize("error", [ProviderError("gone"), ClosedError("shut"), OSError("a bug")])
async def test_a_line_that_fails_ends_the_session(make: Any, place: str, error: Exception) -> None:
    class Broken(LoopbackTransport):
        def send_nowait(self, frame: AudioFrame) -> None:
            super().send_nowait(frame)
            if place == "send_nowait" and len(self.sent) == 5:
                raise error

        def flush(self) -> None:
            if place == "flush":
                raise error

    rig = make(vad=None, line=Broken())
    await rig.session.start()
    handle = rig.session.say("word " * 50)
    await asyncio.sleep(1)
    if place == "flush":
        handle.cancel()
    if isinstance(error, OSError):
        with pytest.raises(OSError, match="a bug"):
            await rig.session.wait_ended()
    else:
        assert await rig.session.wait_ended() is EndReason.ERROR
        assert ("transport", True) in [(f.kind, f.fatal) for f in rig.of(ev.ProviderFailed)]
    assert (await handle).outcome is Outcome.CUT
    rig.check_nothing_is_left()


@pytest.mark.parametrize("error", [None, ProviderError("cut")])
@pytest.mark.parametrize("when", ["opening", "listening", "hearing", "processing", "speaking", "twice"])
async def test_the_caller_hangs_up_in_any_state(make: Any, when: str, error: Exception | None) -> None:
    rig = make(hears=["hello"], agent=ScriptedAgent([["Well. ", 5.0, "So long and so on."]]))
    await rig.vad.open()
    if when == "opening":
        opened = rig.line.open

        async def open_and_hang_up(receiver: Any) -> None:
            await opened(receiver)
            rig.line.hang_up(error)
            await asyncio.sleep(1)

        rig.line.open = open_and_hang_up
    await rig.session.start()
    if when in ("hearing", "processing", "speaking"):
        await rig.line.speak(1.0)
    if when == "processing":
        await rig.line.silence(1.5)
    if when == "speaking":
        await rig.line.silence(0.5)
    states = {"hearing": "listening", "twice": "listening", "opening": "ended"}
    assert rig.session.state == states.get(when, when)
    if when != "opening":
        rig.line.hang_up(error)
    if when == "twice":
        rig.line.hang_up(error)
    reason = EndReason.END_OF_INPUT if error is None else EndReason.ERROR
    assert await rig.session.wait_ended() is reason
    rig.check_nothing_is_left()


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_what_does_not_close_is_left_at_its_deadline_and_the_rest_is_closed(
    make: Any, how: str
) -> None:
    async def aclose() -> None:
        if how == "raises":
            raise OSError("cannot close")
        await asyncio.Event().wait()

    rig = make(config={"close_deadline": 0.5})
    await rig.vad.open()
    await rig.session.start()
    rig.line.aclose = aclose
    rig.stt.streams[0].aclose = aclose
    await asyncio.wait_for(rig.session.stop(), 1.6)
    assert rig.vad.streams[0].closed
    assert rig.tts.streams[0].closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_runner_that_is_cancelled_from_outside_closes_everything(make: Any) -> None:
    rig = make(vad=None)
    await rig.session.start()
    rig.session.say("word " * 20)
    await asyncio.sleep(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert await rig.session.wait_ended() is EndReason.STOPPED
    await asyncio.sleep(0)
    rig.check_nothing_is_left()


async def test_an_engine_that_breaks_down_ends_the_session_for_observers_too(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("in the engine")

    rig = make(vad=None)
    await rig.session.start()
    handle = rig.session.say("word " * 50)
    await asyncio.sleep(1)
    monkeypatch.setattr("beluga_voice.session.deciding.step", broken)
    rig.session.send_text("hello")
    assert (await handle).outcome is Outcome.CUT
    with pytest.raises(ZeroDivisionError):
        await rig.session.wait_ended()
    rig.check_nothing_is_left()


class _Late(VAD):
    """Opens no stream."""

    def open_stream(self, sink: ScoreSink) -> VADStream:
        raise ClosedError("this VAD is not open")


async def test_a_vad_that_nobody_opened_fails_the_start(make: Any) -> None:
    rig = make(vad=_Late())
    with pytest.raises(ClosedError):
        await rig.session.start()
    assert rig.tts.streams[0].closed
    assert rig.session.state is SessionState.INITIAL
