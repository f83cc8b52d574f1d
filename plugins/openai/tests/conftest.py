"""A simulated vendor for all tests of a module."""

from __future__ import annotations

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
    shared.asked.clear()
    shared.faults.clear()
    return shared


@pytest.fixture
def account(vendor: OpenAISimulator) -> dict[str, object]:
    return {"base_url": f"{vendor.url}/v1", "api_key": "sk-good", "tries": 1}
