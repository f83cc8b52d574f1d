"""What telemetry does with a session: it watches its events, and records and traces them afterwards."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry import context as otel
from opentelemetry.trace import Tracer

from beluga_voice import events as ev
from beluga_voice.session import VoiceSession
from beluga_voice.telemetry.gathering import Gathering, Heard, Spoken, ToolCalled
from beluga_voice.telemetry.making import Begin
from beluga_voice.telemetry.recorder import MetricsRecorder, NoMetrics
from beluga_voice.telemetry.spans import SessionSpans


class Telemetry:
    """Records and traces sessions.

    Args:
        metrics: records; nothing by default.
        tracer: makes spans; none by default.
        content: whether spans hold what was said, marked as personal data.
        begin: makes all spans but a session's, which are complete when they are made; the tracer if None.
    """

    def __init__(
        self,
        metrics: MetricsRecorder | None = None,
        tracer: Tracer | None = None,
        *,
        content: bool = False,
        begin: Begin | None = None,
    ) -> None:
        self._metrics = metrics or NoMetrics()
        self._tracer = tracer
        self._content = content
        self._begin = begin

    def observe(self, session: VoiceSession) -> None:
        """Watch a session from now on, over all its runs.

        Its spans are children of the span that is current where `VoiceSession.start` is called.
        """
        name = getattr(getattr(session.agent, "agent", session.agent), "name", "")
        config = session.config
        metrics = self._metrics if config.enable_metrics else NoMetrics()
        spans = self._spans_of(session.session_id, str(name or "")) if config.enable_tracing else None
        session.on_event(_Observation(metrics, spans).see)

    def _spans_of(self, session_id: str, agent: str) -> Callable[[float], SessionSpans] | None:
        tracer = self._tracer
        if tracer is None:
            return None

        def begin(started: float) -> SessionSpans:
            parent = otel.get_current()
            return SessionSpans(
                tracer, self._begin, session_id, agent, content=self._content, parent=parent, started=started
            )

        return begin


class _Observation:
    """Watches one session.

    What happens before the first sample of a reply is heard is only noted; it is recorded when the reply is over.
    """

    def __init__(self, metrics: MetricsRecorder, begin: Callable[[float], SessionSpans] | None) -> None:
        self._metrics = metrics
        self._begin = begin
        self._spans: SessionSpans | None = None
        self._gathering = Gathering(self._heard, self._spoken, self._late)
        self._started = 0.0
        self._stopping: float | None = None

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        self._gathering.see(event)
        look = _LOOK.get(type(event))
        if look is not None:
            look(self, event)

    # -- the session --

    def _session_started(self, event: ev.SessionStarted) -> None:
        self._started, self._stopping = event.at, None
        if self._begin is not None:
            self._spans = self._begin(event.at)

    def _session_opened(self, event: ev.SessionOpened) -> None:
        if event.error:
            self._metrics.record_session_error("provider_init_failed", event.duration)
        else:
            self._metrics.record_session_start(event.duration)

    def _stop_requested(self, event: ev.StopRequested) -> None:
        if self._stopping is None:
            self._stopping = event.at

    def _session_ended(self, event: ev.SessionEnded) -> None:
        stopping = event.at if self._stopping is None else self._stopping
        self._metrics.record_session_stop(event.at - stopping, event.at - self._started)
        if self._spans is not None:
            self._spans.end(event.at, event.reason)
            self._spans = None

    def _provider_failed(self, event: ev.ProviderFailed) -> None:
        self._metrics.record_session_error(f"{event.kind}_error")
        if self._spans is not None:
            self._spans.failed(event.at, event.kind, event.error)

    def _usage(self, event: ev.UsageMeasured) -> None:
        self._metrics.record_usage(event)
        if self._spans is not None:
            self._spans.usage(event)

    def _barge_in(self, _: ev.BargeIn) -> None:
        self._metrics.record_barge_in()

    # -- what was gathered --

    def _heard(self, heard: Heard) -> None:
        if self._spans is not None:
            self._spans.heard(heard)

    def _spoken(self, spoken: Spoken) -> None:
        metrics = self._metrics
        for answer in spoken.answers:
            metrics.record_answer(answer)
            if answer.chunks and answer.first is not None:
                latency, duration = answer.first - answer.started, answer.at - answer.first
                metrics.record_agent_streaming(answer.agent, latency, duration, answer.chunks)
        for tool in spoken.tools.values():
            self._record_tool(tool)
        if spoken.heard is not None and spoken.text_started is not None:
            metrics.record_agent_operation(spoken.text_started - spoken.asked)
            metrics.record_agent_streaming_chunk(
                (spoken.text_ended or spoken.text_started) - spoken.text_started
            )
        if spoken.measured is not None:
            metrics.record_turn(spoken.measured)
        if spoken.ended is not None and spoken.ended.outcome is ev.Outcome.FAILED:
            metrics.record_session_error("utterance_failed")
        if self._spans is not None:
            self._spans.spoken(spoken)

    def _late(self, tool: ToolCalled) -> None:
        self._record_tool(tool)
        if self._spans is not None:
            self._spans.late(tool)

    def _record_tool(self, tool: ToolCalled) -> None:
        if tool.ended is not None:
            self._metrics.record_agent_tool_execution(tool.name, tool.ended - tool.started)


_LOOK: dict[type[ev.Event], Callable[..., None]] = {
    ev.SessionStarted: _Observation._session_started,
    ev.SessionOpened: _Observation._session_opened,
    ev.StopRequested: _Observation._stop_requested,
    ev.SessionEnded: _Observation._session_ended,
    ev.ProviderFailed: _Observation._provider_failed,
    ev.UsageMeasured: _Observation._usage,
    ev.BargeIn: _Observation._barge_in,
}
