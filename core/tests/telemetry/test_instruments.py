"""The instruments of a session: names, units and buckets, and what a conversation records on them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from beluga_voice import events as ev
from beluga_voice.errors import BelugaVoiceError
from beluga_voice.telemetry import Metrics, MetricsRecorder, NoMetrics, process
from beluga_voice.telemetry.instruments import INSTRUMENTS, SEGMENTS
from beluga_voice.testing import ScriptedSTT, ScriptedTTS

CONTRACT = {
    "session.started.total": ("counter", "1"),
    "session.stopped.total": ("counter", "1"),
    "session.errors.total": ("counter", "1"),
    "session.active": ("up_down_counter", "1"),
    "session.operation.latency": ("histogram", "s"),
    "session.duration": ("histogram", "s"),
    "voice.session.agent.latency": ("histogram", "s"),
    "voice.session.agent.streaming.duration": ("histogram", "s"),
    "voice.session.agent.tool.execution.time": ("histogram", "s"),
    "agent.streaming.latency": ("histogram", "s"),
    "agent.streaming.duration": ("histogram", "s"),
    "agent.streaming.chunks.count": ("counter", "1"),
}


def test_the_instruments_of_the_contract_have_their_kind_and_unit() -> None:
    assert {i.name: (i.kind, i.unit) for i in INSTRUMENTS if i.name in CONTRACT} == CONTRACT


def test_each_histogram_has_buckets_that_tell_what_it_measures_apart() -> None:
    for instrument in INSTRUMENTS:
        assert bool(instrument.buckets) is (instrument.kind == "histogram"), instrument.name
        assert list(instrument.buckets) == sorted(set(instrument.buckets)), instrument.name
        if (
            instrument.unit == "s"
            and instrument.kind == "histogram"
            and "session.duration" not in instrument.name
        ):
            assert sum(0.1 <= bucket <= 1 for bucket in instrument.buckets) >= 3, instrument.name


async def test_a_conversation_records_every_instrument(watch: Any) -> None:
    watched = watch()
    async with watched.vad, watched.session:
        await watched.ask()
        assert [point.value for point in watched.points("session.active")] == [1]
    assert [point.value for point in watched.points("session.active")] == [0]
    silent = {i.name for i in INSTRUMENTS if not watched.points(i.name)}
    assert silent == {"session.errors.total", "beluga.voice.barge_ins"}
    (latency,) = watched.points("voice.session.agent.latency")
    assert latency.sum == pytest.approx(0.1 + 0.3 + 0.2, abs=0.01)
    (tool,) = watched.points("voice.session.agent.tool.execution.time")
    assert (dict(tool.attributes), tool.sum) == ({"tool_name": "clock"}, pytest.approx(0.3, abs=0.01))
    tokens = {p.attributes["gen_ai.token.type"]: p.sum for p in watched.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 200, "output": 20}
    (silence,) = watched.points("beluga.voice.turn.silence")
    parts = {p.attributes["segment"]: p.sum for p in watched.points("beluga.voice.turn.segment")}
    assert parts.keys() <= set(SEGMENTS)
    assert sum(parts.values()) == pytest.approx(silence.sum)
    assert parts["tool"] == pytest.approx(0.3, abs=0.01)


async def test_no_metric_names_a_session(watch: Any) -> None:
    watched = await watch().run()
    for instrument in INSTRUMENTS:
        for point in watched.points(instrument.name):
            assert watched.session.session_id not in map(str, point.attributes.values())
            assert "session" not in " ".join(point.attributes)


async def test_what_fails_is_counted_by_its_code(watch: Any) -> None:
    watched = watch(tts=ScriptedTTS(fails_after=0))
    await watched.run()
    codes = {p.attributes["error_code"]: p.value for p in watched.points("session.errors.total")}
    assert codes == {"utterance_failed": 1}
    broken = watch(stt=ScriptedSTT(fails_to_open=True))
    async with broken.vad:
        with pytest.raises(BelugaVoiceError):
            await broken.session.start()
    codes = {p.attributes["error_code"]: p.value for p in broken.points("session.errors.total")}
    assert codes == {"provider_init_failed": 1}
    assert not broken.points("session.active")


STRANGE = (0.0, -1.0, 1e300, math.inf, math.nan)


def record_everything(recorder: MetricsRecorder, seconds: float) -> None:
    recorder.record_session_start(seconds)
    recorder.record_session_stop(seconds, seconds)
    recorder.record_session_error("any", seconds)
    recorder.record_session_error("any")
    recorder.increment_active_sessions()
    recorder.decrement_active_sessions()
    recorder.record_agent_operation(seconds)
    recorder.record_agent_streaming_chunk(seconds)
    recorder.record_agent_streaming("agent", seconds, seconds, -1)
    recorder.record_agent_tool_execution("tool", seconds)
    recorder.record_answer(ev.ModelAnswered(seconds, 1, "", "", "", 0.0, seconds, -1, -5, 5))
    recorder.record_turn(ev.TurnMeasured(1.0, 1, 1, 0.0, agent=seconds))
    recorder.record_barge_in()
    recorder.record_usage(ev.UsageMeasured(1.0, seconds, -1, cost=seconds, currency="EUR"))


@pytest.mark.parametrize("seconds", STRANGE)
def test_recording_never_raises_whatever_it_is_given(seconds: float) -> None:
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    for recorder in (NoMetrics(), Metrics(meters.get_meter("test"))):
        assert isinstance(recorder, MetricsRecorder)
        record_everything(recorder, seconds)
    meters.shutdown()


def test_many_threads_record_without_losing_anything() -> None:
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    recorder = Metrics(meters.get_meter("test"))
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(record_everything, recorder, 0.1) for _ in range(200)]:
            future.result()
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {m.name: m for m in data.resource_metrics[0].scope_metrics[0].metrics}
    assert metrics["session.started.total"].data.data_points[0].value == 200
    assert metrics["session.active"].data.data_points[0].value == 0
    meters.shutdown()


def test_the_process_s_recorder_is_set_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process._Process, "metrics", None)
    monkeypatch.setattr(process._Process, "tracer", None)
    assert isinstance(process.get_metrics(), NoMetrics)
    meters = MeterProvider()
    first = process.init_metrics(meters.get_meter("one"))
    assert process.init_metrics(meters.get_meter("two")) is first
    assert process.get_metrics() is first
    meters.shutdown()
