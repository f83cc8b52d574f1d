"""The contract's promises, by the checks that every turn detector has to pass."""

from __future__ import annotations

from beluga_voice.testing import check_turn_detector
from beluga_voice_heuristic.detector import HeuristicTurnDetector


async def test_keeps_the_contract_of_a_turn_detector() -> None:
    await check_turn_detector(HeuristicTurnDetector)
