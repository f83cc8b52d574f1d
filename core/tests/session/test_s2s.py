"""A session over a speech-to-speech model: turns, barge-in, memory, tools, and each way to misbehave."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np
import pytest

from beluga_voice import Agent, Turn
from beluga_voice import events as ev
from beluga_voice.contracts import AssistantMessage, CallerMessage, Usage
from beluga_voice.errors import ErrorCode, SessionError
from beluga_voice.events import EndReason, Outcome, SessionState
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    S2SFault,
    ScriptedLLM,
    ScriptedS2S,
    ScriptedSTT,
    ScriptedTTS,
    tool_call,
)
from beluga_voice.turns import TurnPolicy

E = TypeVar("E", bound=ev.Event)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("beluga_voice")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


class Rig:
    """A session over a scripted model."""

    def __init__(self, model: ScriptedS2S, agent: Any = None, **parts: Any) -> None:
        self.model = model
        self.line = LoopbackTransport()
        self.events: list[ev.Event] = []
        self.vad: Any = parts.pop("vad", None if model.detects_turns else AmplitudeVAD())
        self.session = VoiceSession(
            s2s=model,
            agent=agent,
            vad=self.vad,
            transport=self.line,
            config=SessionConfig(**parts.pop("config", {})),
            turns=TurnPolicy(**parts.pop("turns", {})),
            **parts,
        )
        self.session.on_event(self.events.append)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def stream(self) -> Any:
        return self.model.streams[-1]

    @property
    def said(self) -> list[tuple[str, str, bool]]:
        return [(message.role.value, message.text, message.interrupted) for message in self.session.history]

    def heard(self, *texts: str) -> bool:
        """Whether the caller heard the sounds of these texts, whole, in order, once, and nothing else."""
        expected = np.concatenate([self.model.audio_of(text) for text in texts])
        return bool(np.array_equal(self.line.heard, expected))

    async def asks(self, seconds: float = 1.0, then: float = 3.0) -> None:
        await self.line.speak(seconds)
        await self.line.silence(1.0)
        await asyncio.sleep(then - 1.0)


@asynccontextmanager
async def _running(model: ScriptedS2S, agent: Any = None, **parts: Any) -> AsyncIterator[Rig]:
    rig = Rig(model, agent, **parts)
    if rig.vad is not None:
        await rig.vad.open()
    async with rig.session:
        yield rig
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("beluga-voice")]
    assert all(stream.closed for stream in model.streams)
    assert isinstance(rig.events[-1], ev.SessionEnded)


# -- the conversation --


@pytest.mark.parametrize(
    "declares",
    [
        {},
        {"commits": False},
        {"transcribes": False},
        {"detects_turns": True},
        {"detects_turns": True, "responds_by_itself": True},
        {"detects_turns": True, "responds_by_itself": True, "transcribes": False},
    ],
)
async def test_the_model_answers_each_turn_whoever_finds_its_end(declares: dict[str, Any]) -> None:
    model = ScriptedS2S(["Good day.", "All is well."], ["hello there", "how are you"], **declares)
    async with _running(model) as rig:
        await rig.asks()
        await rig.asks()
        assert rig.heard("Good day.", "All is well.")
        assert len(rig.of(ev.TurnClosed)) == 2
        words = ["hello there", "how are you"] if model.transcribes else ["", ""]
        assert rig.said == [
            ("caller", words[0], False),
            ("agent", "Good day.", False),
            ("caller", words[1], False),
            ("agent", "All is well.", False),
        ]
        assert rig.session.state is SessionState.LISTENING


async def test_the_model_answers_before_its_words_are_known() -> None:
    async with _running(ScriptedS2S(["Good day."], ["hello"], transcript_delay=1.0)) as rig:
        await rig.asks()
        closed, late = rig.of(ev.TurnClosed)[0], rig.of(ev.TurnCommitted)[0]
        assert closed.text == ""
        assert closed.at - closed.speech_end < 0.4
        assert (late.turn, late.text) == (1, "hello")
        assert rig.heard("Good day.")
        assert rig.said == [("caller", "hello", False), ("agent", "Good day.", False)]


async def test_each_sample_of_the_callers_speech_reaches_the_model_once() -> None:
    model = ScriptedS2S(["One.", "Two."], sample_rate=16000)
    async with _running(model) as rig:
        await rig.asks()
        await rig.asks()
        samples = np.concatenate([frame.samples for frame in rig.stream.frames])
        positions = [(frame.position, len(frame)) for frame in rig.stream.frames]
        assert all(a[0] + a[1] <= b[0] for a, b in itertools.pairwise(positions))
        assert len(samples) < 3 * 16000  # two seconds of speech, pre-roll and the VAD's delays
        assert np.count_nonzero(np.abs(samples) > 50) > 1.9 * 16000


async def test_what_the_caller_writes_is_answered_and_remembered() -> None:
    async with _running(ScriptedS2S(["Noted."])) as rig:
        rig.session.send_text("Order seven")
        await asyncio.sleep(1.5)
        assert rig.stream.asked("add")[0] == (CallerMessage("Order seven"),)
        assert rig.said == [("caller", "Order seven", False), ("agent", "Noted.", False)]


async def test_say_and_the_greeting_are_spoken_by_the_model_and_remembered_as_heard() -> None:
    async with _running(ScriptedS2S(), Agent("Be brief.", greeting="Hello. I am here.")) as rig:
        await asyncio.sleep(2)
        ended = await rig.session.say("One more thing.")
        assert ended.outcome is Outcome.PLAYED
        await asyncio.sleep(0)
        assert rig.heard("Hello.", "I am here.", "One more thing.")
        added = [message for (message,) in rig.stream.asked("add")]
        assert added == [AssistantMessage("Hello. I am here."), AssistantMessage("One more thing.")]
        assert rig.stream.setup.instructions == "Be brief."


async def test_a_model_that_speaks_no_given_texts_fails_a_say_and_goes_on() -> None:
    async with _running(ScriptedS2S(["Yes."], ["hello"], says=False)) as rig:
        assert (await rig.session.say("Hello.")).outcome is Outcome.FAILED
        await rig.asks()
        assert rig.heard("Yes.")


async def test_what_the_model_says_unasked_is_heard_in_its_turn() -> None:
    model = ScriptedS2S(["Still there?"], detects_turns=True, responds_by_itself=True)
    async with _running(model) as rig:
        rig.stream._answer(0)
        await asyncio.sleep(2)
        assert rig.heard("Still there?")
        assert rig.said == [("agent", "Still there?", False)]
        assert rig.of(ev.UtteranceEnded)[0].outcome is Outcome.PLAYED


async def test_usage_is_counted_in_the_agents_context() -> None:
    async with _running(ScriptedS2S(["Yes."], usage=Usage(20, 5)), Agent("Be brief.")) as rig:
        await rig.asks()
        assert rig.session.agent.context.usage == Usage(20, 5)  # type: ignore[union-attr]


# -- barge-in --


@pytest.mark.parametrize("declares", [{}, {"detects_turns": True, "ends_after": 0.3}])
async def test_speech_cuts_the_answer_and_the_model_forgets_what_nobody_heard(declares: Any) -> None:
    model = ScriptedS2S(["one two three four five six seven eight nine ten", "Yes?"], ["hello"], **declares)
    async with _running(model) as rig:
        await rig.asks(then=2.0)
        await rig.asks()
        first, second = rig.of(ev.UtteranceEnded)
        assert (first.outcome, second.outcome) == (Outcome.CUT, Outcome.PLAYED)
        assert first.heard + " " + first.unheard == "one two three four five six seven eight nine ten"
        ((response, samples),) = rig.stream.asked("truncate")
        heard = len(rig.line.heard) - len(model.audio_of("Yes?"))
        assert (response, samples) == ("r1", heard)
        assert rig.line.flushed_at
        assert rig.said[1] == ("agent", first.heard, True)


async def test_a_cut_while_the_model_still_speaks_cancels_its_response() -> None:
    model = ScriptedS2S(["one two three four five six seven eight nine ten", "Yes?"], part_delay=0.1)
    async with _running(model) as rig:
        await rig.asks(then=1.5)
        await rig.asks()
        assert rig.stream.asked("cancel") == [("r1",)]
        names = [command[0] for command in rig.stream.commands]
        assert names.index("cancel") < names.index("truncate") < len(names) - names[::-1].index("respond") - 1
        assert [ended.outcome for ended in rig.of(ev.UtteranceEnded)] == [Outcome.CUT, Outcome.PLAYED]


async def test_a_cough_pauses_the_answer_which_goes_on_at_the_same_sample() -> None:
    model = ScriptedS2S(["one two three four five six seven eight"], ["hello", ""])
    async with _running(model) as rig:
        await rig.asks(then=1.2)
        await rig.line.speak(0.25)
        await rig.line.silence(1)
        await asyncio.sleep(4)
        assert rig.of(ev.UtterancePaused)
        assert rig.heard("one two three four five six seven eight")
        assert len(rig.of(ev.TurnClosed)) == 1
        assert not rig.stream.asked("truncate")


@pytest.mark.parametrize(("word", "cut"), [("stop", True), ("mhm", False)])
async def test_a_short_word_over_the_answer_is_judged_by_its_transcript(word: str, cut: bool) -> None:
    model = ScriptedS2S(["one two three four five six seven eight", "Fine."], ["hello", word])
    async with _running(model) as rig:
        await rig.asks(then=1.2)
        await rig.line.speak(0.3)
        await rig.line.silence(1)
        await asyncio.sleep(4)
        assert bool(rig.of(ev.BargeIn)) is cut
        assert bool(rig.of(ev.BackchannelHeard)) is not cut
        assert cut or rig.heard("one two three four five six seven eight")


async def test_speech_before_the_answer_is_heard_goes_on_with_the_turn() -> None:
    model = ScriptedS2S(["First.", "Both."], ["I would like", "a pizza"], delay=0.6)
    async with _running(model) as rig:
        await rig.line.speak(1.0)
        await rig.line.silence(0.7)
        await rig.asks()
        assert rig.heard("Both.")
        assert rig.said == [("caller", "I would like a pizza", False), ("agent", "Both.", False)]


async def test_protected_speech_is_not_cut() -> None:
    model = ScriptedS2S(["Answer."], ["hello there"])
    async with _running(model) as rig:
        handle = rig.session.say("one two three four five six", allow_interruptions=False)
        await asyncio.sleep(0.3)
        await rig.asks()
        assert (await handle).outcome is Outcome.PLAYED
        assert rig.heard("one two three four five six", "Answer.")


# -- tools --


def _clerk(ran: list[str]) -> Agent:
    agent = Agent("You are a clerk.")

    @agent.tool
    async def order(number: str) -> str:
        """Status of an order."""
        ran.append(number)
        return f"{number} is shipped"

    return agent


async def test_built_in_reasoning_runs_the_agents_tools() -> None:
    ran: list[str] = []
    call = tool_call("order", id="c1", number="7")
    async with _running(ScriptedS2S([("One moment.", call), "Shipped."], ["order 7"]), _clerk(ran)) as rig:
        assert [tool.name for tool in rig.stream.setup.tools] == ["order"]
        await rig.asks(then=5)
        assert ran == ["7"]
        ((result,),) = rig.stream.asked("send_result")
        assert (result.call_id, result.text, result.failed) == ("c1", "7 is shipped", False)
        assert rig.heard("One moment.", "Shipped.")
        assert rig.said[1] == ("agent", "One moment. Shipped.", False)


@pytest.mark.parametrize("arguments", ["{", "[1]", '{"nummer": "7"}', "NaN" * 100])
async def test_a_call_with_bad_arguments_is_told_to_the_model_and_runs_nothing(arguments: str) -> None:
    ran: list[str] = []
    call = type(tool_call("x"))("c1", "order", arguments)
    async with _running(ScriptedS2S([call, "Sorry."]), _clerk(ran)) as rig:
        await rig.asks()
        assert not ran
        assert rig.stream.asked("send_result")[0][0].failed
        assert rig.heard("Sorry.")


async def test_calls_and_their_ends_that_come_twice_run_once() -> None:
    ran: list[str] = []
    model = ScriptedS2S(
        [tool_call("order", id="c1", number="7"), "Done."], ["order 7"], faults=[S2SFault.DUPLICATES]
    )
    async with _running(model, _clerk(ran)) as rig:
        await rig.asks()
        assert ran == ["7"]
        assert rig.heard("Done.")
        assert rig.said == [("caller", "order 7", False), ("agent", "Done.", False)]


async def test_a_handoff_gives_the_model_other_instructions() -> None:
    clerk = Agent("You are a clerk.", name="clerk", handoffs=[Agent("You are the boss.", name="boss")])
    model = ScriptedS2S([tool_call("transfer_to_boss", id="c1"), "Boss here."])
    async with _running(model, clerk) as rig:
        await rig.asks()
        assert rig.stream.asked("update") == [("You are the boss.", ())]
        assert rig.heard("Boss here.")


async def test_a_model_that_takes_no_update_is_given_another_stream() -> None:
    clerk = Agent("You are a clerk.", name="clerk", handoffs=[Agent("You are the boss.", name="boss")])
    model = ScriptedS2S([tool_call("transfer_to_boss", id="c1"), "Boss here."], ["hello"], updates=False)
    async with _running(model, clerk) as rig:
        await rig.asks()
        assert [stream.setup.instructions for stream in model.streams] == [
            "You are a clerk.",
            "You are the boss.",
        ]
        assert "hello" in rig.stream.memory
        assert rig.heard("Boss here.")


# -- external reasoning --


@pytest.mark.parametrize("declares", [{}, {"detects_turns": True}])
async def test_external_reasoning_lets_the_agent_answer_and_the_model_speak(declares: Any) -> None:
    async def agent(turn: Turn) -> str:
        return f"You said {turn.text}."

    async with _running(ScriptedS2S([], ["hello there"], **declares), agent) as rig:
        await rig.asks()
        assert rig.heard("You said hello there.")
        assert rig.said == [("caller", "hello there", False), ("agent", "You said hello there.", False)]
        assert not rig.stream.asked("respond")


async def test_an_agent_with_a_language_model_reasons_itself_unless_told_otherwise() -> None:
    llm = ScriptedLLM(["By the model."])
    async with _running(ScriptedS2S([], ["hello"]), Agent("Be brief.", llm=llm)) as rig:
        await rig.asks()
        assert rig.heard("By the model.")
    config = {"reasoning": "external"}
    llm = ScriptedLLM(["By the model."])
    async with _running(ScriptedS2S([], ["hello"]), Agent("Be brief."), llm=llm, config=config) as rig:
        await rig.asks()
        assert rig.heard("By the model.")
    config = {"reasoning": "built-in"}
    async with _running(ScriptedS2S(["By itself."]), Agent("Be brief.", llm="acme"), config=config) as rig:
        await rig.asks()
        assert rig.heard("By itself.")


# -- construction --


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"stt": ScriptedSTT()}, "excludes stt and tts"),
        ({"tts": ScriptedTTS()}, "excludes stt and tts"),
        ({"s2s": ScriptedSTT()}, "must implement the S2S contract"),
        ({"vad": None}, "needs a vad"),
        ({"config": SessionConfig(reasoning="external")}, "needs an agent"),
        ({"config": SessionConfig(reasoning="built-in"), "agent": str}, "instructions and tools"),
        (
            {
                "config": SessionConfig(reasoning="built-in"),
                "agent": Agent("", llm=ScriptedLLM()),
            },
            "language model of its own",
        ),
        (
            {"agent": Agent("", handoffs=[Agent("", name="boss")]), "s2s": ScriptedS2S(calls_tools=False)},
            "calls none",
        ),
        ({"agent": str, "s2s": ScriptedS2S(transcribes=False)}, "transcribes is False"),
        ({"agent": str, "s2s": ScriptedS2S(says=False)}, "says is False"),
        (
            {"agent": str, "s2s": ScriptedS2S(detects_turns=True, responds_by_itself=True)},
            "responds_by_itself is True",
        ),
    ],
)
async def test_parts_that_make_no_session_are_refused(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(SessionError, match=text) as caught:
        VoiceSession(**{"s2s": ScriptedS2S(), "vad": AmplitudeVAD(), **parts})
    assert caught.value.code is ErrorCode.INVALID_CONFIG


# -- faults --

PLAYED = {S2SFault.ERRORS, S2SFault.UNKNOWN, S2SFault.DUPLICATES, S2SFault.STRAY, S2SFault.REORDERS}
PLAYED |= {S2SFault.NO_TRANSCRIPT, S2SFault.SWAPS_TRANSCRIPTS, S2SFault.AUDIO_BEFORE_READY}
PLAYED |= {
    S2SFault.AUDIO_AFTER_CANCEL,
    S2SFault.IGNORES_CANCEL,
    S2SFault.HANGS_AT_CLOSE,
    S2SFault.NO_SPEECH_STOP,
}
AGAIN = {S2SFault.DROPS_EARLY, S2SFault.GOES_AWAY}
FAILED = {
    S2SFault.NO_RESPONSE: 10,
    S2SFault.MUTE: 10,
    S2SFault.NO_AUDIO: 1,
    S2SFault.NO_DONE: 7,
    S2SFault.FAILS: 2,
    S2SFault.REFUSES: 1,
    S2SFault.DROPS: 2,
    S2SFault.CLOSES: 2,
    S2SFault.WRONG_RATE: 1,
}


@pytest.mark.parametrize("fault", sorted(PLAYED | AGAIN))
async def test_a_fault_that_costs_nothing_loses_and_doubles_no_word(fault: S2SFault) -> None:
    model = ScriptedS2S(["Good day to you.", "Again."], ["hello there", "and again"], faults={fault: 1})
    async with _running(model) as rig:
        await rig.asks(then=1)
        await rig.line.silence(3)  # the line goes on, which tells when late words were said
        await rig.asks()
        assert [ended.outcome for ended in rig.of(ev.UtteranceEnded)] == [Outcome.PLAYED] * 2
        answers = ["Again.", "and again"] if fault is S2SFault.DROPS_EARLY else ["Good day to you.", "Again."]
        assert rig.heard(*answers)
        agent = [text for role, text, _ in rig.said if role == "agent"]
        assert agent == answers
        caller = [text for role, text, _ in rig.said if role == "caller"]
        assert caller == ["" if fault is S2SFault.NO_TRANSCRIPT else "hello there", "and again"]


@pytest.mark.parametrize("fault", sorted(FAILED))
async def test_a_fault_that_costs_the_answer_ends_it_in_time_and_the_session_goes_on(fault: S2SFault) -> None:
    model = ScriptedS2S(["Good day to you sir."], ["hello there", "and again"], faults={fault: 1})
    async with _running(model) as rig:
        await rig.asks(then=FAILED[fault] + 1.5)
        (ended,) = rig.of(ev.UtteranceEnded)
        assert ended.outcome is Outcome.FAILED
        assert ended.reason
        assert rig.session.state is SessionState.LISTENING
        heard = len(rig.line.heard)
        await rig.asks(then=5)
        assert rig.of(ev.UtteranceEnded)[1].outcome is Outcome.PLAYED
        assert len(rig.line.heard) > heard
        assert [text for role, text, _ in rig.said if role == "caller"] == ["hello there", "and again"]


async def test_an_answer_without_an_end_is_heard_and_given_up_in_time() -> None:
    model = ScriptedS2S(["Good day.", "Again."], faults={S2SFault.NO_DONE: 1})
    async with _running(model) as rig:
        await rig.asks(then=8)
        assert rig.of(ev.UtteranceEnded)[0].heard == "Good day."
        await rig.asks()
        assert rig.heard("Good day.", "Again.")
        assert rig.stream.asked("cancel") == [("r1",)]


@pytest.mark.parametrize("fault", [S2SFault.AUDIO_AFTER_CANCEL, S2SFault.IGNORES_CANCEL])
async def test_nothing_of_a_cancelled_response_is_heard(fault: S2SFault) -> None:
    model = ScriptedS2S(
        ["one two three four five six seven eight nine ten", "Yes?"], part_delay=0.1, faults=[fault]
    )
    async with _running(model) as rig:
        await rig.asks(then=1.5)
        await rig.asks(then=5)
        first, second = rig.of(ev.UtteranceEnded)
        assert (first.outcome, second.heard) == (Outcome.CUT, "Yes?")
        cut = model.audio_of("one two three four five six seven eight nine ten")
        end = len(rig.line.heard) - len(model.audio_of("Yes?"))
        assert np.array_equal(rig.line.heard[:end], cut[:end])
        assert np.array_equal(rig.line.heard[end:], model.audio_of("Yes?"))


async def test_speech_that_never_stops_is_ended_by_its_limit() -> None:
    faults = {S2SFault.NO_SPEECH_STOP: 1000}
    model = ScriptedS2S(["Good day."], ["hello"], detects_turns=True, faults=faults)
    async with _running(model, turns={"turn_limit": 5}) as rig:
        await rig.asks(then=8)
        assert rig.of(ev.TurnClosed)[0].limit
        assert rig.heard("Good day.")


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({S2SFault.BANNED: 1}, EndReason.ERROR),
        ({S2SFault.NO_STREAM: 9}, EndReason.ERROR),
        ({S2SFault.NEVER_READY: 9}, EndReason.ERROR),
    ],
)
async def test_a_model_that_is_gone_for_good_ends_the_session(
    faults: dict[S2SFault, int], reason: EndReason
) -> None:
    model = ScriptedS2S(["Good day."], ["hello"], faults={S2SFault.DROPS: 1})
    async with _running(model, config={"open_deadline": 1}) as rig:
        model.faults.update(faults)
        await rig.asks(then=2)
        assert await rig.session.wait_ended() is reason
        assert rig.of(ev.ProviderFailed)[-1].kind == "s2s"
        assert rig.of(ev.ProviderFailed)[-1].fatal


@pytest.mark.parametrize("fault", [S2SFault.BANNED, S2SFault.NO_STREAM, S2SFault.NEVER_READY])
async def test_a_model_that_cannot_be_had_fails_the_start(fault: S2SFault) -> None:
    model = ScriptedS2S(faults=[fault])
    rig = Rig(model, config={"open_deadline": 1})
    await rig.vad.open()
    with pytest.raises(SessionError) as caught:
        await rig.session.start()
    assert caught.value.details["provider"] == "s2s"
    assert all(stream.closed for stream in model.streams)


async def test_a_model_that_takes_nothing_is_given_up_and_its_successor_hears_the_turn() -> None:
    model = ScriptedS2S(["Good day."], ["hello"])
    async with _running(model) as rig:
        model.faults[S2SFault.NEVER_READS] = 1
        await rig.asks(then=9)
        assert len(model.streams) == 2
        assert rig.heard("Good day.")
        assert rig.said == [("caller", "hello", False), ("agent", "Good day.", False)]


async def test_a_stream_that_takes_the_place_of_another_knows_the_conversation() -> None:
    ran: list[str] = []
    answers = [tool_call("order", id="c1", number="7"), "Shipped.", "one two three four", "Later."]
    model = ScriptedS2S(answers, ["order 7", "and now", "what then"], part_delay=0.1)
    async with _running(model, _clerk(ran)) as rig:
        await rig.asks()
        model.faults[S2SFault.DROPS] = 1
        await rig.asks()
        cut = rig.of(ev.UtteranceEnded)[1]
        assert (cut.outcome, cut.heard) == (Outcome.FAILED, "one two")
        await rig.asks()
        assert [text for text in rig.stream.memory if text] == [
            "order 7",
            "7 is shipped",
            "Shipped.",
            "and now",
            "one two",
            "what then",
            "Later.",
        ]
        assert rig.stream.setup.instructions == "You are a clerk."


async def test_a_stream_is_renewed_before_its_end_while_nobody_speaks() -> None:
    model = ScriptedS2S(["First.", "Second."], ["hello", "again"], max_session=10)
    async with _running(model) as rig:
        await rig.asks(then=7.5)
        assert len(model.streams) == 2
        assert model.streams[0].closed
        assert rig.stream.memory == ["hello", "First."]
        await rig.asks()
        assert rig.heard("First.", "Second.")
        assert not rig.of(ev.ProviderFailed)


async def test_a_drop_before_an_answer_begins_is_not_heard_as_more_than_a_pause() -> None:
    model = ScriptedS2S(
        ["Lost.", "Good day."], ["hello"], faults={S2SFault.DROPS_EARLY: 1}, transcribes=False
    )
    async with _running(model) as rig:
        await rig.asks()
        assert rig.heard("Good day.")
        closed, started = rig.of(ev.TurnClosed)[0], rig.of(ev.PlayoutStarted)[0]
        assert started.at - closed.at < 1.0
        sent = [sum(len(frame) for frame in stream.frames) for stream in model.streams]
        assert sent[0] == sent[1]  # the second has heard the same


async def test_every_way_to_stop_leaves_nothing_behind() -> None:
    for moment in (0.0, 0.5, 1.36, 1.5, 2.0):
        model = ScriptedS2S(["one two three four five six"], ["hello"], part_delay=0.1)
        async with _running(model) as rig:
            speaking = asyncio.create_task(rig.asks())
            await asyncio.sleep(moment)
            await rig.session.stop()
            await speaking


async def test_a_session_over_a_model_may_be_started_again() -> None:
    model = ScriptedS2S(["First.", "Second."], ["hello", "again"])
    rig = Rig(model)
    await rig.vad.open()
    async with rig.session:
        await rig.asks()
    rig.session._parts = rig.session._parts.__class__(
        **{
            name: getattr(rig.session._parts, name)
            for name in rig.session._parts.__slots__
            if name != "transport"
        },
        transport=LoopbackTransport(),
    )
    async with rig.session:
        line: Any = rig.session._parts.transport
        await line.speak(1.0)
        await line.silence(3.0)
        assert rig.stream.memory == ["hello", "First.", "again", "Second."]
    assert len(model.streams) == 2
