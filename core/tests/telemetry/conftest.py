"""A session that is observed by OpenTelemetry's SDK, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from beluga_voice.agent import Agent
from beluga_voice.contracts import Usage
from beluga_voice.session import VoiceSession
from beluga_voice.telemetry import Metrics, Telemetry
from beluga_voice.telemetry.making import Completed
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedTTS,
    tool_call,
)
from beluga_voice.usage import Prices

TOOK = 0.3
"""Seconds that the tool takes."""


class Watched:
    """A session in which the caller asks for the time, with what telemetry made of it."""

    def __init__(self, *, content: bool = False, complete: bool = False, **parts: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        scope = InstrumentationScope("test")
        completed = Completed(self._ended, self.tracers.id_generator, self.tracers.resource, scope)
        self.telemetry = Telemetry(
            Metrics(self.meters.get_meter("test")),
            self.tracers.get_tracer("test"),
            content=content,
            begin=completed.begin if complete else None,
        )
        self.line = LoopbackTransport()
        self.vad = AmplitudeVAD()
        self.llm = ScriptedLLM(
            [[0.1, tool_call("clock")], [0.2, "It is noon. ", "Is that all?"]], usage=Usage(100, 10, 60)
        )
        self.llm.provider_name, self.llm.model_name = "example", "m-1"
        made: dict[str, Any] = {
            "stt": ScriptedSTT(["what time is it"]),
            "tts": ScriptedTTS(),
            "agent": Agent("Tell the time.", name="time", llm=self.llm, tools=[clock]),
            "prices": Prices(stt_minute=0.6),
        }
        self.session = VoiceSession(vad=self.vad, transport=self.line, **(made | parts))
        self.telemetry.observe(self.session)

    def _ended(self, span: ReadableSpan) -> None:
        self.exporter.export([span])

    async def ask(self) -> None:
        """Let the caller ask once, and hear the answer."""
        await self.line.silence(0.2)
        await self.line.speak(0.8)
        await self.line.silence(5.0)

    async def run(self) -> Watched:
        """Hold the conversation."""
        async with self.vad, self.session:
            await self.ask()
        return self

    def spans(self) -> dict[str, ReadableSpan]:
        """The spans by name, the last of each."""
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self, name: str) -> list[Any]:
        """The data points of a metric."""
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def close(self) -> None:
        """Let go of the SDK."""
        self.tracers.shutdown()
        self.meters.shutdown()


async def clock() -> str:
    """Tell the time."""
    await asyncio.sleep(TOOK)
    return "noon"


@pytest.fixture
def watch() -> Any:
    """Make watched sessions, and let go of their SDK at the end."""
    made: list[Watched] = []

    def make(**parts: Any) -> Watched:
        made.append(Watched(**parts))
        return made[-1]

    yield make
    for each in made:
        each.close()


Watch = Callable[..., Watched]
