"""What a model can do in a call: tools side by side, their time, their errors, and the caller over them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from beluga_voice import Agent, ToolError
from beluga_voice import events as ev
from beluga_voice.contracts import AssistantMessage, CallerMessage, ToolCall, ToolChoice, ToolMessage
from beluga_voice.events import Outcome, SessionState, ToolOutcome
from beluga_voice.testing import ScriptedLLM, ScriptedSTT, tool_call


def _agent(**options: Any) -> Agent[None]:
    """An agent with tools of several kinds."""
    agent = Agent("Be brief.", **options)

    @agent.tool
    async def double(number: int) -> int:
        await asyncio.sleep(0.5)
        return 2 * number

    @agent.tool
    async def fails(reason: str = "no reason") -> None:
        raise ValueError(reason)

    @agent.tool
    def refuses() -> None:
        raise ToolError("ask again tomorrow")

    @agent.tool(timeout=2)
    async def slow() -> str:
        await asyncio.sleep(3)
        return "never told"

    return agent


async def test_a_tool_s_answer_is_told_to_the_model(calls: Any) -> None:
    call = tool_call("double", id="a", number=4)
    async with calls(_agent(), ["Let me see. ", call], "It is 8.") as phone:
        ended = await phone.asks("twice four")
        assert ended.outcome is Outcome.PLAYED
    assert phone.said == ["caller: twice four", "agent: Let me see. \nIt is 8."]
    assert phone.llm.requests[1].messages[1:] == (
        CallerMessage("twice four"),
        AssistantMessage("Let me see. ", (call,)),
        ToolMessage("a", "double", "8"),
    )
    assert phone.llm.requests[0].tools[0].parameters == {
        "type": "object",
        "properties": {"number": {"type": "integer"}},
        "required": ["number"],
        "additionalProperties": False,
    }


async def test_later_replies_know_the_tools_of_earlier_ones(calls: Any) -> None:
    async with calls(_agent(), tool_call("double", id="a", number=4), "It is 8.", "Yes.") as phone:
        await phone.asks("twice four")
        await phone.asks("sure?")
    assert phone.llm.requests[2].messages[1:] == (
        CallerMessage("twice four"),
        AssistantMessage("", (ToolCall("a", "double", '{"number": 4}'),)),
        ToolMessage("a", "double", "8"),
        AssistantMessage("It is 8."),
        CallerMessage("sure?"),
    )


async def test_tools_run_side_by_side_and_one_that_fails_or_is_late_leaves_the_others(calls: Any) -> None:
    asked = [
        tool_call("double", number=1),
        tool_call("fails", reason="broken"),
        tool_call("slow"),
        tool_call("refuses"),
        tool_call("double", number=3),
    ]
    async with calls(_agent(), asked, "Well.") as phone:
        begun = asyncio.get_running_loop().time()
        phone.session.send_text("all of it")
        await asyncio.sleep(2.1)
        assert len(phone.llm.requests) == 2
        assert 2.0 <= phone.agent.context.last_activity - begun <= 2.02
    told = [m for m in phone.llm.requests[1].messages if isinstance(m, ToolMessage)]
    assert [(m.text, m.failed) for m in told] == [
        ("2", False),
        ("ValueError: broken", True),
        ("no result within 2 s; it was cancelled", True),
        ("ask again tomorrow", True),
        ("6", False),
    ]
    finished = {event.tool: event.outcome for event in phone.of(ev.ToolFinished)}
    assert finished == {1: "done", 2: "failed", 3: "timeout", 4: "failed", 5: "done"}
    assert [e.name for e in phone.of(ev.ToolStarted)] == ["double", "fails", "slow", "refuses", "double"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (tool_call("double"), "argument 'number' is missing"),
        (tool_call("double", number="many"), "argument 'number' is 'many': input should be a valid integer"),
        (tool_call("double", number=1, digits=2), "there is no argument 'digits'"),
        (ToolCall("", "double", '{"number": 1'), "the arguments are no JSON"),
        (ToolCall("", "double", "[1]"), "the arguments are list; they must be a JSON object"),
        (tool_call("treble", number=1), "there is no tool 'treble'; there are: double, fails, refuses, slow"),
        (tool_call("", number=1), "there is no tool ''"),
    ],
)
async def test_what_a_model_gets_wrong_is_told_to_it(calls: Any, call: ToolCall, told: str) -> None:
    async with calls(_agent(), call, "Sorry.") as phone:
        await phone.asks("twice")
        ((_, outcome, content),) = phone.results
        assert outcome == "failed"
        assert content.startswith(told)
        assert phone.said[-1] == "agent: Sorry."
        assert not phone.of(ev.ToolStarted)


async def test_no_arguments_at_all_are_an_empty_object(calls: Any) -> None:
    async with calls(_agent(), ToolCall("", "refuses", ""), "Well.") as phone:
        await phone.asks("do")
        assert phone.results == [("refuses", "failed", "ask again tomorrow")]


async def test_any_script_reaches_a_tool(calls: Any) -> None:
    agent = _agent()
    seen = []

    @agent.tool
    def greet(name: str) -> str:
        seen.append(name)
        return f"«{name}»"

    async with calls(agent, tool_call("greet", name="Zoë 李雷 \U0001f642"), "Done.") as phone:
        await phone.asks("greet them")
    assert seen == ["Zoë 李雷 \U0001f642"]
    assert phone.results == [("greet", "done", "«Zoë 李雷 \U0001f642»")]


async def test_a_model_that_calls_tools_without_end_is_told_to_answer(calls: Any) -> None:
    llm = ScriptedLLM(lambda r: "Enough." if r.tool_choice is ToolChoice.NONE else tool_call("refuses"))
    async with calls(_agent(max_tool_steps=3), llm=llm) as phone:
        await phone.asks("go")
    assert [r.tool_choice for r in llm.requests] == ["auto", "auto", "auto", "none"]
    assert phone.said[-1] == "agent: Enough."


async def test_a_model_that_will_not_answer_fails_the_reply(calls: Any) -> None:
    llm = ScriptedLLM(lambda _: tool_call("refuses"))
    async with calls(_agent(max_tool_steps=2), llm=llm, config={"apology": "Sorry."}) as phone:
        ended = await phone.asks("go")
        assert ended.outcome is Outcome.FAILED
        assert "called tools 3 times in a row" in ended.reason
        await asyncio.sleep(1)
        assert phone.said[-1] == "agent: Sorry."
        assert phone.session.state is SessionState.LISTENING
        assert phone.agent.state == "listening"


async def test_a_tool_of_ten_seconds_is_waited_for_by_its_own_time(calls: Any) -> None:
    agent = Agent("")

    @agent.tool(timeout=60)
    async def think() -> str:
        await asyncio.sleep(10)
        return "42"

    async with calls(
        agent, ["One moment. ", tool_call("think")], "It is 42.", turns={"first_text": 2}
    ) as phone:
        begun = asyncio.get_running_loop().time()
        phone.session.send_text("what is it")
        await asyncio.sleep(5)
        assert phone.session.state is SessionState.PROCESSING
        assert phone.agent.state == "executing_tool"
        assert phone.agent.context.history[-1].text == "what is it"
        await asyncio.sleep(5.5)
        assert phone.session.state is SessionState.SPEAKING
        (result,) = phone.agent.context.tool_results
        assert (result.outcome, result.duration) == (ToolOutcome.DONE, 10)
        assert begun <= result.started < begun + 1
        await asyncio.sleep(2)
        assert phone.said[-1] == "agent: One moment. \nIt is 42."
    assert [s for s in phone.states if s != "idle"] == [
        "listening",
        "processing",
        "streaming",
        "processing",
        "executing_tool",
        "processing",
        "streaming",
        "speaking",
        "listening",
    ]


async def test_a_model_that_hangs_after_a_tool_fails_by_the_first_text_deadline(calls: Any) -> None:
    async with calls(_agent(), tool_call("double", number=1), [3600.0], turns={"first_text": 2}) as phone:
        ended = await phone.asks("go")
        assert ended.outcome is Outcome.FAILED
        assert ended.at == pytest.approx(phone.of(ev.ToolFinished)[0].at + 2)


# -- fillers --


def _thinker(seconds: float, filler: str = "One moment.", **options: Any) -> Agent[None]:
    agent = Agent("", **options)

    @agent.tool(filler=filler)
    async def think() -> str:
        await asyncio.sleep(seconds)
        return "42"

    return agent


async def test_a_filler_is_said_while_a_tool_takes_long(calls: Any) -> None:
    async with calls(_thinker(4), tool_call("think"), "It is 42.") as phone:
        begun = asyncio.get_running_loop().time()
        ended = await phone.asks("what is it")
        said = [e for e in phone.of(ev.PlayoutStarted) if e.utterance < 0]
        assert [round(e.at - begun, 1) for e in said] == [1.5]
        assert ended.outcome is Outcome.PLAYED
    assert phone.said == ["caller: what is it", "agent: One moment.", "agent: It is 42."]
    assert phone.llm.requests[1].messages[-1] == ToolMessage("call-1", "think", "42")


async def test_no_filler_is_said_for_a_tool_that_is_quick(calls: Any) -> None:
    async with calls(_thinker(1.4), tool_call("think"), "It is 42.") as phone:
        await phone.asks("what is it")
        await asyncio.sleep(1)
    assert phone.said == ["caller: what is it", "agent: It is 42."]


async def test_a_filler_waits_until_the_agent_is_silent(calls: Any) -> None:
    text = "Let me look that up for you now. "
    async with calls(_thinker(6), [text, tool_call("think")], "It is 42.") as phone:
        begun = asyncio.get_running_loop().time()
        await phone.asks("what is it")
        (said,) = [e for e in phone.of(ev.PlayoutStarted) if e.utterance < 0]
        assert said.at - begun == pytest.approx(2.4, abs=0.05)  # eight words of 0.3 s
    assert phone.said[1] == "agent: One moment."


async def test_a_filler_is_not_said_over_the_caller(calls: Any) -> None:
    async with calls(_thinker(6), tool_call("think"), "It is 42.", hears=["hm hm"]) as phone:
        phone.session.send_text("what is it")
        await asyncio.sleep(1.0)
        await phone.line.speak(1.0)
        await asyncio.sleep(2)
        assert not [e for e in phone.of(ev.PlayoutStarted) if e.utterance < 0]


async def test_a_tool_that_ends_while_its_filler_waits_says_nothing(calls: Any) -> None:
    text = "Let me look that up for you now. "
    async with calls(_thinker(2), [text, tool_call("think")], "It is 42.") as phone:
        await phone.asks("what is it")
    assert phone.said == ["caller: what is it", f"agent: {text}\nIt is 42."]


# -- the caller over a tool --


async def test_a_tool_that_was_started_outlives_the_barge_in_and_its_result_is_told(calls: Any) -> None:
    answers = ([tool_call("think", id="a")], "And?", "It is 42.")
    async with calls(_thinker(4, filler=""), *answers) as phone:
        phone.session.send_text("what is it")
        await asyncio.sleep(1)
        assert phone.agent.state == "executing_tool"
        await phone.asks("never mind")
        assert phone.agent.context.streaming.interrupted is False
        assert phone.agent.context.last_interruption == pytest.approx(1, abs=0.01)
        assert phone.results == []
        told = phone.llm.requests[1].messages
        assert told[2] == ToolMessage("a", "think", "still running; its result will be told")
        await asyncio.sleep(3)
        assert phone.results == [("think", "done", "42")]
        await phone.asks("and now")
        assert ToolMessage("a", "think", "42") in phone.llm.requests[2].messages
    assert "interrupted" in phone.states
    assert len(phone.of(ev.ToolFinished)) == 1


async def test_a_barge_in_by_voice_cuts_the_reply_and_not_its_tool(calls: Any) -> None:
    agent = _thinker(8, filler="")
    parts = {"hears": ["stop"], "turns": {"join_window": 0.2}}
    async with calls(agent, ["Wait a little. ", tool_call("think")], "Yes?", **parts) as phone:
        phone.session.send_text("what is it")
        await asyncio.sleep(3)
        await phone.line.speak(0.5)
        await phone.line.silence(3)
        (barge_in,) = phone.of(ev.BargeIn)
        assert barge_in.reason == "stop word"
        assert phone.results == []
        await asyncio.sleep(4)
        assert phone.results == [("think", "done", "42")]
    assert phone.said[1] == "agent: Wait a little."


async def test_a_tool_that_the_end_of_the_call_cuts_is_recorded_as_cancelled(calls: Any) -> None:
    async with calls(_thinker(60, filler=""), tool_call("think")) as phone:
        phone.session.send_text("what is it")
        await asyncio.sleep(1)
    assert phone.results == [("think", "cancelled", "cancelled: the call ended before it was done")]


async def test_a_tool_with_effects_waits_for_the_close_of_the_turn(calls: Any) -> None:
    agent = Agent("")
    ran: list[str] = []

    @agent.tool
    async def book() -> None:
        ran.append("book")

    @agent.tool(effects=False)
    async def look() -> None:
        ran.append("look")

    async with calls(agent, [tool_call("book"), tool_call("look")], "Done.") as phone:
        from beluga_voice.contracts import Turn

        early = Turn("book it", 1, (), "s", 1, phone.agent.control)  # as a reply that is prepared early

        async def answer() -> None:
            async for _ in phone.agent.reply(early):
                pass

        answering = asyncio.create_task(answer())
        await asyncio.sleep(5)
        assert ran == ["look"]
        answering.cancel()
        await asyncio.wait([answering])
        assert phone.llm.requests[0].caller == "book it"
        phone.llm.requests.clear()
        await phone.asks("book it, please")
        assert sorted(ran) == ["book", "look", "look"]


async def test_what_a_tool_waits_for_may_be_cancelled(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    async def wait() -> None:
        asking = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_later(1, asking.cancel)
        await asking

    async with calls(agent, tool_call("wait"), "Well.") as phone:
        await phone.asks("go")
        assert phone.results == [("wait", "failed", "cancelled: something that it waited for was")]
        assert phone.said[-1] == "agent: Well."


async def test_no_more_than_fifty_results_are_kept(calls: Any) -> None:
    llm = ScriptedLLM(lambda r: [tool_call("refuses")] * 30 if len(r.messages) < 60 else "Done.")
    async with calls(_agent(), llm=llm) as phone:
        await phone.asks("go")
        assert len(phone.results) == 50


async def test_calls_that_a_vendor_names_alike_are_told_apart(calls: Any) -> None:
    call = tool_call("refuses", id="0")
    async with calls(_agent(), [call], [call, call], "Well.") as phone:
        await phone.asks("go")
    asked = [c.id for m in phone.llm.requests[2].messages if isinstance(m, AssistantMessage) for c in m.calls]
    assert asked == ["0", "call-2", "call-3"]
    assert list(phone.llm.requests[2].results) == asked


async def test_drafts_of_a_reply_leave_no_calls_behind(calls: Any) -> None:
    agent = Agent("")

    @agent.tool
    async def book() -> str:
        return "booked"

    @agent.tool(effects=False)
    async def look() -> str:
        return "looked"

    llm = ScriptedLLM(lambda r: "Done." if r.results else [tool_call("book"), tool_call("look")])
    turns = {"preemptive": "discard"}
    stt = ScriptedSTT(["book it now please"], interim=True, word_duration=0.2)
    async with calls(agent, llm=llm, stt=stt, turns=turns) as phone:
        await phone.line.speak(1.0)
        await phone.line.silence(4)
        closed = phone.of(ev.TurnClosed)[0].at
        assert len(phone.of(ev.ReplyStarted)) > 1
        assert [e.at >= closed for e in phone.of(ev.ToolStarted) if e.name == "book"] == [True]
        await phone.asks("thanks")
    last = [c.name for m in llm.requests[-1].messages if isinstance(m, AssistantMessage) for c in m.calls]
    assert last == ["book", "look"]
