"""Settings: precedence, sources, errors that name them, secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from beluga_voice.errors import ConfigurationError, UnknownProviderError
from beluga_voice.hookspecs import Register, hookimpl
from beluga_voice.plugins import Plugins
from beluga_voice.session.config import SessionConfig
from beluga_voice.settings import Settings, show
from beluga_voice.settings.selection import is_secret
from beluga_voice.turns.policy import TurnPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from beluga_voice.contracts import STT, TTS, VAD


class CloudSettings(BaseModel, frozen=True, extra="forbid"):
    api_key: SecretStr = Field(description="the vendor's key", min_length=4)
    model: str = "small"
    workers: int = Field(1, ge=1, le=8)
    region: str | None = "eu"
    effort: Literal["none", "high"] | None = "high"
    headers: dict[str, str] = {}


class Voices:
    @hookimpl
    def register_stt(self, register: Register[STT]) -> None:
        register("cloud", "nowhere:CloudSTT", settings=CloudSettings)
        register("plain", "nowhere:PlainSTT")

    @hookimpl
    def register_tts(self, register: Register[TTS]) -> None:
        register("espeak", "nowhere:EspeakTTS", settings=CloudSettings)

    @hookimpl
    def register_vad(self, register: Register[VAD]) -> None:
        register("energy", "nowhere:EnergyVAD")


@pytest.fixture
def plugins() -> Plugins:
    plugins = Plugins()
    plugins.register(Voices(), "voices")
    return plugins


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder and environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_without_any_source_the_local_stack_stands() -> None:
    settings = Settings()
    chosen = {each.kind: each.provider for each in settings.selections()}
    assert chosen == {
        "stt": "pocketsphinx",
        "tts": "espeak",
        "s2s": None,
        "vad": "silero",
        "turn_detector": None,
        "noise_suppressor": None,
        "interruption_classifier": None,
        "llm": None,
        "session_store": None,
    }
    assert settings.turns == TurnPolicy()
    assert settings.session == SessionConfig()


def test_command_line_over_environment_over_dotenv_over_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "beluga.toml").write_text("[turns]\npre_roll=0.1\nstall=1\njoin_window=0.1\nendpoint_min=0.5\n")
    (folder / ".env").write_text("BELUGA_VOICE_TURNS__STALL=2\nBELUGA_VOICE_TURNS__JOIN_WINDOW=0.2\n")
    with (folder / ".env").open("a") as file:
        file.write('export BELUGA_VOICE_TURNS__ENDPOINT_MIN="0.6"\n')
    monkeypatch.setenv("BELUGA_VOICE_TURNS__JOIN_WINDOW", "0.3")
    monkeypatch.setenv("BELUGA_VOICE_TURNS__ENDPOINT_MIN", "0.7")
    turns = Settings(overrides=["turns.endpoint-min=0.8"]).turns
    assert (turns.pre_roll, turns.stall, turns.join_window, turns.endpoint_min) == (0.1, 2, 0.3, 0.8)


def test_keywords_stand_over_everything() -> None:
    assert Settings(overrides=["turns.stall=2"], turns={"stall": 3}).turns.stall == 3
    assert Settings(turns=TurnPolicy(stall=4)).turns == TurnPolicy(stall=4)


def test_another_file_can_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("beluga.toml", "second.toml", "third.toml"):
        (folder / name).write_text(f'session.greeting = "{name}"')
    assert Settings().session.greeting == "beluga.toml"
    (folder / ".env").write_text("BELUGA_VOICE_CONFIG=third.toml")
    assert Settings().session.greeting == "third.toml"
    monkeypatch.setenv("BELUGA_VOICE_CONFIG", "second.toml")
    assert Settings().session.greeting == "second.toml"
    assert Settings(config="third.toml").session.greeting == "third.toml"
    with pytest.raises(ConfigurationError, match=r"'absent.toml' cannot be read: No such file"):
        Settings(config="absent.toml")


def test_a_file_that_is_no_toml_is_named_with_its_line(folder: Path) -> None:
    (folder / "beluga.toml").write_text("a = 1\nb = \n")
    with pytest.raises(ConfigurationError, match=r"'beluga.toml' is no TOML: .*line 2"):
        Settings()


@pytest.mark.parametrize("name", ["beluga.toml", ".env"])
def test_a_file_that_is_not_utf_8_is_named_with_its_line_and_byte(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"# one\n# caf\xe9\n")
    with pytest.raises(ConfigurationError, match=rf"'{name}' is not UTF-8: byte 0xE9 in line 2; save it as"):
        Settings()


@pytest.mark.parametrize("text", ["[Hello] there", "{name}, hello", "[", "{"])
def test_text_that_only_looks_like_a_list_or_table_is_text(text: str) -> None:
    assert Settings(overrides=[f"session.greeting={text}"]).session.greeting == text


def test_a_key_whose_line_cannot_be_told_is_named_with_the_first(folder: Path) -> None:
    (folder / "beluga.toml").write_text("\n'od d' = 1\n")
    with pytest.raises(ConfigurationError, match=r"no setting named 'od d' \(beluga.toml line 1\)"):
        Settings()


def test_an_agent_that_chooses_nothing_leaves_the_settings_themselves() -> None:
    settings = Settings()
    assert settings.for_agent({}, "clerk") is settings
    assert settings.for_agent({("llm",): "cloud:large"}, "clerk").llm.provider == "cloud"


@pytest.mark.parametrize(
    ("written", "provider", "own"),
    [
        ("cloud", "cloud", {}),
        ("cloud:large", "cloud", {"model": "large"}),
        ("cloud:org/large:v2", "cloud", {"model": "org/large:v2"}),
        ({"provider": "cloud", "workers": 2}, "cloud", {"workers": 2}),
        ({"workers": 2}, "pocketsphinx", {"workers": 2}),
        (None, None, {}),
        ("none", None, {}),
    ],
)
def test_a_provider_is_chosen_by_a_string_or_a_table(
    written: object, provider: str | None, own: dict[str, object]
) -> None:
    selection = Settings(stt=written).stt
    assert (selection.provider, selection.values.table()) == (provider, own)


def test_a_provider_chosen_higher_up_takes_none_of_the_others_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "beluga.toml").write_text('[stt]\nprovider = "cloud"\nworkers = 2\nmodel = "large"')
    monkeypatch.setenv("BELUGA_VOICE_STT__WORKERS", "3")
    assert Settings().stt.values.table() == {"workers": "3", "model": "large"}
    assert Settings(overrides=["stt=cloud"]).stt.values.table() == {"workers": "3", "model": "large"}
    assert Settings(overrides=["stt=plain"]).stt.values.table() == {}
    assert Settings(overrides=["stt=plain", "stt.x=1"]).stt.values.table() == {"x": "1"}


def test_a_providers_settings_are_validated_when_its_model_is_known(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_STT", "cloud:large")
    monkeypatch.setenv("BELUGA_VOICE_STT__API_KEY", "geheim")
    monkeypatch.setenv("BELUGA_VOICE_STT__REGION", "none")
    monkeypatch.setenv("BELUGA_VOICE_STT__EFFORT", "none")
    monkeypatch.setenv("BELUGA_VOICE_STT__HEADERS", '{"X-A": "1"}')
    made = Settings().stt.settings(plugins)
    assert isinstance(made, CloudSettings)
    assert made.api_key.get_secret_value() == "geheim"
    assert (made.model, made.region, made.effort, made.headers) == ("large", None, "none", {"X-A": "1"})


def test_a_wrong_value_is_named_with_key_value_and_file_and_line(folder: Path, plugins: Plugins) -> None:
    (folder / "beluga.toml").write_text(
        '# voices\n[stt]\nprovider = "cloud"\napi_key = "long"\nworkers = 9\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        Settings().stt.settings(plugins)
    expected = "stt.workers is 9; input should be less than or equal to 8 (beluga.toml line 5)"
    assert str(caught.value) == expected


def test_a_wrong_value_is_named_with_its_variable_or_option(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_STT__WORKERS", "many")
    with pytest.raises(ConfigurationError) as caught:
        Settings(stt={"provider": "cloud", "api_key": "long"}).stt.settings(plugins)
    assert "stt.workers is 'many'; input should be a valid integer" in str(caught.value)
    assert "(environment variable BELUGA_VOICE_STT__WORKERS)" in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"\(--set stt\.workers\)"):
        Settings(overrides=["stt=cloud:x", "stt.api_key=long", "stt.workers=99"]).stt.settings(plugins)


def test_an_unknown_setting_of_a_provider_lists_what_there_is(plugins: Plugins) -> None:
    asked = Settings(overrides=["stt=cloud", "stt.api_key=long", "stt.worker=2"]).stt
    with pytest.raises(ConfigurationError) as caught:
        asked.settings(plugins)
    assert str(caught.value) == (
        "stt provider 'cloud' has no setting 'worker' (--set stt.worker); did you mean 'workers'? "
        "there are: api_key, effort, headers, model, region, workers"
    )


def test_a_missing_setting_is_named_with_its_meaning_and_variable(plugins: Plugins) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(stt="cloud").stt.settings(plugins)
    assert str(caught.value) == (
        "stt.api_key (the vendor's key) is missing; provider 'cloud' needs it. "
        "Try: setting BELUGA_VOICE_STT__API_KEY"
    )


def test_settings_for_a_provider_without_any_are_refused(plugins: Plugins) -> None:
    assert Settings(stt="plain").stt.settings(plugins) is None
    with pytest.raises(ConfigurationError, match=r"stt is set, but stt provider 'plain' has no settings"):
        Settings(stt="plain:x").stt.settings(plugins)
    with pytest.raises(ConfigurationError, match=r"stt\.x is set, but stt is turned off \(argument stt\)"):
        Settings(stt={"provider": "none", "x": 1}).stt.settings(plugins)


def test_an_unknown_provider_is_named_with_where_it_was_asked_for(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        UnknownProviderError, match=r"VAD provider named 'silero' \(vad is not set, and this is"
    ):
        Settings().vad.settings(plugins)
    monkeypatch.setenv("BELUGA_VOICE_STT", "clout")
    with pytest.raises(UnknownProviderError) as caught:
        Settings().stt.settings(plugins)
    assert str(caught.value) == (
        "no STT provider named 'clout' (environment variable BELUGA_VOICE_STT); installed: cloud, plain. "
        "Did you mean 'cloud'?"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "sst=cloud",
            r"no setting named 'sst' \(--set sst\); did you mean 'stt'\? there are: disabled_plugins",
        ),
        ("turns.endpoint_mni=1", r"no setting named 'turns.endpoint_mni' .*did you mean 'endpoint_min'\?"),
        ("session.lang=en", r"no setting named 'session.lang' .*did you mean 'language'\?"),
        (
            "turns.endpoint_min=9",
            r"^turns.endpoint_min is 9.0; .* from 0.05 to 5 \(--set turns.endpoint_min\)$",
        ),
        (
            "turns.endpoint_min=soon",
            r"^turns.endpoint_min is 'soon'; input should be a valid number.* \(--set",
        ),
        ("turns.vad_off=0.9", r"^turns.vad_off is 0.9; it must be at most vad_on.* \(--set turns.vad_off\)$"),
        ("turns=fast", r"^turns is 'fast'; it must be a table \(--set turns\)"),
        ("sessions.x.plugins=a", r"no setting named 'sessions.x.plugins'"),
        ("sessions.x.turns.stall=0", r"turns.stall is 0.0; it must be from 0.5 to 60"),
        ("sessions.support=x", r"sessions.support is no profile"),
        ("stt", r"--set 'stt' is not of the form key=value"),
        ("stt=", r"stt is ''; it must be the name of a provider"),
        ("plugins=[1]", r"plugins is \[1\]; it must be a list of names"),
    ],
)
def test_what_cannot_be_is_refused_with_its_source(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Settings(overrides=[override])


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_TRUNS__STALL", "1")
    with pytest.raises(
        ConfigurationError, match=r"'truns' \(environment variable BELUGA_VOICE_TRUNS__STALL\)"
    ):
        Settings()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_STT", "")
    assert Settings().stt.provider == "pocketsphinx"


def test_a_profile_overrides_what_it_names_and_no_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "beluga.toml").write_text(
        '[stt]\nprovider = "cloud"\nworkers = 2\n[turns]\nstall = 3\npre_roll = 0.2\n'
        '[sessions.support]\nstt = "plain"\nturns.stall = 4\nsession.greeting = "Acme"\n'
    )
    monkeypatch.setenv("BELUGA_VOICE_SESSIONS__NIGHT__STT__WORKERS", "1")
    settings = Settings()
    support, night = settings.profile("support"), settings.profile("night")
    assert (support.stt.provider, support.stt.values.table()) == ("plain", {})
    assert (support.turns.stall, support.turns.pre_roll, support.session.greeting) == (4, 0.2, "Acme")
    assert (night.stt.provider, night.stt.values.table()) == ("cloud", {"workers": "1"})
    assert settings.profile(None) is settings
    assert settings.turns.stall == 3
    with pytest.raises(ConfigurationError, match=r"no profile named 'suport'; did you mean 'support'\?"):
        settings.profile("suport")


def test_plugins_are_listed_with_commas_or_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_PLUGINS", "one, two")
    settings = Settings(disabled_plugins=["three"])
    assert (settings.plugins, settings.disabled_plugins) == (("one", "two"), ("three",))


def test_secrets_are_never_printed(folder: Path, plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_STT", "cloud")
    monkeypatch.setenv("BELUGA_VOICE_STT__API_KEY", "geheim")
    monkeypatch.setenv(
        "BELUGA_VOICE_STT__HEADERS", '{"Authorization": "Bearer geheim", "X": "a://u:geheim@b"}'
    )
    monkeypatch.setenv("BELUGA_VOICE_VAD", "absent")
    monkeypatch.setenv("BELUGA_VOICE_VAD__TOKEN", "geheim")
    settings = Settings(sessions={"a": {"stt": {"api_key": "geheim"}}, "b": {"tts": {"api_key": "geheim"}}})
    printed = f"{settings!r}{settings}{settings.model_dump()}{show(settings, plugins)}"
    assert "geheim" not in printed
    shown = {each.key: each.value for each in show(settings, plugins)}
    assert shown["stt.api_key"] == shown["vad.token"] == shown["sessions.a.stt.api_key"] == "********"


@pytest.mark.parametrize("name", ["api_key", "token", "X-Api-Key", "auth_token", "Authorization"])
def test_what_is_named_like_a_secret_is_masked(name: str) -> None:
    assert is_secret(name, None)


@pytest.mark.parametrize("name", ["keywords", "max_tokens", "keyboard", "author", "model"])
def test_what_only_sounds_like_a_secret_is_shown(name: str) -> None:
    assert not is_secret(name, None)


def test_a_wrong_secret_is_not_printed_by_the_error(plugins: Plugins) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(stt={"provider": "cloud", "api_key": "abc", "api_kye": "xyz"}).stt.settings(plugins)
    assert "stt.api_key: " in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "abc" not in str(caught.value)
    assert "xyz" not in str(caught.value)


def test_shows_effective_values_with_their_sources(folder: Path, plugins: Plugins) -> None:
    (folder / "beluga.toml").write_text('stt = "cloud:large"\n[turns]\n\nstall = 3\n')
    shown = {each.key: (each.value, each.source) for each in show(Settings(overrides=["vad=none"]), plugins)}
    assert shown["stt"] == ("cloud", "beluga.toml line 1")
    assert shown["stt.model"] == ("large", "beluga.toml line 1")
    assert shown["stt.workers"] == (1, "default")
    assert shown["vad"] == ("none", "--set vad")
    assert shown["turns.stall"] == (3, "beluga.toml line 4")
    assert shown["turns.pre_roll"] == (0.4, "default")
    assert "stt.api_key" not in shown


def test_a_model_that_hears_and_speaks_excludes_what_was_chosen_to(folder: Path) -> None:
    (folder / "beluga.toml").write_text('s2s = "openai:gpt-realtime"\nstt = "ear"\n')
    with pytest.raises(ConfigurationError, match=r"stt is 'ear' \(beluga.toml line 2\), and s2s is 'openai'"):
        Settings()
    settings = Settings(stt=None)
    assert settings.s2s.provider == "openai"
    assert "stt" not in {each.kind for each in settings.selections()}


def test_an_agents_model_stands_over_a_files_recognizer(folder: Path) -> None:
    (folder / "beluga.toml").write_text('stt = "ear"\ntts = "mouth"\n')
    chosen = Settings().for_agent({("s2s",): "openai:gpt-realtime"}, "clerk")
    assert (chosen.s2s.provider, chosen.stt.chosen_by) == ("openai", None)
    with pytest.raises(ConfigurationError, match="which hears and speaks itself"):
        Settings(stt="ear").for_agent({("s2s",): "openai:gpt-realtime"}, "clerk")
