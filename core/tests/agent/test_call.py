"""What a tool may do with its call: say, reply, interrupt, hand over, end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from beluga_voice import Agent, Call, SessionError, Turn
from beluga_voice import events as ev
from beluga_voice.errors import ConfigurationError
from beluga_voice.events import EndReason, Outcome, SessionState
from beluga_voice.testing import ScriptedLLM, tool_call


def _saying(*texts: str, wait: bool = True, **options: Any) -> Agent[None]:
    """An agent whose tool says something, and waits until it was heard."""
    agent = Agent("")

    @agent.tool
    async def speak(call: Call) -> str:
        handles = [call.say(text, **options) for text in texts]
        if not wait:
            return "asked"
        ends = [await handle for handle in handles]
        return " ".join(f"{end.outcome}: {end.heard}" for end in ends)

    return agent


async def test_a_say_inside_a_tool_is_heard_before_the_tool_ends(calls: Any) -> None:
    async with calls(_saying("I am looking."), tool_call("speak"), "It is 42.") as phone:
        await phone.asks("what is it")
        assert phone.results == [("speak", "done", "played: I am looking.")]
    assert phone.said == ["caller: what is it", "agent: I am looking.", "agent: It is 42."]


async def test_a_say_inside_a_tool_plays_after_what_the_reply_owes_already(calls: Any) -> None:
    async with calls(_saying("Two.", "Three."), ["One. ", tool_call("speak")], "Four.") as phone:
        ended = await phone.asks("count")
        assert phone.results == [("speak", "done", "played: Two. played: Three.")]
        assert ended.heard == "One. \nFour."
    assert phone.tts.texts == ["One. ", "Two.", "Three.", "\nFour."]
    heard = phone.line.heard
    texts = ("One.", "Two.", "Three.", "Four.")
    assert len(heard) == sum(len(phone.tts.audio_of(text)) for text in texts)


async def test_a_say_that_no_tool_waits_for_is_heard_before_the_rest_of_the_reply(calls: Any) -> None:
    async with calls(_saying("Two.", wait=False), ["One. ", tool_call("speak")], [1.0, "Three."]) as phone:
        await phone.asks("count")
    assert phone.tts.texts == ["One. ", "Two.", "\nThree."]
    assert phone.results == [("speak", "done", "asked")]


async def test_a_say_inside_a_tool_is_heard_before_what_was_queued_from_outside(calls: Any) -> None:
    async with calls(_saying("Two."), ["One. ", tool_call("speak")], "Three.") as phone:
        phone.session.send_text("count")
        await asyncio.sleep(0.1)
        outside = phone.session.say("Four.")
        await outside
        assert phone.results == [("speak", "done", "played: Two.")]
    assert phone.said == ["caller: count", "agent: Two.", "agent: One. \nThree.", "agent: Four."]


async def test_a_say_inside_a_tool_may_be_cut_and_the_tool_is_told(calls: Any) -> None:
    async with calls(_saying("One two three four five six."), tool_call("speak"), "Yes?") as phone:
        phone.session.send_text("count")
        await asyncio.sleep(1)
        await phone.asks("stop")
        assert phone.results == [("speak", "done", "cut: One two three")]
        assert phone.said[1] == "agent: One two three"


async def test_a_tool_whose_reply_was_cut_says_what_it_has_to_say_in_turn(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    async def order(call: Call) -> None:
        await asyncio.sleep(3)
        await call.say("Your order is placed.")

    async with calls(agent, tool_call("order"), "And?") as phone:
        phone.session.send_text("order it")
        await asyncio.sleep(1)
        await phone.asks("wait")
        await asyncio.sleep(5)
        assert phone.results == [("order", "done", "done")]
    assert phone.said[-1] == "agent: Your order is placed."


async def test_a_text_without_a_word_is_refused(calls: Any) -> None:
    async with calls(_saying("..."), tool_call("speak"), "Well.") as phone:
        await phone.asks("go")
        ((_, outcome, content),) = phone.results
        assert outcome == "failed"
        assert "empty_text" in content


# -- the end --


async def test_a_tool_ends_the_call_after_a_goodbye_that_nobody_can_cut(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    async def hang_up(call: Call) -> None:
        await call.say("Goodbye and thank you.", allow_interruptions=False)
        call.end()

    async with calls(agent, ["Well then. ", tool_call("hang_up")], hears=["no wait stop"]) as phone:
        phone.session.send_text("bye")
        await asyncio.sleep(1)
        await phone.line.speak(0.6)
        reason = await phone.session.wait_ended()
        assert reason is EndReason.STOPPED
        assert len(phone.llm.requests) == 1
        assert phone.results == [("hang_up", "done", "done")]
    goodbye = next(e for e in phone.of(ev.UtteranceEnded) if e.utterance < 0)
    assert (goodbye.outcome, goodbye.heard) == (Outcome.PLAYED, "Goodbye and thank you.")
    assert phone.said[:3] == ["caller: bye", "agent: Goodbye and thank you.", "agent: Well then."]


async def test_a_call_ends_when_what_is_queued_and_protected_was_heard(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    def hang_up(call: Call) -> None:
        call.say("Goodbye.", allow_interruptions=False)
        call.end()
        call.end()

    async with calls(agent, ["Well then. ", tool_call("hang_up")]) as phone:
        phone.session.send_text("bye")
        await phone.session.wait_ended()
    assert [e.outcome for e in phone.of(ev.UtteranceEnded)] == ["played", "played"]
    assert phone.said == ["caller: bye", "agent: Well then.", "agent: Goodbye."]


# -- interrupting --


async def test_an_interruption_cuts_the_agent_and_what_is_queued_but_nothing_protected(calls: Any) -> None:
    async with calls(Agent(""), "One two three four five.") as phone:
        phone.session.send_text("count")
        await asyncio.sleep(0.5)
        queued = phone.session.say("Queued.")
        protected = phone.session.say("Protected.", allow_interruptions=False)
        Call(phone.agent).interrupt()
        assert (await queued).outcome is Outcome.CUT
        assert (await protected).outcome is Outcome.PLAYED
    assert phone.said == ["caller: count", "agent: One two", "agent: Protected."]


async def test_a_tool_that_interrupts_its_own_reply_goes_on(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    async def hush(call: Call) -> str:
        call.interrupt()
        await asyncio.sleep(1)
        return "quiet"

    async with calls(agent, ["One. ", tool_call("hush")]) as phone:
        ended = await phone.asks("hush")
        assert (ended.outcome, ended.reason) == (Outcome.CUT, "cancelled")
        await asyncio.sleep(2)
        assert phone.results == [("hush", "done", "quiet")]
        assert phone.session.state is SessionState.LISTENING


# -- replying unasked --


async def test_the_agent_says_something_though_nobody_asked(calls: Any) -> None:
    async with calls(Agent("Be brief."), "Are you still there?") as phone:
        ended = await Call(phone.agent).reply("Ask whether they are there.")
        assert (ended.outcome, ended.heard) == (Outcome.PLAYED, "Are you still there?")
        assert phone.agent.state == "listening"
    assert phone.said == ["agent: Are you still there?"]
    assert phone.llm.requests[0].system == "Be brief.\n\nAsk whether they are there."
    assert phone.states[:4] == ["listening", "processing", "streaming", "speaking"]


async def test_a_reply_inside_a_tool_is_heard_before_the_tool_ends(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    async def warn(call: Call) -> None:
        await call.reply("Say that it takes long.", allow_interruptions=False)

    async with calls(agent, tool_call("warn"), "It takes long.", "Done.") as phone:
        await phone.asks("do it")
    assert phone.said == ["caller: do it", "agent: It takes long.", "agent: Done."]


async def test_an_unasked_reply_that_fails_says_why(calls: Any) -> None:
    async with calls(Agent(""), [RuntimeError("broken")]) as phone:
        ended = await Call(phone.agent).reply()
        assert (ended.outcome, ended.reason) == (Outcome.FAILED, "RuntimeError: broken")


# -- handing over --


async def test_a_model_hands_the_call_over_and_the_other_goes_on_with_the_reply(calls: Any) -> None:
    billing = Agent("You do billing.", name="billing", description="Knows invoices.", deps=dict)
    front = Agent("You answer.", name="front", handoffs=[billing], deps=dict)
    billing.handoffs.append(front)

    @billing.tool
    def invoice(call: Call[dict[str, str]]) -> str:
        return call.agent.name

    answers = (
        ["Moment. ", tool_call("transfer_to_billing")],
        tool_call("invoice"),
        "Here is billing.",
        "Yes.",
    )
    async with calls(front, *answers) as phone:
        await phone.asks("my invoice")
        await phone.asks("sure?")
    first, second, third, fourth = phone.llm.requests
    assert [tool.name for tool in first.tools] == ["transfer_to_billing"]
    assert first.tools[0].description == "Hand the caller over to billing. Knows invoices."
    assert second.system == third.system == fourth.system == "You do billing."
    assert [tool.name for tool in second.tools] == ["invoice", "transfer_to_front"]
    assert phone.results == [
        ("transfer_to_billing", "done", "billing answers from now on"),
        ("invoice", "done", "billing"),
    ]
    assert phone.said[1] == "agent: Moment. \nHere is billing."


async def test_an_agent_with_a_model_that_the_session_does_not_have_cannot_take_over(calls: Any) -> None:
    stranger = Agent("", name="stranger", llm="openai:gpt")
    async with calls(Agent("")) as phone:
        with pytest.raises(ConfigurationError, match="no language model for agent 'stranger'"):
            Call(phone.agent).transfer(stranger)


async def test_agents_of_one_call_may_have_models_of_their_own(calls: Any) -> None:
    own = ScriptedLLM(["From my own."])
    second = Agent("", name="second", llm=own)
    async with calls(Agent(""), "One.") as phone:
        await phone.asks("hello")
        Call(phone.agent).transfer(second)
        await phone.asks("again")
    assert (len(phone.llm.requests), len(own.requests)) == (1, 1)


# -- plain functions --


async def test_a_plain_function_has_the_call_too() -> None:
    from beluga_voice.session import VoiceSession
    from beluga_voice.silent import DeafSTT, MuteTTS

    async def agent(turn: Turn) -> str:
        assert turn.call is not None
        turn.call.say("First.", inside=turn.utterance)
        turn.call.end()
        return f"{turn.call.deps} {turn.utterance}"

    session = VoiceSession(stt=DeafSTT(), tts=MuteTTS(), agent=agent, deps="shop")
    async with session:
        session.send_text("hello")
        await session.wait_ended()
    with pytest.raises(SessionError, match="does not run"):
        session._control.say("Late.")
