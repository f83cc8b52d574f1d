"""Voices: who speaks, how fast, how loud."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.agent import Agent, Call
from beluga_voice.agent.functions import FunctionTool
from beluga_voice.contracts import SpeechOptions, TextFilter, TextFilterStream, Tool, ToolSource
from beluga_voice.errors import ConfigurationError, ErrorCode, SessionError
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.silent import DeafSTT
from beluga_voice.speakable import MarkupFilter
from beluga_voice.testing import ScriptedAgent, ScriptedLLM, ScriptedTTS, tool_call


async def test_a_say_has_its_own_voice_and_the_next_one_has_not(running: Any) -> None:
    async with running(vad=None) as rig:
        await rig.session.say("One two.", voice="bella", speed=2, volume=0.5)
        await rig.session.say("Three.")
    assert rig.tts.spoken == [SpeechOptions("bella", 2, 0.5), SpeechOptions()]
    first, second = rig.of(ev.PlayoutFinished)
    assert first.at - rig.of(ev.PlayoutStarted)[0].at == pytest.approx(0.3)
    assert second.at - first.at == pytest.approx(0.3)


async def test_what_say_leaves_open_the_agent_says_and_then_the_session(running: Any) -> None:
    agent = ScriptedAgent([["Fine."]])
    agent.speech_options = SpeechOptions(speed=0.5)
    config = {"voice": "bella", "speed": 1.5, "volume": 0.5}
    async with running(vad=None, agent=agent, config=config) as rig:
        await rig.session.say("One.", volume=1)
    assert rig.tts.spoken == [SpeechOptions("bella", 0.5, 1)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"speed": 0.49}, "speed is 0.49; it must be 0.5 to 2"),
        ({"speed": 2.01}, "speed is 2.01; it must be 0.5 to 2"),
        ({"speed": float("nan")}, "speed is nan; it must be 0.5 to 2"),
        ({"volume": -0.1}, "volume is -0.1; it must be 0 to 1"),
        ({"volume": 1.1}, "volume is 1.1; it must be 0 to 1"),
        ({"voice": " "}, "voice is empty"),
    ],
)
async def test_what_is_out_of_bounds_is_refused_at_once(
    running: Any, options: dict[str, Any], told: str
) -> None:
    async with running(vad=None) as rig:
        with pytest.raises(SessionError, match=told) as refused:
            rig.session.say("One.", **options)
        assert refused.value.code is ErrorCode.INVALID_OPTIONS
        assert rig.of(ev.SayRequested) == []
    with pytest.raises(ConfigurationError, match=told):
        Agent("", **options)


async def test_the_bounds_themselves_are_taken(running: Any) -> None:
    async with running(vad=None) as rig:
        for options in ({"speed": 0.5}, {"speed": 2}, {"volume": 0}, {"volume": 1}):
            ended = await rig.session.say("One.", **options)
            assert ended.outcome is ev.Outcome.PLAYED


@pytest.mark.parametrize("options", [{"voice": "bella"}, {"speed": 1.5}])
async def test_a_tts_without_a_choice_says_so(running: Any, options: dict[str, Any]) -> None:
    async with running(vad=None, tts=ScriptedTTS(honours=())) as rig:
        with pytest.raises(SessionError, match="ScriptedTTS has no choice of") as refused:
            rig.session.say("One.", **options)
        assert refused.value.code is ErrorCode.INVALID_OPTIONS
    with pytest.raises(SessionError, match="ScriptedTTS has no choice of") as refused:
        VoiceSession(stt=DeafSTT(), tts=ScriptedTTS(honours=()), config=SessionConfig(**options))
    assert refused.value.code is ErrorCode.INVALID_CONFIG


async def test_the_session_makes_softer_what_a_tts_cannot(running: Any) -> None:
    tts = ScriptedTTS(honours=())
    async with running(vad=None, tts=tts) as rig:
        await rig.session.say("One.", volume=0.25)
    assert tts.spoken == [SpeechOptions()]
    heard, loud = rig.line.heard, tts.audio_of("One.")
    assert len(heard) == len(loud)
    assert np.abs(heard - loud / 4).max() <= 1


def _front_and_billing(**billing: Any) -> tuple[Agent[None], ScriptedLLM]:
    there = Agent("", name="billing", **billing)
    front = Agent("", name="front", handoffs=[there], voice="anna")
    model = ScriptedLLM([["Moment. ", tool_call("transfer_to_billing")], ["Billing here."], ["Again."]])
    return front, model


async def test_after_a_handoff_the_other_agent_speaks_with_its_own_voice(running: Any) -> None:
    front, model = _front_and_billing(voice="bob", speed=1.2)
    async with running(vad=None, agent=front, llm=model) as rig:
        rig.session.send_text("my bill")
        await _quiet(rig)
        await rig.session.say("And so on.")
    assert rig.tts.texts == ["Moment. ", "\nBilling here.", "And so on."]
    assert [options.voice for options in rig.tts.spoken] == ["anna", "bob", "bob"]
    assert [options.speed for options in rig.tts.spoken] == [None, 1.2, 1.2]


async def test_an_agent_may_have_a_tts_of_its_own_with_another_rate(running: Any) -> None:
    front, model = _front_and_billing(tts="other:bob")
    own, other = ScriptedTTS(), ScriptedTTS(sample_rate=16000)
    async with running(vad=None, agent=front, llm=model, tts={"": own, "other:bob": other}) as rig:
        assert other.streams == []
        rig.session.send_text("my bill")
        ended = await _quiet(rig)
        assert ended.heard == "Moment. \nBilling here."
        assert (own.texts, other.texts) == (["Moment. "], ["\nBilling here."])
        seconds = rig.of(ev.PlayoutFinished)[0].at - rig.of(ev.PlayoutStarted)[0].at
        assert seconds == pytest.approx(0.9, abs=0.03)
    assert all(stream.closed for tts in (own, other) for stream in tts.streams)


async def test_an_agent_s_tts_that_does_not_open_fails_what_it_says(running: Any) -> None:
    front, model = _front_and_billing(tts="other")
    broken = ScriptedTTS(fails_to_open=True)
    async with running(vad=None, agent=front, llm=model, tts={"": ScriptedTTS(), "other": broken}) as rig:
        rig.session.send_text("my bill")
        ended = await _quiet(rig)
        assert ended.outcome is ev.Outcome.FAILED
        assert "no stream can be had" in ended.reason
        assert rig.session.state is ev.SessionState.LISTENING


async def test_a_tts_that_the_session_has_not_gives_way_to_its_own(running: Any) -> None:
    front, model = _front_and_billing(tts="elsewhere")
    async with running(vad=None, agent=front, llm=model) as rig:
        rig.session.send_text("my bill")
        await _quiet(rig)
    assert rig.tts.texts == ["Moment. ", "\nBilling here."]


async def test_a_tool_may_say_something_in_another_voice(running: Any) -> None:
    agent: Agent[None] = Agent("", voice="anna")

    @agent.tool
    async def whisper(call: Call) -> str:
        await call.say("Psst.", voice="bob", volume=0.2)
        return "done"

    model = ScriptedLLM([[tool_call("whisper")], ["Well."]])
    async with running(vad=None, agent=agent, llm=model) as rig:
        rig.session.send_text("hello")
        await _quiet(rig)
    assert rig.tts.spoken == [SpeechOptions("bob", volume=0.2), SpeechOptions("anna")]


def test_a_session_needs_a_voice_of_its_own() -> None:
    with pytest.raises(SessionError, match="tts is NoneType; it must implement the TTS contract"):
        VoiceSession(stt=DeafSTT(), tts={"other": ScriptedTTS()})


async def _quiet(rig: Any) -> ev.UtteranceEnded:
    """Wait for the end of the reply."""
    events = rig.session.events()
    while not (ended := [e for e in rig.of(ev.UtteranceEnded) if e.source is ev.Source.REPLY]):
        await anext(events)
    return ended[0]


# -- text that is written to be read --


async def test_markup_is_not_heard_and_stays_in_the_history(running: Any) -> None:
    reply = ["**Total:** $12.50 - see [it](https://acme.com/x). ", "```\nx = 1\n```\n", "Bye 😀"]
    async with running(vad=None, agent=ScriptedAgent([reply])) as rig:
        rig.session.send_text("how much")
        await _quiet(rig)
        assert "".join(rig.tts.texts) == "Total: $12.50 - see it. Bye "
        assert rig.session.history[-1].text == "".join(reply)


async def test_of_a_cut_reply_the_history_keeps_what_was_heard_as_it_was_written(running: Any) -> None:
    reply = ["**One** two https://www.acme.com/x three four five six."]
    async with running(vad=None, agent=ScriptedAgent([reply]), tts=ScriptedTTS(word_timestamps=True)) as rig:
        rig.session.send_text("count")
        await asyncio.sleep(1.1)
        rig.session.send_text("stop")
        ended = await _quiet(rig)
        assert ended.heard == "**One** two https://www.acme.com/x three"
        assert ended.unheard == "four five six."


async def test_a_session_may_have_other_filters_or_none(running: Any) -> None:
    for filters, heard in (([], "*a* https://b.c/d"), ([MarkupFilter()], "a https://b.c/d")):
        async with running(vad=None, text_filters=filters) as rig:
            await rig.session.say("*a* https://b.c/d")
        assert rig.tts.texts == [heard]


class _Fails(TextFilter, TextFilterStream):
    def open_stream(self, language: str) -> TextFilterStream:
        return self

    def process(self, text: str) -> str:
        raise ZeroDivisionError("by nought")


async def test_a_filter_that_fails_changes_nothing_and_is_told(running: Any) -> None:
    async with running(vad=None, text_filters=[_Fails()]) as rig:
        assert (await rig.session.say("Hello.")).outcome is ev.Outcome.PLAYED
        (failed,) = rig.of(ev.ProviderFailed)
        assert (failed.kind, failed.error) == ("text_filter", "_Fails raised ZeroDivisionError: by nought")


async def test_tools_of_the_session_s_sources_are_every_agent_s(running: Any) -> None:
    class Box(ToolSource):
        def tools(self) -> tuple[Tool, ...]:
            return (FunctionTool(double), FunctionTool(own, description="the source's"))

    def double(number: int) -> int:
        """Twice as much."""
        return 2 * number

    def own() -> str:
        """The agent's."""
        return "mine"

    model = ScriptedLLM([[tool_call("double", number=21)], ["Done."]])
    async with running(vad=None, agent=Agent("", tools=[own]), llm=model, tools=[Box()]) as rig:
        rig.session.send_text("go")
        await _quiet(rig)
        (result,) = rig.session.agent.context.tool_results
        assert result.content == "42"
    described = {tool.name: tool.description for tool in model.requests[0].tools}
    assert described == {"own": "The agent's.", "double": "Twice as much."}
