from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field, SecretStr

from beluga_voice.container import VoiceContainer
from beluga_voice.errors import ConfigurationError, UnknownProviderError
from beluga_voice.hookspecs import Register, hookimpl
from beluga_voice.plugins import Plugins
from beluga_voice.resilience import FallbackSTT, FallbackTTS
from beluga_voice.settings import Settings, show
from beluga_voice.silent import DeafSTT, MuteTTS

if TYPE_CHECKING:
    from beluga_voice.contracts import STT, TTS


class CloudSettings(BaseModel, frozen=True, extra="forbid"):
    api_key: SecretStr = Field(description="the vendor's key")
    model: str = "small"


class Cloud(DeafSTT):
    def __init__(self, settings: CloudSettings) -> None:
        self.settings = settings


class Vendors:
    @hookimpl
    def register_stt(self, register: Register[STT]) -> None:
        register("my-cloud", Cloud, settings=CloudSettings)
        register("deaf", DeafSTT)

    @hookimpl
    def register_tts(self, register: Register[TTS]) -> None:
        register("mute", MuteTTS)


@pytest.fixture
def plugins() -> Plugins:
    plugins = Plugins()
    plugins.register(Vendors(), "vendors")
    return plugins


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    return tmp_path


def made(plugins: Plugins, settings: Settings) -> FallbackSTT:
    stt = VoiceContainer(settings, plugins).stt()
    assert isinstance(stt, FallbackSTT)
    return stt


def test_a_list_in_the_file_makes_a_fallback_and_each_has_a_table_of_its_own(
    folder: Path, plugins: Plugins
) -> None:
    (folder / "beluga.toml").write_text(
        'stt.provider = ["my-cloud:large", "deaf"]\n[stt.my-cloud]\napi_key = "s3cret"\n'
    )
    stt = made(plugins, Settings())
    assert stt.names == ("my-cloud", "deaf")
    first, second = stt.providers
    assert isinstance(first, Cloud)
    assert (first.settings.model, first.settings.api_key.get_secret_value()) == ("large", "s3cret")
    assert isinstance(second, DeafSTT)


def test_names_with_commas_in_a_variable_do_so_too(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_STT", "deaf, my-cloud")
    monkeypatch.setenv("BELUGA_VOICE_STT__MY_CLOUD__API_KEY", "s3cret")
    stt = made(plugins, Settings())
    assert [type(each) for each in stt.providers] == [DeafSTT, Cloud]


def test_a_list_of_one_is_that_one(plugins: Plugins) -> None:
    assert type(VoiceContainer(Settings(tts=["mute"]), plugins).tts()) is MuteTTS
    assert type(VoiceContainer(Settings(tts=["mute", "mute"]), plugins).tts()) is FallbackTTS


def test_the_table_of_one_that_is_left_alone_counts(folder: Path, plugins: Plugins) -> None:
    (folder / "beluga.toml").write_text(
        'stt.provider = ["my-cloud"]\nstt.model = "tiny"\n[stt.my-cloud]\napi_key = "s3cret"\nmodel = "large"\n'
    )
    cloud = VoiceContainer(Settings(), plugins).stt()
    assert isinstance(cloud, Cloud)
    assert (cloud.settings.model, cloud.settings.api_key.get_secret_value()) == ("large", "s3cret")
    (folder / "beluga.toml").write_text('stt.provider = "my-cloud"\n[stt.my-cloud]\nkye = "s3cret"\n')
    with pytest.raises(ConfigurationError, match=r"no setting 'kye' \(beluga.toml line 3\)"):
        VoiceContainer(Settings(), plugins).stt()


class PinSettings(BaseModel, frozen=True, extra="forbid"):
    pin: SecretStr


def test_a_secret_in_the_table_of_one_is_masked_by_its_type(folder: Path, plugins: Plugins) -> None:
    class Pinned:
        @hookimpl
        def register_stt(self, register: Register[STT]) -> None:
            register("pinned", DeafSTT, settings=PinSettings)

    plugins.register(Pinned(), "pinned")
    text = 'provider = "pinned"\npinned = {pin = "4711"}\n'
    (folder / "beluga.toml").write_text(f"[stt]\n{text}[sessions.a.stt]\n{text}")
    printed = json.dumps([(each.key, each.value) for each in show(Settings(), plugins)])
    assert "pin" in printed
    assert "4711" not in printed


def test_a_profile_may_have_a_fallback_and_the_rest_none(folder: Path, plugins: Plugins) -> None:
    (folder / "beluga.toml").write_text('stt = "deaf"\n[sessions.safe]\nstt = "deaf, deaf"\n')
    settings = Settings()
    assert [each.provider for each in settings.profile("safe").stt.members] == ["deaf", "deaf"]
    assert settings.stt.members == (settings.stt,)


def test_a_missing_key_of_one_is_named_with_its_variable(plugins: Plugins) -> None:
    with pytest.raises(ConfigurationError, match=r"stt\.my-cloud\.api_key .* is missing") as raised:
        VoiceContainer(Settings(stt="my-cloud,deaf"), plugins).stt()
    assert "BELUGA_VOICE_STT__MY_CLOUD__API_KEY" in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vad": "energy,silero"}, r"vad is 'energy, silero'; only stt, tts, llm may be several"),
        ({"stt": ["deaf", "none"]}, r"stt names 'none' among others"),
        ({"stt": ["deaf", ":large"]}, r"stt names ':large' among others"),
        (
            {"stt": {"provider": "deaf,my-cloud", "language": "de"}},
            r"stt\.language is set .* stand in a table of its name, as in stt\.deaf\.language",
        ),
        ({"stt": []}, r"stt is \(\)"),
        ({"stt": ["deaf", 7]}, r"stt is \['deaf', 7\]"),
    ],
)
def test_what_makes_no_fallback_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Settings(**settings)


def test_a_provider_that_is_not_there_is_named(plugins: Plugins) -> None:
    with pytest.raises(UnknownProviderError, match="no STT provider named 'deef'"):
        VoiceContainer(Settings(stt="deaf,deef"), plugins).stt()


def test_secrets_of_each_are_masked_also_of_one_that_is_not_installed(folder: Path, plugins: Plugins) -> None:
    table = '{api_key = "s3cret"}'
    (folder / "beluga.toml").write_text(
        f'[stt]\nprovider = "my-cloud,gone"\nmy-cloud = {table}\ngone = {table}\n'
        f'[sessions.a.stt]\nprovider = "my-cloud,gone"\nmy-cloud = {table}\ngone = {table}\n'
    )
    printed = json.dumps([(each.key, each.value) for each in show(Settings(), plugins)])
    assert "s3cret" not in printed
    assert '["stt", "my-cloud, gone"]' in printed
    assert '["stt.my-cloud.model", "small"]' in printed
    assert '["stt.gone.api_key", "********"]' in printed
