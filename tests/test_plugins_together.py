"""Every plugin of this repository, installed and loaded at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from beluga_voice.errors import UnknownProviderError
from beluga_voice.plugins import Plugins

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.name for path in ROOT.glob("plugins/*") if path.is_dir())
AROUND = sorted(path.parent.name for path in ROOT.glob("contrib/*/pyproject.toml"))  # they add commands alone


@pytest.fixture
def plugins() -> Plugins:
    return Plugins.discover(modules=(), disabled=())


def test_all_load_without_a_problem(plugins: Plugins) -> None:
    assert plugins.problems == ()
    assert [plugin.origin.name for plugin in plugins.loaded] == sorted(FOLDERS + AROUND)


@pytest.mark.parametrize("name", FOLDERS)
def test_each_offers_a_provider_whose_class_and_settings_can_be_imported(plugins: Plugins, name: str) -> None:
    (plugin,) = (each for each in plugins.loaded if each.origin.name == name)
    assert plugin.providers
    for kind, names in plugin.providers.items():
        for provider in names:
            registration = plugins.of(kind).find(provider)
            assert callable(registration.load_factory())
            model = registration.load_settings()
            assert model is None or model.model_config.get("extra") == "forbid"


def test_a_plugin_that_is_installed_is_not_offered_for_installation(plugins: Plugins) -> None:
    with pytest.raises(
        UnknownProviderError, match=r"no VAD provider named 'espeak'; installed: energy, silero, webrtcvad$"
    ):
        plugins.vad.create("espeak")
