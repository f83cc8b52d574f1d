"""Gold: latency as measured, and a soak; on real time."""

from __future__ import annotations

import asyncio
import re

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TurnContext
from beluga_voice.testing import (
    AmplitudeVAD,
    Level,
    Report,
    ScriptedTurnDetector,
    check_turn_detector,
    check_vad,
    collect,
    sounds,
    up_to,
)
from beluga_voice.testing.conformance import gold, turn_detector


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gold, "SECONDS", 0.2)
    monkeypatch.setattr(turn_detector, "QUICK", 0.05)


async def judge(detector: type[ScriptedTurnDetector]) -> Report:
    with collect() as report, up_to(Level.GOLD):
        await check_turn_detector(detector)
    return report


@pytest.mark.real_time
async def test_what_is_quick_and_leaves_nothing_is_gold_and_its_figures_are_told() -> None:
    report = await judge(ScriptedTurnDetector)
    assert report.level is Level.GOLD
    (figure,) = report.measures
    assert 0 <= figure.median <= figure.p95 <= figure.limit
    assert "a prediction: median " in str(figure)


@pytest.mark.real_time
async def test_a_detector_is_gold_too() -> None:
    with collect() as report, up_to(Level.GOLD):
        await check_vad(AmplitudeVAD, speech=AudioFrame(sounds.speech_like(0.2), 16000))
    assert [str(each) for each in report.broken] == []
    assert report.level is Level.GOLD


class Slow(ScriptedTurnDetector):
    async def predict(self, context: TurnContext) -> float:
        await asyncio.sleep(0.08)
        return 0.5


class Leaks(ScriptedTurnDetector):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[object] = []

    async def predict(self, context: TurnContext) -> float:
        self.kept.append(bytearray(200_000))
        return 0.5


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("detector", "promise", "seen"),
    [
        (Slow, "is quick: within 0.3 s", r"took 0\.\d+ s at the 95th of 100"),
        (Leaks, "a soak leaves no task", r"rounds left \d+ bytes behind"),
    ],
)
async def test_what_is_slow_or_leaks_is_silver(
    detector: type[ScriptedTurnDetector], promise: str, seen: str
) -> None:
    report = await judge(detector)
    assert report.level is Level.SILVER
    (finding,) = report.broken
    assert finding.says.startswith(promise)
    assert re.search(seen, finding.seen or "")


async def test_virtual_time_is_no_measure() -> None:
    report = await judge(ScriptedTurnDetector)
    assert report.level is Level.SILVER
    assert {each.seen for each in report.broken} == {
        "gold is measured in real time: run the check by asyncio.run, or mark its test real_time"
    }
