"""What ``beluga-voice setup local`` names is what the plugins have."""

from __future__ import annotations

import pytest

from beluga_voice.cli.setup import LOCAL, Part
from beluga_voice.plugins import Plugins


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return Plugins.discover()


@pytest.mark.parametrize("part", LOCAL, ids=lambda part: part.kind)
def test_each_part_has_its_provider_and_its_model(part: Part, plugins: Plugins) -> None:
    registration = plugins.of(part.kind).find(part.provider)
    assert registration.plugin.name == part.extra
    if part.model is not None:
        model = plugins.models[part.model]
        assert model.plugin == part.extra
        assert model.size > 1_000_000
        assert model.licence in {"Apache-2.0", "BSD-2-Clause", "MIT"}
