"""The spans of a conversation: who is whose parent, when each was, and what they tell."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import StatusCode

from beluga_voice.agent import Agent
from beluga_voice.telemetry.spans import PERSONAL
from beluga_voice.testing import ScriptedAgent, ScriptedLLM, ScriptedSTT, ScriptedTTS, tool_call
from beluga_voice.turns import TurnPolicy

KNOWN = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


@pytest.mark.parametrize("complete", [False, True])
async def test_a_turn_is_a_tree_of_spans(watch: Any, complete: bool) -> None:
    watched = await watch(complete=complete).run()
    spans = watched.spans()
    parents = {
        name: next(
            (other for other, each in spans.items() if span.parent and each.context == span.parent), None
        )
        for name, span in spans.items()
    }
    assert parents == {
        "beluga.voice.session": None,
        "beluga.voice.turn": "beluga.voice.session",
        "beluga.voice.hearing": "beluga.voice.turn",
        "invoke_agent time": "beluga.voice.turn",
        "chat m-1": "invoke_agent time",
        "execute_tool clock": "invoke_agent time",
        "beluga.voice.speaking": "beluga.voice.turn",
    }
    assert len(watched.exporter.get_finished_spans()) == 8, "the model was asked twice"
    assert seconds(spans["execute_tool clock"]) == pytest.approx(0.3, abs=0.01)
    assert seconds(spans["chat m-1"]) == pytest.approx(0.2, abs=0.01)
    for name, span in spans.items():
        parent = spans.get(parents[name] or "")
        assert span.start_time is not None
        assert span.end_time is not None
        if parent is not None:
            assert parent.start_time is not None
            assert parent.end_time is not None
            assert parent.start_time <= span.start_time <= span.end_time <= parent.end_time, name


async def test_each_span_names_the_session_and_only_attributes_that_there_are(watch: Any) -> None:
    watched = await watch().run()
    for span in watched.exporter.get_finished_spans():
        assert span.attributes["session.id"] == watched.session.session_id
        for name in span.attributes:
            assert name.startswith("beluga.voice.") or name in KNOWN | {"session.id", "error.type"}, name
    chat = watched.spans()["chat m-1"].attributes
    assert chat["gen_ai.provider.name"] == "example"
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.cache_read.input_tokens"]) == (100, 60)
    assert chat["gen_ai.response.finish_reasons"] == ("stop",)
    turn = watched.spans()["beluga.voice.turn"].attributes
    parts = sum(v for name, v in turn.items() if name.startswith("beluga.voice.silence."))
    assert turn["beluga.voice.silence"] == pytest.approx(parts)
    session = watched.spans()["beluga.voice.session"].attributes
    assert session["gen_ai.usage.input_tokens"] == 200
    assert session["beluga.voice.cost"] > 0


async def test_what_was_said_is_left_out(watch: Any) -> None:
    watched = await watch().run()
    told = " ".join(span.to_json() for span in watched.exporter.get_finished_spans())
    assert "noon" not in told
    assert "what time" not in told
    assert PERSONAL not in told


async def test_what_was_said_is_marked_where_it_is_asked_for(watch: Any) -> None:
    watched = await watch(content=True).run()
    agent = watched.spans()["invoke_agent time"].attributes
    (asked,) = json.loads(agent["gen_ai.input.messages"])
    (answered,) = json.loads(agent["gen_ai.output.messages"])
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "what time is it"}]}
    assert answered["parts"][0]["content"] == "It is noon. Is that all?"
    for span in watched.exporter.get_finished_spans():
        told = {n: v for n, v in span.attributes.items() if "noon" in str(v) or "what time" in str(v)}
        assert not told or span.attributes[PERSONAL] is True


async def test_spans_that_are_made_complete_are_those_of_the_tracer(watch: Any) -> None:
    told = []
    for complete in (False, True):
        watched = await watch(complete=complete, content=True, tts=ScriptedTTS(delay=0.1)).run()
        spans = watched.exporter.get_finished_spans()
        assert len({span.context.span_id for span in spans}) == len(spans)
        assert len({span.context.trace_id for span in spans}) == 1
        told.append(sorted((s.name, sorted(s.attributes), s.kind, round(seconds(s), 6)) for s in spans))
    assert told[0] == told[1]


async def test_a_trace_that_is_not_sampled_has_no_spans_of_turns(watch: Any) -> None:
    watched = watch(complete=True)
    watched.telemetry._tracer.sampler = ALWAYS_OFF
    await watched.run()
    assert not watched.exporter.get_finished_spans()


async def test_the_host_s_span_is_the_parent(watch: Any) -> None:
    watched = watch()
    with watched.tracers.get_tracer("host").start_as_current_span("request") as request:
        async with watched.vad, watched.session:
            pass
    session = watched.spans()["beluga.voice.session"]
    assert session.parent == request.get_span_context()


async def test_a_session_without_a_host_begins_a_trace(watch: Any) -> None:
    watched = await watch().run()
    assert not trace.get_current_span().get_span_context().is_valid
    assert watched.spans()["beluga.voice.session"].parent is None


async def test_no_span_is_made_before_the_first_sample_of_the_answer_has_left(watch: Any) -> None:
    watched = watch()
    names: list[tuple[str, int]] = []
    watched.tracers.add_span_processor(_Sees(names, watched.line))
    await watched.run()
    assert names[0] == ("beluga.voice.session", 0)
    assert all(sent > 0 for _, sent in names[1:])


class _Sees:
    """Notes each span as it is made, and how many frames the agent had sent by then."""

    def __init__(self, names: list[tuple[str, int]], line: Any) -> None:
        self._names, self._line = names, line

    def on_start(self, span: Any, parent_context: object = None) -> None:
        self._names.append((span.name, len(self._line.sent)))

    def on_ending(self, span: object) -> None:
        return

    _on_ending = on_end = on_ending

    def shutdown(self) -> None:
        return

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


async def test_a_failure_is_marked_and_its_words_left_out(watch: Any) -> None:
    watched = await watch(agent=ScriptedAgent([["Well, ", ValueError("secret noon")]])).run()
    for name in ("beluga.voice.turn", "invoke_agent"):
        assert watched.spans()[name].status.status_code is StatusCode.ERROR
    assert "secret" not in " ".join(span.to_json() for span in watched.exporter.get_finished_spans())


async def test_a_barge_in_and_a_tool_that_goes_on_are_told(watch: Any) -> None:
    async def slow() -> str:
        """Take long."""
        await asyncio.sleep(6)
        return "done"

    llm = ScriptedLLM([["Let me look that up for you, it may take a while. ", tool_call("slow")], "Fine."])
    watched = watch(
        agent=Agent("Work.", llm=llm, tools=[slow]),
        stt=ScriptedSTT(["look it up", "stop it now please"], interim=True, delay=0.05),
        tts=ScriptedTTS(word_duration=0.4),
    )
    async with watched.vad, watched.session:
        await watched.line.speak(0.8)
        await watched.line.silence(1.5)
        await watched.line.speak(1.0)
        await watched.line.silence(8.0)
    all_spans = watched.exporter.get_finished_spans()
    cut = [s for s in all_spans if s.attributes.get("beluga.voice.barge_in")]
    assert [s.name for s in cut] == ["beluga.voice.speaking"]
    assert [p.value for p in watched.points("beluga.voice.barge_ins")] == [1]
    (tool,) = [s for s in all_spans if s.name == "execute_tool slow"]
    assert seconds(tool) == pytest.approx(6, abs=0.01)
    assert tool.parent == watched.spans()["beluga.voice.session"].context
    assert len([s for s in all_spans if s.name == "beluga.voice.turn"]) == 2


async def test_a_turn_that_is_dropped_and_a_say_have_their_spans(watch: Any) -> None:
    watched = watch(stt=ScriptedSTT([""]), agent=None)
    async with watched.vad, watched.session:
        await watched.session.say("Hello there.")
        await watched.ask()
    spans = watched.spans()
    assert spans["beluga.voice.turn"].attributes["beluga.voice.dropped"] == "no words"
    assert spans["beluga.voice.speaking"].attributes["beluga.voice.source"] == "say"
    assert spans["beluga.voice.speaking"].parent == spans["beluga.voice.session"].context
    assert "invoke_agent" not in " ".join(spans)


async def test_a_draft_is_no_turn_and_one_that_is_kept_is(watch: Any) -> None:
    watched = watch(
        stt=ScriptedSTT(["what time is it"], interim=True, delay=0.05),
        agent=ScriptedAgent(["Noon."]),
        turns=TurnPolicy(preemptive="always_use"),
    )
    await watched.run()
    names = [span.name for span in watched.exporter.get_finished_spans()]
    assert names.count("beluga.voice.turn") == 1
    assert names.count("beluga.voice.hearing") == 1
