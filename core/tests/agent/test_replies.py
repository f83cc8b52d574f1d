"""What an agent is given, what it says, and what becomes of errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from beluga_voice import Agent, Call, Turn
from beluga_voice import events as ev
from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    SystemMessage,
    ToolChoice,
    Usage,
)
from beluga_voice.conversation import Message
from beluga_voice.errors import ConfigurationError, ErrorCode, ProviderError, SessionError
from beluga_voice.events import Outcome
from beluga_voice.session import VoiceSession
from beluga_voice.testing import ScriptedAgent, ScriptedLLM, ScriptedSTT, ScriptedTTS, check_agent, tool_call


async def test_answers_by_its_instructions_and_the_conversation(calls: Any) -> None:
    agent = Agent("Be brief.", greeting="Acme, hello.")
    async with calls(agent, ["Hello ", "to you."], "Fine.") as phone:
        await asyncio.sleep(2)
        await phone.asks("good morning")
        await phone.asks("how are you")
    assert phone.said == [
        "agent: Acme, hello.",
        "caller: good morning",
        "agent: Hello to you.",
        "caller: how are you",
        "agent: Fine.",
    ]
    assert phone.llm.requests[1].messages == (
        SystemMessage("Be brief."),
        AssistantMessage("Acme, hello."),
        CallerMessage("good morning"),
        AssistantMessage("Hello to you."),
        CallerMessage("how are you"),
    )
    assert phone.llm.requests[1].tools == ()


async def test_the_model_is_given_what_the_caller_heard_and_not_what_it_wrote(calls: Any) -> None:
    async with calls(Agent(""), "One two three four five six.", "Yes.") as phone:
        phone.session.send_text("count")
        await asyncio.sleep(1.0)
        await phone.asks("stop")
    assert phone.said[:2] == ["caller: count", "agent: One two three"]
    assert phone.llm.requests[1].messages[1] == AssistantMessage("One two three")


async def test_any_script_is_heard_as_it_was_written(calls: Any) -> None:
    text = "Zoë 李雷 «да» \U0001f642 e\u0301."
    async with calls(Agent("Zoë «да»"), text) as phone:
        await phone.asks("李雷 \U0001f642")
    assert phone.said == ["caller: 李雷 \U0001f642", f"agent: {text}"]
    assert phone.llm.requests[0].messages == (SystemMessage("Zoë «да»"), CallerMessage("李雷 \U0001f642"))


async def test_text_is_spoken_another_way_than_it_is_kept(calls: Any) -> None:
    agent = Agent("", speech_text=lambda text: text.replace("km", "kilometres"))
    async with calls(agent, "It is 5 km.") as phone:
        await phone.asks("how far")
    assert phone.said[-1] == "agent: It is 5 km."
    assert phone.tts.texts == ["It is 5 kilometres."]


async def test_text_that_is_not_to_be_spoken_is_kept(calls: Any) -> None:
    async with calls(Agent("", speech_text=lambda _: ""), "Silence.") as phone:
        ended = await phone.asks("hello")
    assert phone.tts.texts == []
    assert ended.outcome is Outcome.PLAYED


async def test_before_reply_adds_to_the_instructions_of_one_reply(calls: Any) -> None:
    async def before(call: Call, turn: Turn) -> str | None:
        return f"They asked {len(call.history)}: {turn.text}." if turn.number == 1 else None

    async with calls(Agent("Be brief.", before_reply=before)) as phone:
        await phone.asks("one")
        await phone.asks("two")
    assert [request.system for request in phone.llm.requests] == [
        "Be brief.\n\nThey asked 1: one.",
        "Be brief.",
    ]


async def test_before_reply_that_fails_fails_the_reply_and_not_the_call(calls: Any) -> None:
    def before(call: Call, turn: Turn) -> str:
        return {}[turn.text]  # type: ignore[no-any-return]

    async with calls(Agent("", before_reply=before)) as phone:
        ended = await phone.asks("one")
        assert (ended.outcome, ended.reason) == (Outcome.FAILED, "KeyError: 'one'")
        assert phone.agent.state == "listening"


async def test_instructions_may_be_written_for_each_answer(calls: Any) -> None:
    agent = Agent(lambda call: f"Messages so far: {len(call.history)}.")
    async with calls(agent, "Yes.") as phone:
        await phone.asks("hello")
        await phone.asks("again")
    assert [r.system for r in phone.llm.requests] == ["Messages so far: 1.", "Messages so far: 3."]


async def test_the_host_s_deps_stand_over_the_agent_s_factory(calls: Any) -> None:
    seen: list[object] = []
    agent = Agent(lambda call: str(seen.append(call.deps)), deps=dict)
    async with calls(agent, deps={"user": 7}) as phone:
        await phone.asks("one")
    async with calls(agent) as phone:
        await phone.asks("one")
        await phone.asks("two")
    assert seen == [{"user": 7}, {}, {}]
    assert seen[1] is seen[2]


# -- errors --


async def test_an_error_before_the_first_text_fails_the_reply_and_the_call_goes_on(calls: Any) -> None:
    error = ProviderError("the vendor is down", retryable=True)
    async with calls(Agent(""), [error], "Here again.", config={"apology": "Sorry."}) as phone:
        ended = await phone.asks("hello")
        assert (ended.outcome, ended.reason, ended.heard) == (Outcome.FAILED, "the vendor is down", "")
        await asyncio.sleep(1)
        await phone.asks("and now")
    assert phone.said == ["caller: hello", "agent: Sorry.", "caller: and now", "agent: Here again."]


async def test_an_error_after_the_first_text_keeps_what_was_heard(calls: Any) -> None:
    async with calls(Agent(""), ["One two. ", 0.4, ProviderError("lost")], "Here again.") as phone:
        ended = await phone.asks("hello")
        assert ended.outcome is Outcome.FAILED
        assert ended.heard
        assert phone.agent.state == "listening"
        await phone.asks("and now")
    assert phone.said == ["caller: hello", f"agent: {ended.heard}", "caller: and now", "agent: Here again."]


async def test_a_model_that_says_nothing_has_answered(calls: Any) -> None:
    async with calls(Agent(""), []) as phone:
        ended = await phone.asks("hello")
        assert ended.outcome is Outcome.PLAYED
        assert phone.states[-3:] == ["processing", "idle", "listening"]


async def test_a_model_that_hangs_fails_by_the_first_text_deadline(calls: Any) -> None:
    async with calls(Agent(""), [3600.0, "late"], turns={"first_text": 3}) as phone:
        ended = await phone.asks("hello")
        assert ended.outcome is Outcome.FAILED
        assert phone.llm.cut == 1


def test_a_session_without_a_model_is_refused() -> None:
    with pytest.raises(SessionError, match="no language model for agent 'sales', which names none") as caught:
        VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), agent=Agent("", name="sales"))
    assert caught.value.code is ErrorCode.INVALID_CONFIG
    with pytest.raises(SessionError, match="asks for 'openai:gpt'"):
        VoiceSession(
            stt=ScriptedSTT(), tts=ScriptedTTS(), agent=Agent("", llm="openai:gpt"), llm=ScriptedLLM()
        )
    with pytest.raises(SessionError, match="must implement the LLM contract"):
        VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), llm=ScriptedTTS())  # type: ignore[arg-type]


async def test_an_agent_brings_its_own_model(calls: Any) -> None:
    own = ScriptedLLM(["From my own."])
    async with calls(Agent("", llm=own)) as phone:
        await phone.asks("hello")
    assert (len(own.requests), len(phone.llm.requests)) == (1, 0)
    assert phone.said[-1] == "agent: From my own."


@pytest.mark.parametrize(
    "wrong", [{"max_history": 1}, {"max_tool_steps": 0}, {"filler_after": 0.1}, {"filler_after": 31}]
)
def test_a_number_out_of_bounds_is_refused(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=rf"{name} is .*; it must be "):
        Agent("", **wrong)


@pytest.mark.parametrize("name", ["", "two words", "ü", "a" * 49])
def test_a_name_that_no_model_could_call_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be named"):
        Agent("", name=name)


# -- history --


async def test_the_older_half_of_a_long_history_is_forgotten(calls: Any) -> None:
    async with calls(Agent("", max_history=6)) as phone:
        for number in range(1, 6):
            await phone.asks(f"word {number}")
    given = [[m.text for m in r.messages] for r in phone.llm.requests]  # type: ignore[union-attr]
    assert given[2] == ["word 1", "word 1", "word 2", "word 2", "word 3"]
    assert given[3] == ["word 3", "word 3", "word 4"]
    assert given[4] == ["word 3", "word 3", "word 4", "word 4", "word 5"]
    assert len(phone.said) == 10


async def test_what_is_forgotten_is_summarised_beside_the_reply(calls: Any) -> None:
    asked: list[tuple[list[str], str]] = []

    async def summarize(call: Call, old: tuple[Message, ...], before: str) -> str:
        await asyncio.sleep(0.3)
        asked.append(([message.text for message in old], before))
        return f"{before}{len(old)} messages. "

    agent = Agent("Brief.", max_history=4, summarize=summarize)
    async with calls(agent) as phone:
        for number in range(1, 7):
            await phone.asks(f"word {number}")
            await asyncio.sleep(0.5)
    assert asked == [
        (["word 1", "word 1", "word 2", "word 2"], ""),
        (["word 3", "word 3", "word 4", "word 4"], "4 messages. "),
    ]
    sizes = [len(request.messages) for request in phone.llm.requests]
    assert sizes == [2, 4, 6, 4, 6, 4]  # the third still has all: its summary is being written
    assert phone.llm.requests[3].system == "Brief.\n\nSummary of the conversation before: 4 messages. "


async def test_a_summary_that_fails_is_told_and_the_limit_holds(calls: Any) -> None:
    def summarize(call: Call, old: tuple[Message, ...], before: str) -> str:
        raise ValueError("no summary")

    async with calls(Agent("", max_history=2, summarize=summarize)) as phone:
        for number in range(1, 4):
            await phone.asks(f"word {number}")
            await asyncio.sleep(0.5)
        (failed, *_) = phone.of(ev.ProviderFailed)
        assert (failed.kind, failed.error) == ("summary", "ValueError: no summary")
    assert len(phone.llm.requests[2].messages) == 3
    assert phone.agent._remembered()[0].text == "word 3"


async def test_a_session_that_is_started_again_remembers(calls: Any) -> None:
    async with calls(Agent("")) as phone:
        await phone.asks("one")
    async with phone.session:
        assert phone.agent.state == "listening"
        await phone.asks("two")
    assert [m.text for m in phone.llm.requests[-1].messages] == ["one", "one", "two"]  # type: ignore[union-attr]


async def test_tokens_are_counted(calls: Any) -> None:
    llm = ScriptedLLM([tool_call("nothing"), "One."], usage=Usage(10, 3, 4))
    async with calls(Agent(""), llm=llm) as phone:
        await phone.asks("one")
        assert phone.agent.context.usage == Usage(20, 6, 8)


# -- outside of a session --


async def test_an_agent_answers_outside_of_a_session() -> None:
    llm = ScriptedLLM([tool_call("look", what="it"), ["Found", " it."]])
    agent = Agent("Brief.", llm=llm)

    @agent.tool
    async def look(call: Call, what: str) -> str:
        assert call.session_id == "s"
        return what.upper()

    texts = [text async for text in agent.reply(Turn("find it", 1, (), "s"))]
    assert "".join(texts) == "Found it."
    assert llm.requests[1].results == {"call-1": "IT"}
    assert llm.requests[0].tool_choice is ToolChoice.AUTO


async def test_nothing_can_be_said_outside_of_a_session() -> None:
    agent = Agent("", llm=ScriptedLLM([tool_call("greet"), "Well."]))

    @agent.tool
    async def greet(call: Call) -> None:
        call.interrupt()
        call.say("Hello.")

    assert [text async for text in agent.reply(Turn("hello", 1, (), "s"))] == ["Well."]


async def test_an_agent_keeps_the_contract() -> None:
    def make() -> Agent[None]:
        agent = Agent("", llm=ScriptedLLM(lambda r: tool_call("wait", id="a") if not r.results else "Done."))

        @agent.tool
        async def wait() -> None:
            await asyncio.sleep(5)

        return agent

    await check_agent(make)
    await check_agent(lambda: ScriptedAgent())
