"""The instruments: every metric with its name, unit and buckets, and the recorder over them.

Histograms carry buckets of their own: the SDK's defaults are for milliseconds, and put every latency in seconds
into the first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter

from beluga_voice.events import ModelAnswered, TurnMeasured, UsageMeasured

LATENCIES = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.75,
    1.0,
    1.5,
    2.0,
    3.0,
    5.0,
    10.0,
    30.0,
)
"""Seconds of what a caller waits for: dense between 0.1 s and 1 s, where people notice."""

LIFETIMES = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
"""Seconds of a call."""

DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Seconds of a model's answer: OpenTelemetry's GenAI conventions."""

TOKENS = tuple(float(4**power) for power in range(14))
"""Tokens of a model's answer: OpenTelemetry's GenAI conventions."""

SEGMENTS = ("detection", "endpoint", "transcript", "agent", "tool", "sentence", "tts", "playout")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric.

    Attributes:
        kind: counter, up_down_counter or histogram.
        unit: in UCUM, as OpenTelemetry wants it.
        meaning: what it counts.
        buckets: upper bounds of a histogram.
    """

    name: str
    kind: Literal["counter", "up_down_counter", "histogram"]
    unit: str
    meaning: str
    buckets: tuple[float, ...] = ()


def _histogram(
    name: str, meaning: str, buckets: tuple[float, ...] = LATENCIES, unit: str = "s"
) -> Instrument:
    return Instrument(name, "histogram", unit, meaning, buckets)


INSTRUMENTS = (
    Instrument("session.started.total", "counter", "1", "sessions that started"),
    Instrument("session.stopped.total", "counter", "1", "sessions that ended"),
    Instrument("session.errors.total", "counter", "1", "failures within sessions, by error_code"),
    Instrument("session.active", "up_down_counter", "1", "sessions that run"),
    _histogram("session.operation.latency", "how long start and stop took, by operation"),
    _histogram("session.duration", "how long sessions lasted", LIFETIMES),
    _histogram("voice.session.agent.latency", "from asking an agent to its first text"),
    _histogram("voice.session.agent.streaming.duration", "over which the text of a reply came", DURATIONS),
    _histogram("voice.session.agent.tool.execution.time", "how long tools ran, by tool_name"),
    _histogram("agent.streaming.latency", "from asking a model to its first chunk, by agent"),
    _histogram("agent.streaming.duration", "over which a model's answer came, by agent", DURATIONS),
    Instrument("agent.streaming.chunks.count", "counter", "1", "chunks of text that models gave, by agent"),
    _histogram("beluga.voice.turn.silence", "silence between the caller's last sound and the reply's first"),
    _histogram("beluga.voice.turn.segment", "parts of that silence, by segment"),
    Instrument("beluga.voice.barge_ins", "counter", "1", "replies that callers cut"),
    Instrument("beluga.voice.stt.audio", "counter", "s", "audio that recognizers were given"),
    Instrument("beluga.voice.tts.characters", "counter", "{character}", "characters that voices were given"),
    Instrument("beluga.voice.cost", "counter", "1", "what sessions cost by the prices set, by currency"),
    _histogram("gen_ai.client.token.usage", "tokens of an answer", TOKENS, "{token}"),
    _histogram("gen_ai.client.operation.duration", "from asking a model to the end of its answer", DURATIONS),
)
"""Every metric there is."""


class Metrics:
    """A `MetricsRecorder` over the instruments of one meter.

    Args:
        meter: makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        counters: dict[str, Counter] = {}
        histograms: dict[str, Histogram] = {}
        for spec in INSTRUMENTS:
            if spec.kind == "counter":
                counters[spec.name] = meter.create_counter(spec.name, spec.unit, spec.meaning)
            elif spec.kind == "histogram":
                histograms[spec.name] = meter.create_histogram(
                    spec.name,
                    spec.unit,
                    spec.meaning,
                    explicit_bucket_boundaries_advisory=list(spec.buckets),
                )
            else:
                active = meter.create_up_down_counter(spec.name, spec.unit, spec.meaning)
        self._active: UpDownCounter = active
        self._counters, self._histograms = counters, histograms
        self._silence = histograms["beluga.voice.turn.silence"]
        self._segment = histograms["beluga.voice.turn.segment"]
        self._segments: Mapping[str, Mapping[str, str]] = {name: {"segment": name} for name in SEGMENTS}

    def record_session_start(self, duration: float) -> None:
        """A session has started."""
        self._counters["session.started.total"].add(1)
        self._active.add(1)
        self._measure("session.operation.latency", duration, {"operation": "start"})

    def record_session_stop(self, duration: float, lifetime: float = 0.0) -> None:
        """A session has ended."""
        self._counters["session.stopped.total"].add(1)
        self._active.add(-1)
        self._measure("session.operation.latency", duration, {"operation": "stop"})
        if lifetime > 0:
            self._measure("session.duration", lifetime)

    def record_session_error(self, error_code: str, duration: float | None = None) -> None:
        """Something of a session failed."""
        self._counters["session.errors.total"].add(1, {"error_code": error_code})
        if duration is not None:
            self._measure("session.operation.latency", duration, {"error_code": error_code})

    def increment_active_sessions(self) -> None:
        """Count an active session."""
        self._active.add(1)

    def decrement_active_sessions(self) -> None:
        """Count one less."""
        self._active.add(-1)

    def record_agent_operation(self, latency: float) -> None:
        """An agent gave its first text."""
        self._measure("voice.session.agent.latency", latency)

    def record_agent_streaming_chunk(self, duration: float) -> None:
        """The text of a reply came."""
        self._measure("voice.session.agent.streaming.duration", duration)

    def record_agent_streaming(self, agent: str, latency: float, duration: float, chunks: int) -> None:
        """Models of an agent gave a reply's text."""
        attributes = {"gen_ai.agent.name": agent}
        self._measure("agent.streaming.latency", latency, attributes)
        self._measure("agent.streaming.duration", duration, attributes)
        self._counters["agent.streaming.chunks.count"].add(max(0, chunks), attributes)

    def record_agent_tool_execution(self, tool_name: str, duration: float) -> None:
        """A tool ran."""
        self._measure("voice.session.agent.tool.execution.time", duration, {"tool_name": tool_name})

    def record_answer(self, answer: ModelAnswered) -> None:
        """A model ended an answer."""
        model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": answer.provider}
        if answer.model:
            model["gen_ai.request.model"] = answer.model
        failed = {**model, "error.type": answer.error} if answer.error else model
        self._measure("gen_ai.client.operation.duration", answer.at - answer.started, failed)
        for kind, tokens in (("input", answer.input_tokens), ("output", answer.output_tokens)):
            if tokens:
                self._measure("gen_ai.client.token.usage", tokens, {**model, "gen_ai.token.type": kind})

    def record_turn(self, measured: TurnMeasured) -> None:
        """The first sample of a reply was heard."""
        self._silence.record(max(0.0, measured.silence))
        for name, attributes in self._segments.items():
            seconds = getattr(measured, name)
            if seconds > 0:
                self._segment.record(seconds, attributes)

    def record_barge_in(self) -> None:
        """The caller took the floor."""
        self._counters["beluga.voice.barge_ins"].add(1)

    def record_usage(self, usage: UsageMeasured) -> None:
        """A session ended."""
        self._counters["beluga.voice.stt.audio"].add(max(0.0, usage.stt_seconds))
        self._counters["beluga.voice.tts.characters"].add(max(0, usage.tts_characters))
        if usage.cost is not None:
            self._counters["beluga.voice.cost"].add(max(0.0, usage.cost), {"currency": usage.currency})

    def _measure(self, name: str, value: float, attributes: Mapping[str, str] | None = None) -> None:
        """Record a measure; below zero there is none, and a clock that went back has measured nothing."""
        self._histograms[name].record(max(0.0, value), attributes)
