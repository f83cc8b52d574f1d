"""A simulated vendor for all tests of a module."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.hearing import ScriptedEar
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.thread import running


@pytest.fixture(scope="session")
def shared() -> Iterator[OpenAISimulator]:
    with running(
        OpenAISimulator(Backends(ScriptedEar(["order seven please"])), keys={"sk-good"})
    ) as simulator:
        yield simulator


@pytest.fixture
def vendor(shared: OpenAISimulator) -> OpenAISimulator:
    shared.faults.clear()
    wait_until_quiet(shared)
    shared.asked.clear()
    return shared


def wait_until_quiet(simulator: OpenAISimulator) -> None:
    """Wait for the connections of the test before, which might play a fault that is meant for the next."""
    for _ in range(1000):
        if all(asked.outcome != "open" for asked in simulator.asked):
            return
        time.sleep(0.005)
    raise AssertionError("a connection of the test before is still open")


@pytest.fixture
def account(vendor: OpenAISimulator) -> dict[str, object]:
    return {"base_url": f"{vendor.url}/v1", "api_key": "sk-good", "tries": 1}
