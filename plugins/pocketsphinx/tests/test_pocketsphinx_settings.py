"""The settings of the recognizer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from beluga_voice.errors import ConfigurationError
from beluga_voice_pocketsphinx.settings import PocketSphinxSettings
from beluga_voice_pocketsphinx.stt import PocketSphinxSTT


def test_defaults_are_dictation_with_a_worker_per_core() -> None:
    settings = PocketSphinxSettings()
    assert settings.grammar is None
    assert settings.keywords is None
    assert settings.workers >= 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"grammar": "a.gram", "keywords": {"stop": 1e-20}}, "both grammar and keywords"),
        ({"model": "fr"}, "needs its dictionary"),
        ({"model": "fr", "dictionary": "fr.dict"}, "needs its dictionary"),
        ({"keywords": {}}, "at least 1 item"),
        ({"keywords": {"stop": 0}}, "greater than 0"),
        ({"warm": 9, "workers": 2, "streams_per_worker": 4}, "hold 8"),
        ({"workers": 0}, "greater than or equal to 1"),
        ({"reject": 2}, "less than or equal to 1"),
        ({"gramar": "a.gram"}, "Extra inputs"),
    ],
)
def test_refuses(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        PocketSphinxSettings.model_validate(settings)


@pytest.mark.parametrize("name", ["grammar", "dictionary", "language_model", "model"])
async def test_a_path_that_does_not_exist_is_named(name: str, tmp_path: Path) -> None:
    here = {"model": tmp_path, "dictionary": tmp_path, "language_model": tmp_path} if name == "model" else {}
    settings = PocketSphinxSettings.model_validate({**here, name: tmp_path / "none"})
    stt = PocketSphinxSTT(settings)
    with pytest.raises(ConfigurationError, match=rf"{name} '.*none' does not exist"):
        await stt.open()
    await stt.aclose()


def test_without_its_engine_the_provider_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ModuleNotFoundError, match="'pocketsphinx'") as caught:
        PocketSphinxSTT()
    assert caught.value.name == "pocketsphinx"
