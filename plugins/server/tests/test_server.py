"""Who is let in, and sessions that outlive their connections and their server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import ASGI, Calls, Connection, Routes
from beluga_voice.errors import PluginError, RefusedError
from beluga_voice.hookspecs import RegisterRoutes, hookimpl
from beluga_voice.plugins import Plugins
from beluga_voice.testing import RecordingReceiver, ScriptedAgent, ScriptedSTT, check_transport
from beluga_voice_server import server as server_module
from beluga_voice_server.admission import LoopLag
from beluga_voice_server.callers import Caller
from beluga_voice_server.line import Line
from beluga_voice_server.messages import read
from beluga_voice_server.server import Server
from beluga_voice_server.store import SQLiteSessionStore
from beluga_voice_server.testing import fetch, scripted_voice

SECRET = "the secret of these tests"


class Wire(Connection):
    """A connection that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, object]] = []
        self.frames: list[AudioFrame] = []
        self.closed: tuple[str, str] | None = None

    def send_nowait(self, frame: AudioFrame) -> None:
        self.frames.append(frame)

    def tell(self, message: Mapping[str, object]) -> None:
        self.told.append(message)

    async def aclose(self, code: str = "", reason: str = "") -> None:
        self.closed = self.closed or (code, reason)

    def of(self, kind: str) -> list[Mapping[str, object]]:
        return [each for each in self.told if each["type"] == kind]


def knock(server: Server, *, client: str = "198.51.100.1", trusted: bool = True, agent: Any = None) -> Caller:
    return Caller(server, agent or ScriptedAgent(), client, trusted)


@asynccontextmanager
async def serving(voice: VoiceContainer | None = None, **settings: object) -> AsyncGenerator[Server, None]:
    voice = voice or scripted_voice(server={"max_lag": 10} | settings)
    voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        server = await voice.open_server()
        assert isinstance(server, Server)
        yield server


async def refused(
    server: Server, caller: Caller, token: str = "", profile: str | None = None
) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        await caller.join(Wire(), token=token, profile=profile)
    assert server.admission.refused[caught.value.code] >= 1
    return caught.value


# -- who is let in --


async def test_no_more_sessions_than_the_settings_allow() -> None:
    async with serving(max_sessions=3, max_sessions_per_client=2) as server:
        one = [await knock(server).join(Wire()) for _ in range(2)]
        assert (await refused(server, knock(server))).code == "too_many_sessions"
        await knock(server, client="198.51.100.2").join(Wire())
        error = await refused(server, knock(server, client="198.51.100.3"))
        assert (error.status, error.code, error.retry_after) == (503, "full", 10)
        for joined in one:
            joined.begin()
            joined.receive({"type": "bye"})
        await asyncio.sleep(1)
        assert server.admission.sessions == 1
        await knock(server).join(Wire())


async def test_nobody_is_let_in_while_the_loop_is_late() -> None:
    async with serving(max_lag=0.05) as server:
        server.lag.seconds = 0.06
        assert (await refused(server, knock(server))).code == "busy"
        await asyncio.sleep(0.5)  # a peak fades
        await knock(server).join(Wire())


@pytest.mark.real_time
async def test_the_lag_of_the_loop_is_measured() -> None:
    measured = asyncio.Event()
    lag = LoopLag(measured.set)
    lag.start()
    until = asyncio.get_running_loop().time() + 0.2
    while asyncio.get_running_loop().time() < until:
        pass  # the loop stands still
    await measured.wait()
    lag.stop()
    assert 0.08 <= lag.seconds < 0.2


async def test_who_is_not_trusted_needs_a_token_which_starts_one_session() -> None:
    async with serving() as server:
        stranger = knock(server, trusted=False)
        assert (await refused(server, stranger)).code == "token_missing"
        assert (await stranger.vouched().join(Wire())).session_id
        session_id, token = server.issue(None)
        assert (await stranger.join(Wire(), token=token)).session_id == session_id
        assert (await refused(server, stranger, token)).code == "token_used"


async def test_a_token_that_nobody_had_room_for_may_be_tried_again() -> None:
    async with serving(max_sessions=1) as server:
        first = await knock(server).join(Wire())
        _, token = server.issue(None)
        assert (await refused(server, knock(server, trusted=False), token)).code == "full"
        first.begin()
        first.receive({"type": "bye"})
        await asyncio.sleep(1)
        await knock(server, trusted=False).join(Wire(), token=token)


async def test_tokens_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(token_lifetime=60, resume_lifetime=100) as server:
        _, token = server.issue(None)
        resume = (await knock(server).join(Wire())).token
        now = server_module.today()
        monkeypatch.setattr(server_module, "today", lambda: now + 61)
        assert (await refused(server, knock(server, trusted=False), token)).code == "token_expired"
        assert (await knock(server).join(Wire(), token=resume)).resumed
        monkeypatch.setattr(server_module, "today", lambda: now + 101)
        assert (await refused(server, knock(server), resume)).code == "token_expired"


async def test_a_session_that_cannot_begin_is_refused_without_telling_why_and_leaves_room() -> None:
    voice = scripted_voice(server={"max_lag": 10, "max_sessions": 1})
    voice.stt.override(ScriptedSTT(fails_to_open=True))
    async with serving(voice) as server:
        error = await refused(server, knock(server))
        assert (error.status, error.code) == (503, "unavailable")
        assert "script" not in str(error)
        assert server.admission.sessions == 0


async def test_a_profile_is_part_of_the_token() -> None:
    voice = scripted_voice(
        server={"max_lag": 10}, sessions={"support": {"session": {"greeting": "Support."}}}
    )
    async with serving(voice) as server:
        _, token = server.issue("support")
        wire = Wire()
        joined = await knock(server, trusted=False).join(wire, token=token, profile=None)
        joined.begin()
        await asyncio.sleep(1)
        assert [each["heard"] for each in wire.of("utterance_ended")] == ["Support."]


async def test_a_thousand_connections_that_never_begin_leave_nothing() -> None:
    async with serving(max_sessions=50, max_sessions_per_client=1000, setup=1, grace=0) as server:
        before = len(asyncio.all_tasks())
        taken = 0
        for _ in range(1000):
            try:
                await knock(server).join(Wire())
                taken += 1
            except RefusedError:
                await asyncio.sleep(0.25)
        assert 50 <= taken < 1000
        assert server.admission.refused == {"full": 1000 - taken}
        await asyncio.sleep(4)
        assert server.admission.sessions == 0
        assert not server._calls
        assert len(asyncio.all_tasks()) == before


# -- calls that go on --


async def test_the_agent_says_nothing_until_the_connection_has_begun() -> None:
    voice = scripted_voice(server={"max_lag": 10}, session={"greeting": "Good day."})
    async with serving(voice) as server:
        wire = Wire()
        joined = await knock(server).join(wire)
        await asyncio.sleep(5)
        assert not wire.frames
        joined.begin()
        await asyncio.sleep(1)
        assert sum(len(frame.samples) for frame in wire.frames) == len(voice.tts().audio_of("Good day."))


async def test_a_connection_that_has_left_does_nothing_more() -> None:
    async with serving() as server:
        joined = await knock(server).join(Wire())
        joined.begin()
        joined.leave()
        joined.leave()
        joined.receive({"type": "text", "text": "hello"})
        joined.hear(AudioFrame.silence(0.02, 16000))
        joined.begin()
        assert not joined.history


async def test_a_connection_that_begins_after_the_session_s_end_is_told_so() -> None:
    async with serving() as server:
        wire = Wire()
        joined = await knock(server).join(wire)
        await server._calls[joined.session_id].session.stop()
        joined.begin()
        await asyncio.sleep(0.01)
        assert wire.closed == ("ended", "the session has ended")


async def test_draining_lets_calls_end_and_nobody_in() -> None:
    async with serving(drain=60) as server:
        joined = await knock(server).join(Wire())
        joined.begin()
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(5)
        assert not draining.done()
        error = await refused(server, knock(server, client="198.51.100.9"))
        assert (error.code, error.retry_after) == ("draining", 30)
        joined.receive({"type": "bye"})
        await asyncio.sleep(1)
        assert draining.done()
        await draining


async def test_draining_does_not_wait_for_ever() -> None:
    async with serving(drain=2) as server:
        wire = Wire()
        joined = await knock(server).join(wire)
        joined.begin()
        began = asyncio.get_running_loop().time()
        await server.drain()
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.01)
        assert server.admission.sessions == 0
        await asyncio.sleep(0)
        assert wire.closed == ("ended", "stopped")


# -- after a restart --


def keeping(path: Path, **settings: object) -> VoiceContainer:
    store = {"provider": "sqlite", "path": str(path / "sessions.db")}
    server = {"max_lag": 10, "secret": SECRET} | settings
    return scripted_voice(server=server, session_store=store, session={"greeting": "Good day."})


async def talk(joined: Any, text: str) -> None:
    joined.begin()
    await asyncio.sleep(1)
    joined.receive({"type": "text", "text": text})
    await asyncio.sleep(3)


async def test_a_restarted_server_resumes_what_did_not_end(tmp_path: Path) -> None:
    async with serving(keeping(tmp_path)) as server:
        wire = Wire()
        joined = await knock(server).join(wire)
        await talk(joined, "my name is Ann")
    assert wire.closed is not None
    assert wire.closed[0] == "handed_over"
    async with serving(keeping(tmp_path)) as server:
        wire = Wire()
        again = await knock(server).join(wire, token=joined.token)
        assert again.resumed
        assert again.session_id == joined.session_id
        said = [message.text for message in again.history]
        assert said == ["Good day.", "my name is Ann", "my name is Ann"]
        await talk(again, "what is my name")
        assert [each["heard"] for each in wire.of("utterance_ended")] == ["what is my name"]
        assert (await refused(server, knock(server), joined.token)).code == "token_used"
        newer = again.token
    async with serving(keeping(tmp_path)) as server:
        assert (await refused(server, knock(server), joined.token)).code == "token_used"
        assert len((await knock(server).join(Wire(), token=newer)).history) == 5


async def test_a_turn_that_was_committed_survives_a_crash(tmp_path: Path) -> None:
    async with serving(keeping(tmp_path)) as server:
        joined = await knock(server).join(Wire())
        await talk(joined, "order seven")
        async with SQLiteSessionStore(keeping_settings(tmp_path)) as store:  # as another process sees it now
            kept = await store.load(joined.session_id)
    assert kept is not None
    assert [message.text for message in kept.history] == ["Good day.", "order seven", "order seven"]


def keeping_settings(path: Path) -> Any:
    from beluga_voice_server.settings import SQLiteSettings

    return SQLiteSettings(path=path / "sessions.db")


async def test_nothing_is_kept_of_a_session_that_ended(tmp_path: Path) -> None:
    async with serving(keeping(tmp_path)) as server:
        joined = await knock(server).join(Wire())
        await talk(joined, "hello")
        joined.receive({"type": "bye"})
        await asyncio.sleep(1)
        assert (await refused(server, knock(server), joined.token)).code == "session_ended"
        async with SQLiteSessionStore(keeping_settings(tmp_path)) as store:
            assert await store.load(joined.session_id) is None


async def test_two_connections_that_resume_at_once_are_one_session(tmp_path: Path) -> None:
    async with serving(keeping(tmp_path)) as server:
        joined = await knock(server).join(Wire())
        await talk(joined, "hello")
    async with serving(keeping(tmp_path)) as server:
        results = await asyncio.gather(
            *(knock(server).join(Wire(), token=joined.token) for _ in range(2)), return_exceptions=True
        )
        codes = [each.code for each in results if isinstance(each, RefusedError)]
        assert codes == ["busy"]
        assert server.admission.sessions == 1


async def test_without_a_secret_the_server_says_that_tokens_end_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(keeping(tmp_path, secret=None)):
        assert "BELUGA_VOICE_SERVER__SECRET" in caplog.text


# -- what transports add --


class Added(Routes):
    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.closed = False

    def apps(self, calls: Callable[[Mapping[str, object]], Calls]) -> Mapping[str, ASGI]:
        async def serve(scope: Any, receive: Any, send: Any) -> None:
            joined = await calls(scope).join(Wire())
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": joined.session_id.encode()})

        return dict.fromkeys(self.paths, serve)

    async def aclose(self) -> None:
        self.closed = True


def with_routes(**routes: Added) -> Plugins:
    plugins = Plugins()
    for name, each in routes.items():

        class Plugin:
            def __init__(self, name: str, routes: Added) -> None:
                self.name, self.routes = name, routes

            @hookimpl
            def register_routes(self, register: RegisterRoutes) -> None:
                register(self.name, lambda: self.routes)

        plugins.register(Plugin(name, each), name)
    return plugins


async def test_a_plugin_adds_a_path_to_the_server_and_one_that_two_add_is_given_to_neither() -> None:
    one, two = Added("/one", "/both"), Added("/two", "/both")
    voice = scripted_voice(plugins=with_routes(one=one, two=two))
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        assert (await fetch(app, "POST", "/one")).body.startswith(b"call-")
        assert (await fetch(app, "POST", "/two")).status == 200
        assert (await fetch(app, "POST", "/both")).status == 404
        with pytest.raises(PluginError, match=r'pip install "beluga-voice\[webrtc\]"'):
            await voice.get_sessions().answer(offer(), ScriptedAgent())
    assert one.closed
    assert two.closed


def offer() -> Any:
    from beluga_voice import Offer

    return Offer("v=0")


def test_the_line_of_a_session_keeps_the_contract() -> None:
    class Opened(Line):
        def __init__(self) -> None:
            super().__init__()
            self.connect(Wire())

    async def call(line: Line) -> None:
        for _ in range(5):
            line.hear(AudioFrame.silence(0.02, 16000))
            await asyncio.sleep(0.02)

    from beluga_voice.testing import run_virtual

    run_virtual(check_transport(Opened, call=call))


async def test_the_line_holds_the_agent_while_nobody_is_there() -> None:
    line, receiver = Line(), RecordingReceiver()
    await line.open(receiver)
    assert receiver.held
    line.connect(Wire())
    assert not receiver.held
    line.connect(None)
    assert receiver.held
    line.send_nowait(AudioFrame.silence(0.02, 24000))
    line.flush()
    assert line.unplayed == 0


@pytest.mark.parametrize(
    "message", [7, {}, {"type": "text"}, {"type": "dtmf", "keys": "x"}, {"type": "ping", "id": []}]
)
def test_a_message_that_there_is_not_is_refused(message: object) -> None:
    with pytest.raises(RefusedError) as caught:
        read(message)
    assert caught.value.code == "bad_message"
