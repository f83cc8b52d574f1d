"""The container: providers made once, opened and closed by the lifespan, overridden in one line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from beluga_voice.agent import Agent
from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import (
    S2S,
    STT,
    TTS,
    VAD,
    Offer,
    Provider,
    TextFilter,
    TextFilterStream,
    Tool,
    ToolSource,
)
from beluga_voice.errors import (
    ClosedError,
    ConfigurationError,
    ErrorCode,
    PluginError,
    ProviderError,
    SessionError,
    UnknownProviderError,
)
from beluga_voice.events import SessionState
from beluga_voice.hookspecs import Register, hookimpl
from beluga_voice.plugins import Plugins
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.settings import Settings, show
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport
from beluga_voice.testing.fakes.agent import ScriptedAgent
from beluga_voice.testing.fakes.stt import ScriptedSTT
from beluga_voice.testing.fakes.tts import ScriptedTTS
from beluga_voice.turns.policy import TurnPolicy
from beluga_voice.usage import Prices

LOG: list[str] = []


class Logged(Provider):
    """Tells when it is made, opened and closed; refuses to open when told so."""

    refuses = False

    def __init__(self, settings: BaseModel | None = None) -> None:
        self.settings = settings
        self.name = type(self).__name__
        LOG.append(f"make {self.name}")

    async def open(self) -> None:
        LOG.append(f"open {self.name}")
        await asyncio.sleep(0)
        if self.refuses:
            raise ProviderError(f"{self.name} refuses")

    async def aclose(self) -> None:
        LOG.append(f"close {self.name}")


class Ear(Logged, STT):
    async def open_stream(self) -> object:  # type: ignore[override]
        raise NotImplementedError


class OtherEar(Ear):
    pass


class Mouth(Logged, TTS):
    async def open_stream(self) -> object:  # type: ignore[override]
        raise NotImplementedError


class Gate(Logged, VAD):
    def open_stream(self, sink: object) -> object:  # type: ignore[override]
        raise NotImplementedError


class BrokenGate(Gate):
    refuses = True


class EarSettings(BaseModel, frozen=True, extra="forbid"):
    model: str = "small"


class Parts:
    @hookimpl
    def register_stt(self, register: Register[STT]) -> None:
        register("ear", Ear, settings=EarSettings)

    @hookimpl
    def register_tts(self, register: Register[TTS]) -> None:
        register("mouth", Mouth)

    @hookimpl
    def register_vad(self, register: Register[VAD]) -> None:
        register("gate", Gate)
        register("broken", BrokenGate)


class RecordedSession:
    """Keeps what it was made from."""

    def __init__(self, **parts: object) -> None:
        self.parts = parts
        self.state = SessionState.INITIAL
        config = parts["config"]
        assert isinstance(config, SessionConfig)
        self.config = config
        self.session_id = config.session_id

    async def start(self) -> None:
        self.state = SessionState.LISTENING

    async def stop(self) -> None:
        if self.state is not SessionState.LISTENING:
            raise SessionError("stop", ErrorCode.SESSION_NOT_ACTIVE, "the session does not run")
        LOG.append("stop session")
        self.state = SessionState.ENDED

    async def __aenter__(self) -> RecordedSession:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()


async def agent(turn: object) -> None:
    raise NotImplementedError


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder and environment, with sessions that only keep what they are made from."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("beluga_voice.container.sessions.VoiceSession", RecordedSession)
    LOG.clear()


def container(**settings: object) -> VoiceContainer:
    plugins = Plugins()
    plugins.register(Parts(), "parts")
    chosen = {"stt": "ear", "tts": "mouth", "vad": "gate", **settings}
    return VoiceContainer(Settings(**chosen), plugins)


def test_providers_are_made_when_first_asked_for_and_once() -> None:
    voice = container(stt="ear:large")
    assert LOG == []
    ear = voice.stt()
    assert isinstance(ear, Ear)
    assert ear.settings == EarSettings(model="large")
    assert voice.stt() is ear
    assert voice.turn_detector() is None
    assert LOG == ["make Ear"]


async def test_the_lifespan_opens_each_provider_once_and_closes_in_reverse() -> None:
    voice = container()
    async with voice.lifespan(object()):
        assert [
            *("make Ear", "make Mouth", "make Gate"),
            *("open Ear", "open Mouth", "open Gate"),
        ] == LOG
        LOG.clear()
    assert LOG == ["close Gate", "close Mouth", "close Ear"]


async def test_a_provider_that_does_not_open_closes_those_before_it() -> None:
    voice = container(vad="broken")
    with pytest.raises(ProviderError, match="BrokenGate refuses"):
        async with voice.lifespan():
            raise AssertionError("opened")
    assert LOG[-5:] == ["open Mouth", "open BrokenGate", "close BrokenGate", "close Mouth", "close Ear"]
    with pytest.raises(ClosedError):
        await voice.get_sessions().open(agent)


async def test_a_second_lifespan_makes_providers_anew() -> None:
    voice = container()
    async with voice.lifespan():
        first = voice.stt()
        with pytest.raises(ClosedError, match="open already"):
            async with voice.lifespan():
                raise AssertionError("opened twice")
        assert await voice.get_sessions().open(agent)
    async with voice.lifespan():
        assert voice.stt() is not first
    assert LOG.count("open Ear") == LOG.count("close Ear") == 2


async def test_sessions_share_the_providers_and_take_the_settings() -> None:
    voice = container(turns={"stall": 3}, session={"language": "de"})
    sessions = voice.get_sessions()
    async with voice.lifespan():
        one, two = await sessions.open(agent), await sessions.open(agent, session_id="two")
        assert one.parts == {
            "agent": agent,
            "tools": (),
            "text_filters": None,
            "llm": {},
            "deps": None,
            "transport": None,
            "config": SessionConfig(language="de"),
            "turns": TurnPolicy(stall=3),
            "prices": Prices(),
            "stt": voice.stt(),
            "tts": voice.tts(),
            "s2s": None,
            "vad": voice.vad(),
            "turn_detector": None,
            "noise_suppressor": None,
            "interruption_classifier": None,
            "history": (),
        }
        assert two.parts == {**one.parts, "config": SessionConfig(language="de", session_id="two")}
    assert LOG.count("open Ear") == 1


async def test_arguments_stand_over_the_settings() -> None:
    voice = container()
    config, turns = SessionConfig(language="fr"), TurnPolicy(stall=9)
    async with voice.lifespan():
        session = await voice.get_sessions().open(agent, config=config, turns=turns)
    assert (session.parts["config"], session.parts["turns"]) == (config, turns)


async def test_entering_a_session_starts_and_stops_it() -> None:
    voice = container()
    async with voice.lifespan(), voice.get_sessions().open(agent) as session:
        assert session.state is SessionState.LISTENING
    assert session.state is SessionState.ENDED
    assert LOG.count("stop session") == 1


async def test_a_session_that_goes_on_is_found_by_its_name() -> None:
    voice = container()
    async with voice.lifespan():
        sessions = voice.get_sessions()
        async with sessions.open(agent, session_id="one") as one, sessions.open(agent, session_id="two"):
            assert sessions.find("one") is one
        for name in ("one", "three"):
            with pytest.raises(SessionError, match=f"no session named '{name}'") as caught:
                sessions.find(name)
            assert caught.value.code is ErrorCode.SESSION_NOT_FOUND


async def test_the_lifespan_stops_sessions_before_it_closes_providers() -> None:
    voice = container()
    async with voice.lifespan():
        started, idle = await voice.get_sessions().open(agent), await voice.get_sessions().open(agent)
        await started.start()
        LOG.clear()
    assert LOG == ["stop session", "close Gate", "close Mouth", "close Ear"]
    assert idle.state is SessionState.INITIAL


async def test_a_session_that_fails_to_stop_keeps_nothing_from_closing() -> None:
    voice = container()

    async def fail() -> None:
        raise RuntimeError("a bug")

    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="a bug")):
        async with voice.lifespan():
            bad, good = await voice.get_sessions().open(agent), await voice.get_sessions().open(agent)
            await bad.start()
            await good.start()
            bad.stop = fail
    assert good.state is SessionState.ENDED
    assert LOG[-3:] == ["close Gate", "close Mouth", "close Ear"]


async def test_a_session_outside_of_the_lifespan_is_refused() -> None:
    with pytest.raises(ClosedError, match=r"not open. Try: async with voice.lifespan\(\)"):
        await container().get_sessions().open(agent)


async def test_a_profile_has_providers_of_its_own_only_where_it_differs() -> None:
    voice = container(sessions={"large": {"stt": "ear:large"}, "same": {"stt": "ear"}})
    sessions = voice.get_sessions()
    async with voice.lifespan():
        assert LOG.count("open Ear") == 2
        plain, large, same = [await sessions.open(agent, profile=p) for p in (None, "large", "same")]
        again = await sessions.open(agent, profile="large")
        assert plain.parts["stt"] is same.parts["stt"] is voice.stt()
        assert large.parts["stt"] is again.parts["stt"] is not voice.stt()
        assert plain.parts["tts"] is large.parts["tts"]
        with pytest.raises(ConfigurationError, match="no profile named 'lagre'; did you mean 'large'"):
            await sessions.open(agent, profile="lagre")
    assert LOG.count("close Ear") == 2


@pytest.mark.parametrize("kind", ["stt", "tts"])
async def test_a_session_without_ear_or_mouth_is_refused_with_the_variable_to_set(kind: str) -> None:
    voice = container(**{kind: None})
    async with voice.lifespan():
        with pytest.raises(ConfigurationError, match=f"{kind} is turned off.*BELUGA_VOICE_{kind.upper()}"):
            await voice.get_sessions().open(agent)


@pytest.mark.parametrize(
    "kind", ["stt", "tts", "vad", "turn_detector", "noise_suppressor", "interruption_classifier"]
)
async def test_one_line_overrides_a_provider_in_all_profiles(kind: str) -> None:
    voice = container(sessions={"large": {"stt": "ear:large"}})
    fake = OtherEar()
    with getattr(voice, kind).override(fake):
        async with voice.lifespan():
            for profile in (None, "large"):
                session = await voice.get_sessions().open(agent, profile=profile)
                assert session.parts[kind] is fake
    assert LOG.count("open OtherEar") == LOG.count("close OtherEar") == 1
    assert getattr(voice, kind)() is not fake


async def test_an_override_within_the_lifespan_is_opened_for_the_session_and_closed_at_the_end() -> None:
    voice = container()
    async with voice.lifespan():
        with voice.stt.override(OtherEar()):
            opened = [voice.get_sessions().open(agent) for _ in range(3)]
            await asyncio.gather(*opened)
        assert LOG.count("open OtherEar") == 1
        assert "close OtherEar" not in LOG
    assert LOG.count("close OtherEar") == 1


async def test_two_containers_share_nothing() -> None:
    one, two = container(), container()
    with one.stt.override(OtherEar()):
        assert type(two.stt()) is Ear
    assert one.stt() is not two.stt()
    async with one.lifespan(), two.lifespan():
        assert LOG.count("open Ear") == 2


async def test_what_is_not_installed_is_told_when_it_is_opened() -> None:
    voice = container(vad="silero")
    with pytest.raises(UnknownProviderError, match=r"named 'silero'.*; installed: broken, gate"):
        async with voice.lifespan():
            raise AssertionError("opened")
    assert LOG == ["make Ear", "make Mouth"]  # nothing is opened before all are made


async def test_a_real_session_talks_and_is_stopped_with_the_lifespan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beluga_voice.container.sessions.VoiceSession", VoiceSession)
    voice = container(vad=None)
    with voice.stt.override(ScriptedSTT()), voice.tts.override(ScriptedTTS()):
        async with voice.lifespan():
            session = await voice.get_sessions().open(ScriptedAgent())
            await session.start()
            await session.say("Hello there.")
            assert session.state is SessionState.LISTENING
            async with voice.get_sessions().open(ScriptedAgent()) as other:
                assert other.state is SessionState.LISTENING
            assert other.state is SessionState.ENDED
        assert session.state is SessionState.ENDED


def test_settings_and_plugins_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_SESSION__LANGUAGE", "fr")
    monkeypatch.setenv("BELUGA_VOICE_PLUGINS", "module_that_is_not_there")
    voice = VoiceContainer()
    assert voice.settings.session.language == "fr"
    assert "module_that_is_not_there" in {each.plugin.name for each in voice.plugins.problems}


async def test_the_lifespan_waits_for_a_session_that_is_still_closing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("beluga_voice.container.sessions.VoiceSession", VoiceSession)

    class SlowLine(LoopbackTransport):
        closed = False

        async def aclose(self) -> None:
            await asyncio.sleep(0.5)
            self.closed = True

    line = SlowLine()
    voice = container()
    with (
        voice.stt.override(ScriptedSTT()),
        voice.tts.override(ScriptedTTS()),
        voice.vad.override(AmplitudeVAD()),
    ):
        async with voice.lifespan():
            session = await voice.get_sessions().open(lambda turn: turn.text, transport=line)
            await session.start()
            line.hang_up()
            assert session.state is SessionState.ENDED
            assert not line.closed
        assert line.closed


async def test_what_nobody_chose_is_opened_when_a_session_needs_it() -> None:
    class Own:
        @hookimpl
        def register_stt(self, register: Register[STT]) -> None:
            register("pocketsphinx", Ear)

        @hookimpl
        def register_tts(self, register: Register[TTS]) -> None:
            register("espeak", Mouth)

    plugins = Plugins()
    plugins.register(Parts(), "parts")
    plugins.register(Own(), "own")
    voice = VoiceContainer(Settings(vad="gate"), plugins)
    async with voice.lifespan():
        assert LOG == ["make Gate", "open Gate"]
        await voice.get_sessions().open(Agent("", stt="ear", tts="mouth"))
        assert LOG.count("open Ear") == LOG.count("open Mouth") == 1
        await voice.get_sessions().open(agent)
        assert LOG.count("open Ear") == LOG.count("open Mouth") == 2


async def test_the_lifespan_opens_what_the_named_agents_need() -> None:
    plugins = Plugins()
    plugins.register(Parts(), "parts")
    other = Agent("", name="other", tts="mouth")
    front = Agent("", stt="ear:large", tts="mouth", handoffs=[other])
    voice = VoiceContainer(Settings(vad="gate"), plugins, agents=[front])
    async with voice.lifespan():
        assert LOG.count("open Ear") == LOG.count("open Mouth") == LOG.count("open Gate") == 1
        before = list(LOG)
        session = await voice.get_sessions().open(front)
        assert before == LOG
        voices = session.parts["tts"]
        assert isinstance(voices, dict)
        assert voices[""] is voices["mouth"]


async def test_the_store_that_the_settings_choose_is_opened_once_and_off_by_default() -> None:
    voice = container()
    async with voice.lifespan():
        assert await voice.open_store() is None
    with pytest.raises(ClosedError, match="not open"):
        await voice.open_store()
    voice = container(session_store="acme")
    async with voice.lifespan():
        with pytest.raises(UnknownProviderError, match="no session store provider named 'acme'"):
            await voice.open_store()


def test_a_server_that_is_not_installed_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "beluga_voice_server.server", None)
    with pytest.raises(PluginError, match=r'Try: pip install "beluga-voice\[webrtc\]"'):
        container().asgi(agent)


class Shout(Logged, TextFilter, TextFilterStream):
    def open_stream(self, language: str) -> TextFilterStream:
        return self

    def process(self, text: str) -> str:
        return text.upper()


class Box(Logged, ToolSource):
    def tools(self) -> tuple[Tool, ...]:
        return ()


class BoxSettings(BaseModel, frozen=True, extra="forbid"):
    url: str
    token: str = ""


class Lists:
    @hookimpl
    def register_text_filter(self, register: Register[TextFilter]) -> None:
        register("shout", Shout)

    @hookimpl
    def register_tool_source(self, register: Register[ToolSource]) -> None:
        register("box", Box, settings=BoxSettings)


def _listing(**settings: object) -> VoiceContainer:
    plugins = Plugins()
    plugins.register(Parts(), "parts")
    plugins.register(Lists(), "lists")
    return VoiceContainer(Settings(**{"stt": "ear", "tts": "mouth", "vad": "gate", **settings}), plugins)


async def test_lists_choose_sources_of_tools_and_text_filters() -> None:
    tools = [{"provider": "box", "url": "http://a"}, {"provider": "box", "url": "http://b"}]
    voice = _listing(tools=tools, text_filters=["shout", "links:word"])
    async with voice.lifespan():
        assert LOG.count("open Box") == 2
        one, two = [await voice.get_sessions().open(agent) for _ in range(2)]
        assert one.parts["tools"] == two.parts["tools"]
        assert [source.settings.url for source in one.parts["tools"]] == ["http://a", "http://b"]  # type: ignore[attr-defined]
        shout, links = one.parts["text_filters"]  # type: ignore[misc]
        assert isinstance(shout, Shout)
        assert links.open_stream("de").process("https://a.b") == "Link"
    assert LOG.count("close Box") == 2


async def test_a_profile_has_lists_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELUGA_VOICE_TOOLS", '[{"provider": "box", "url": "http://a"}]')
    voice = _listing(sessions={"bare": {"tools": [], "text_filters": "none"}})
    async with voice.lifespan():
        plain, bare = [await voice.get_sessions().open(agent, profile=p) for p in (None, "bare")]
        assert (len(plain.parts["tools"]), plain.parts["text_filters"]) == (1, None)  # type: ignore[arg-type]
        assert (bare.parts["tools"], bare.parts["text_filters"]) == ((), ())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tools": 3}, r"tools is 3; it must be a list of names.* \(argument tools\)"),
        ({"tools": [3]}, r"tools\[0\] is 3; it must be the name of a provider"),
        ({"tools": [{"url": "x"}]}, r"tools\[0\] is .*; it must be the name of a provider"),
        ({"tools": {"box": 1}}, r"tools is a table; it must be a list"),
        ({"tools": "crate"}, r"no tool source provider named 'crate' \(argument tools\)"),
        ({"tools": "box"}, r"tools\[0\]\.url is missing; provider 'box' needs it \(argument tools\)"),
        ({"tools": [{"provider": "box", "url": "x", "name": 1}]}, r"'box' has no setting 'name'"),
        (
            {"text_filters": "mark"},
            r"no text filter provider named 'mark' \(argument text_filters\); installed: shout.* "
            "Core's own are markup, links, symbols, numbers",
        ),
        ({"text_filters": "links:path"}, r"says 'path'; it must be one of .* \(argument text_filters\)"),
        ({"text_filters": "markup:x"}, r"'markup' has nothing to choose"),
        ({"text_filters": [{"provider": "links", "size": 1}]}, r"'links' has no setting 'size'"),
    ],
)
async def test_wrong_lists_are_told_with_their_place(settings: dict[str, object], told: str) -> None:
    with pytest.raises((ConfigurationError, UnknownProviderError), match=told):
        async with _listing(**settings).lifespan():
            raise AssertionError("opened")


def test_lists_are_shown_without_secrets() -> None:
    voice = _listing(
        tools=[{"provider": "box", "url": "http://a:b@c", "token": "t"}], text_filters="links:word"
    )
    shown = {each.key: (each.value, each.source) for each in show(voice.settings, voice.plugins)}
    assert shown["text_filters"] == (["links:word"], "argument text_filters")
    box = {"provider": "box", "url": "http://********@c", "token": "********"}
    assert shown["tools"] == ([box], "argument tools")
    plain = {each.key: each.value for each in show(_listing().settings, voice.plugins)}
    assert (plain["text_filters"], plain["tools"]) == (["markup", "links", "symbols"], [])


class Both(Logged, S2S):
    async def open_stream(self, setup: object) -> object:  # type: ignore[override]
        raise NotImplementedError


class BothPlugin:
    @hookimpl
    def register_s2s(self, register: Register[S2S]) -> None:
        register("both", Both, settings=EarSettings)


async def test_a_model_stands_in_the_place_of_recognizer_and_synthesiser() -> None:
    voice = container(stt="none", tts="none", s2s="both:large")
    voice.plugins.register(BothPlugin(), "both")
    async with voice.lifespan():
        session = await voice.get_sessions().open(agent)
        assert (session.parts["stt"], session.parts["tts"]) == (None, None)
        assert session.parts["s2s"] is voice.s2s()
        assert voice.s2s().settings == EarSettings(model="large")
    assert "open Ear" not in LOG
    assert LOG.count("open Both") == LOG.count("close Both") == 1


async def test_a_model_may_be_put_in_the_place_of_others_in_tests() -> None:
    voice = container(stt=None, tts=None)
    with voice.s2s.override(Both()):
        async with voice.lifespan():
            session = await voice.get_sessions().open(agent)
            assert isinstance(session.parts["s2s"], Both)
            assert session.parts["stt"] is None


class FakeServer:
    def __init__(self) -> None:
        self.running = False
        self.asked: list[object] = []

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        self.running = True
        yield
        self.running = False

    def app(self, agent: object) -> object:
        return ("app", agent)

    async def answer(self, offer: object, agent: object, *, profile: str | None, deps: object) -> object:
        self.asked += [offer, profile, deps]
        return "answer"


@pytest.fixture
def fake_server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """A server in the place of beluga-voice-server."""
    server, module = FakeServer(), ModuleType("beluga_voice_server.server")
    module.create = lambda _: server  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "beluga_voice_server", ModuleType("beluga_voice_server"))
    monkeypatch.setitem(sys.modules, "beluga_voice_server.server", module)
    return server


async def test_the_server_runs_within_the_lifespan(fake_server: FakeServer) -> None:
    voice = container()
    assert voice.asgi(agent) == ("app", agent)
    with pytest.raises(ClosedError, match="not open"):
        await voice.open_server()
    async with voice.lifespan():
        assert fake_server.running
    assert not fake_server.running


async def test_an_offer_begins_the_server_that_nobody_has_mounted(fake_server: FakeServer) -> None:
    voice = container()
    async with voice.lifespan():
        assert not fake_server.running
        answer: object = await voice.get_sessions().answer(Offer("v=0"), agent, profile="support", deps="Ann")
        assert answer == "answer"
        assert fake_server.running
        assert fake_server.asked == [Offer("v=0"), "support", "Ann"]
    assert not fake_server.running


def test_a_server_that_lacks_something_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'starlette'", name="starlette")

    monkeypatch.setattr("beluga_voice.container.serving.import_module", missing)
    with pytest.raises(PluginError, match="the server cannot be imported: No module named 'starlette'"):
        container().asgi(agent)
