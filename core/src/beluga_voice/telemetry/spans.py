"""Spans of a session, made after the fact from timestamps.

Names and attributes are those of OpenTelemetry's conventions for generative AI where they have any, and
``beluga.voice.*`` elsewhere.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from beluga_voice.events import EndReason, ModelAnswered, Outcome, ToolOutcome, TurnMeasured, UsageMeasured
from beluga_voice.telemetry.gathering import Heard, Spoken, ToolCalled
from beluga_voice.telemetry.instruments import SEGMENTS
from beluga_voice.telemetry.making import Attributes, Begin, Begun, by_tracer

NANO = 1_000_000_000
PERSONAL = "beluga.voice.personal_data"
"""Stands on each span that holds what somebody said."""

_FAILED = Status(StatusCode.ERROR)


class SessionSpans:
    """The spans of one run of a session.

    Args:
        tracer: makes the session's.
        begin: makes all others; the tracer if None.
        session_id: stands on each.
        agent: who answers, by name; empty if it has none.
        content: whether they hold what was said.
        parent: the host's span, if any.
        started: when the session started, on its clock.
    """

    def __init__(
        self,
        tracer: Tracer,
        begin: Begin | None,
        session_id: str,
        agent: str,
        *,
        content: bool,
        parent: Context,
        started: float,
    ) -> None:
        self._begin = begin or by_tracer(tracer)
        self._session_id = session_id
        self._content = content
        self._agent = agent
        # The wall's time is read once; all that follows is the session's own, monotonic.
        self._origin = round(datetime.now(UTC).timestamp() * NANO) - round(started * NANO)
        self._common: Attributes = {"session.id": session_id}
        at = self._time(started)
        name, common = "beluga.voice.session", dict(self._common)
        self._session = tracer.start_span(name, parent, SpanKind.SERVER, common, None, at)
        self._recording = self._session.is_recording()

    # -- the session --

    def usage(self, usage: UsageMeasured) -> None:
        """Note what the session used."""
        self._session.set_attributes(
            {
                "beluga.voice.usage.stt_seconds": usage.stt_seconds,
                "beluga.voice.usage.tts_characters": usage.tts_characters,
                "gen_ai.usage.input_tokens": usage.input_tokens,
                "gen_ai.usage.output_tokens": usage.output_tokens,
            }
        )
        if usage.cost is not None:
            self._session.set_attributes(
                {"beluga.voice.cost": usage.cost, "beluga.voice.currency": usage.currency}
            )

    def failed(self, at: float, kind: str, error: str) -> None:
        """Note that a part failed; what it said may hold content."""
        attributes: Attributes = {"beluga.voice.kind": kind}
        if self._content:
            attributes.update({"exception.message": error, PERSONAL: True})
        self._session.add_event("beluga.voice.failure", attributes, self._time(at))

    def end(self, at: float, reason: EndReason) -> None:
        """End the session's span."""
        self._session.set_attribute("beluga.voice.end_reason", str(reason))
        if reason is EndReason.ERROR:
            self._session.set_status(_FAILED)
        self._session.end(self._time(at))

    # -- turns --

    def heard(self, heard: Heard) -> None:
        """Make the spans of a turn that nobody answered."""
        if self._recording:
            turn = self._start_turn(heard, self._session)
            turn.end(self._time(heard.closed or heard.opened))

    def spoken(self, spoken: Spoken) -> None:
        """Make the spans of an utterance, and of the turn that it answers."""
        if not self._recording or spoken.ended is None:
            return
        if spoken.draft:
            self._invoke(spoken, "", self._session)
            return
        if spoken.heard is None:
            self._speak(spoken, self._session)
            return
        turn = self._start_turn(spoken.heard, self._session)
        turn.set_attributes({"beluga.voice.outcome": str(spoken.ended.outcome), **_latency(spoken.measured)})
        self._invoke(spoken, spoken.heard.text, turn)
        self._speak(spoken, turn)
        if spoken.ended.outcome is Outcome.FAILED:
            turn.set_status(_FAILED)
        turn.end(self._time(spoken.ended.at))

    def late(self, tool: ToolCalled) -> None:
        """Make the span of a tool that ended after its reply."""
        if self._recording:
            self._execute(tool, self._session)

    def _start_turn(self, heard: Heard, parent: Begun) -> Begun:
        attributes: Attributes = {"beluga.voice.turn": heard.turn}
        if heard.dropped:
            attributes["beluga.voice.dropped"] = heard.dropped
        turn = self._start("beluga.voice.turn", parent, heard.opened, attributes)
        if heard.closed is not None:
            told: Attributes = {}
            if self._content and heard.text:
                told.update({"beluga.voice.transcript": heard.text, PERSONAL: True})
            self._make("beluga.voice.hearing", turn, heard.opened, heard.closed, told)
        return turn

    def _invoke(self, spoken: Spoken, said: str, parent: Begun) -> None:
        assert spoken.ended is not None
        agent = next((answer.agent for answer in spoken.answers if answer.agent), self._agent)
        attributes: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": self._session_id,
        }
        if agent:
            attributes["gen_ai.agent.name"] = agent
        if spoken.draft:
            attributes["beluga.voice.draft"] = True
        if self._content:
            attributes.update(_messages(said, f"{spoken.ended.heard}{spoken.ended.unheard}"))
        failed = spoken.ended.outcome is Outcome.FAILED
        if failed:
            attributes["error.type"] = "utterance_failed"
        name = f"invoke_agent {agent}".strip()
        span = self._start(name, parent, spoken.asked, attributes)
        ends = [spoken.text_ended or spoken.asked]
        for answer in spoken.answers:
            self._chat(answer, span)
            ends.append(answer.at)
        for tool in spoken.tools.values():
            self._execute(tool, span)
            ends.append(tool.ended or tool.started)
        if failed:
            span.set_status(_FAILED)
        span.end(self._time(min(max(ends), spoken.ended.at)))

    def _chat(self, answer: ModelAnswered, parent: Begun) -> None:
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": answer.provider,
            "gen_ai.usage.input_tokens": answer.input_tokens,
            "gen_ai.usage.output_tokens": answer.output_tokens,
            "gen_ai.response.finish_reasons": (answer.finish,),
        }
        if answer.model:
            attributes["gen_ai.request.model"] = answer.model
        if answer.cached_tokens:
            attributes["gen_ai.usage.cache_read.input_tokens"] = answer.cached_tokens
        if answer.first is not None:
            attributes["gen_ai.response.time_to_first_chunk"] = answer.first - answer.started
        if answer.error:
            attributes["error.type"] = answer.error
        span = self._start(
            f"chat {answer.model}".strip(), parent, answer.started, attributes, SpanKind.CLIENT
        )
        if answer.error:
            span.set_status(_FAILED)
        span.end(self._time(answer.at))

    def _execute(self, tool: ToolCalled, parent: Begun) -> None:
        attributes: Attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool.name}
        failed = tool.outcome in (ToolOutcome.FAILED, ToolOutcome.TIMEOUT)
        if failed:
            attributes["error.type"] = str(tool.outcome)
        span = self._start(f"execute_tool {tool.name}", parent, tool.started, attributes)
        if failed:
            span.set_status(_FAILED)
        span.end(self._time(tool.started if tool.ended is None else tool.ended))

    def _speak(self, spoken: Spoken, parent: Begun) -> None:
        ended = spoken.ended
        assert ended is not None
        if spoken.played is None and ended.outcome is not Outcome.FAILED:
            return  # nobody heard it
        attributes: Attributes = {
            "beluga.voice.utterance": spoken.utterance,
            "beluga.voice.source": str(ended.source),
            "beluga.voice.outcome": str(ended.outcome),
        }
        if spoken.barge_in:
            attributes["beluga.voice.barge_in"] = spoken.barge_in
        if self._content:
            attributes.update({"beluga.voice.heard": ended.heard, PERSONAL: True})
        began = spoken.asked if spoken.played is None else spoken.played
        span = self._start("beluga.voice.speaking", parent, began, attributes)
        if ended.outcome is Outcome.FAILED:
            span.set_status(_FAILED)
        span.end(self._time(ended.at))

    # -- making them --

    def _time(self, at: float) -> int:
        return self._origin + round(at * NANO)

    def _start(
        self,
        name: str,
        parent: Begun,
        at: float,
        attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Begun:
        return self._begin(name, parent, kind, {**self._common, **attributes}, self._time(at))

    def _make(self, name: str, parent: Begun, since: float, until: float, attributes: Attributes) -> None:
        self._start(name, parent, since, attributes).end(self._time(until))


def _latency(measured: TurnMeasured | None) -> Attributes:
    if measured is None:
        return {}
    found: Attributes = {"beluga.voice.silence": measured.silence}
    for name in SEGMENTS:
        if seconds := getattr(measured, name):
            found[f"beluga.voice.silence.{name}"] = seconds
    return found


def _messages(said: str, answered: str) -> Attributes:
    """What was said and answered, as the GenAI conventions write messages."""
    told: Attributes = {PERSONAL: True}
    for name, role, text in (("input", "user", said), ("output", "assistant", answered)):
        message = {"role": role, "parts": [{"type": "text", "content": text}]}
        told[f"gen_ai.{name}.messages"] = json.dumps([message], ensure_ascii=False)
    return told
