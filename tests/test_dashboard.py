"""The Grafana dashboard asks for metrics and labels that calls export, and for all of them."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry

from beluga_voice import events as ev
from beluga_voice.agent import Agent
from beluga_voice.clock import run_virtual
from beluga_voice.contracts import Usage
from beluga_voice.session import VoiceSession
from beluga_voice.telemetry import Metrics, Telemetry
from beluga_voice.telemetry.instruments import INSTRUMENTS
from beluga_voice.testing import ScriptedLLM, ScriptedSTT, ScriptedTTS, tool_call
from beluga_voice.usage import Prices

PATH = Path(__file__).resolve().parent.parent / "contrib/grafana/dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

FUNCTIONS = {"sum", "rate", "histogram_quantile", "by", "on", "group_left", "le"}


async def _clock() -> str:
    """Tell the time."""
    return "noon"


async def _talk(metrics: Metrics) -> None:
    """A call in which everything happens that is recorded."""
    llm = ScriptedLLM([tool_call("_clock"), "It is noon."], usage=Usage(10, 5))
    llm.model_name = "m"
    session = VoiceSession(
        stt=ScriptedSTT(),
        tts=ScriptedTTS(),
        agent=Agent("Tell the time.", name="time", llm=llm, tools=[_clock]),
        prices=Prices(tts_million_characters=15),
    )
    Telemetry(metrics).observe(session)
    async with session:
        session.send_text("what time is it")
        await asyncio.sleep(3)


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """The names of all samples, each with its labels."""
    registry = CollectorRegistry()
    meters = MeterProvider([PrometheusMetricReader(scope_info_enabled=False, registry=registry)])
    metrics = Metrics(meters.get_meter("test"))
    run_virtual(_talk(metrics))
    metrics.record_session_error("stt_error")
    metrics.record_barge_in()
    metrics.record_turn(ev.TurnMeasured(1.0, 1, 1, 0.0, agent=0.5))
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    meters.shutdown()
    return found


def metrics_of(query: str) -> set[str]:
    return {
        name for name in re.findall(r"\b[a-z][a-z_]*_[a-z_]+\b(?=\[|\)|$)", query) if name not in FUNCTIONS
    } - (labels_of(query))


def labels_of(query: str) -> set[str]:
    return {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}


def test_each_query_names_metrics_that_a_call_exports(exported: dict[str, set[str]]) -> None:
    assert len(QUERIES) > 20
    for query in QUERIES:
        assert metrics_of(query), query
        assert metrics_of(query) <= exported.keys(), query


def test_each_query_groups_by_labels_that_there_are(exported: dict[str, set[str]]) -> None:
    for query in QUERIES:
        known = set().union(*(exported[name] for name in metrics_of(query)))
        assert labels_of(query) <= known, query


def test_each_instrument_is_shown(exported: dict[str, set[str]]) -> None:
    shown = " ".join(QUERIES)
    for instrument in INSTRUMENTS:
        assert instrument.name.replace(".", "_").removesuffix("_total") in shown, instrument.name


def test_panels_do_not_overlap_and_are_described_once() -> None:
    seen: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & seen, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        seen |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_a_wrong_name_would_be_found(exported: dict[str, set[str]]) -> None:
    assert metrics_of("sum(rate(session_begun_total[5m]))") == {"session_begun_total"}
    assert "session_begun_total" not in exported
