"""The server's own paths, and what every request passes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from beluga_voice.contracts import ASGI
from beluga_voice.errors import ClosedError, ConfigurationError
from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.testing import Fetched, RefusedSocketError, connect, fetch, scripted_voice

KEY = "the key of this server"
HERE: dict[str, Any] = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080)}
ELSEWHERE: dict[str, Any] = {"client": ("203.0.113.7", 4711), "server": ("192.0.2.1", 80)}


@asynccontextmanager
async def serving(**settings: object) -> AsyncGenerator[ASGI, None]:
    voice = scripted_voice(server={"max_lag": 10} | settings)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        yield app


def code(fetched: Fetched) -> str:
    error = fetched.json["error"]
    assert isinstance(error, dict)
    assert error["message"]
    return str(error["code"])


async def test_says_that_it_lives_and_is_ready() -> None:
    async with serving() as app:
        assert (await fetch(app, "GET", "/health")).body == b"ok\n"
        assert (await fetch(app, "GET", "/ready")).status == 200
        assert (await fetch(app, "HEAD", "/health")).status == 200


async def test_follows_its_mount() -> None:
    async with serving() as app:
        assert (await fetch(app, "GET", "/health", root_path="/voice")).status == 200


async def test_what_is_not_there_is_told() -> None:
    async with serving() as app:
        assert code(await fetch(app, "GET", "/nowhere")) == "not_found"
        assert code(await fetch(app, "GET", "/start")) == "method_not_allowed"
        with pytest.raises(RefusedSocketError, match="4404 not_found"):
            async with connect(app, "/nowhere"):
                pass


async def test_is_not_there_outside_of_the_lifespan() -> None:
    app = scripted_voice().asgi(ScriptedAgent())
    fetched = await fetch(app, "GET", "/health")
    assert (fetched.status, code(fetched)) == (500, "internal_error")


async def test_run_alone_it_opens_the_lifespan_itself() -> None:
    voice = scripted_voice()
    app = voice.asgi(ScriptedAgent())
    told: list[str] = []

    async def receive() -> dict[str, object]:
        if told:
            assert (await fetch(app, "GET", "/ready")).status == 200
            return {"type": "lifespan.shutdown"}
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ClosedError):
        await voice.open_server()


async def test_a_token_is_for_a_session_of_its_own() -> None:
    async with serving() as app:
        first, second = [(await fetch(app, "POST", "/start")).json for _ in range(2)]
        assert first["session_id"] != second["session_id"]
        assert first["expires_in"] == 60


@pytest.mark.parametrize(
    ("settings", "headers", "expected"),
    [
        ({}, {}, "not_public"),
        ({"key": KEY}, {}, "key_missing"),
        ({"key": KEY}, {"Authorization": "Bearer nonsense"}, "key_wrong"),
        ({"key": KEY}, {"Authorization": f"Basic {KEY}"}, "key_missing"),
        ({"key": KEY}, {"Authorization": f"Bearer {KEY}"}, ""),
        ({"public": True}, {}, ""),
    ],
)
async def test_who_is_elsewhere_needs_the_key(
    settings: dict[str, object], headers: dict[str, str], expected: str
) -> None:
    async with serving(**settings) as app:
        fetched = await fetch(app, "POST", "/start", headers=headers, **ELSEWHERE)
        assert (code(fetched) if expected else fetched.status) == (expected or 200)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_who_comes_through_a_proxy_is_elsewhere(header: str) -> None:
    async with serving() as app:
        assert code(await fetch(app, "POST", "/start", headers={header: "203.0.113.7"})) == "not_public"


async def test_everybody_needs_the_key_if_the_settings_say_so() -> None:
    async with serving(tokens="always", key=KEY) as app:
        assert code(await fetch(app, "POST", "/start")) == "key_missing"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"profile": 7}', b"[" * 2000])
async def test_a_start_that_is_wrong_is_refused(body: bytes) -> None:
    async with serving() as app:
        assert code(await fetch(app, "POST", "/start", body=body)) == "bad_request"


async def test_a_profile_that_is_not_there_is_refused() -> None:
    async with serving() as app:
        assert code(await fetch(app, "POST", "/start", body={"profile": "nobody"})) == "bad_profile"


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with serving(max_body=1024) as app:
        fetched = await fetch(app, "POST", "/start", body=b" " * 1025)
        assert (fetched.status, code(fetched)) == (413, "body_too_large")


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with serving(setup=2) as app:
        asked: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        asked.put_nowait({"type": "http.request", "body": b"{", "more_body": True})
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/start",
            "headers": [(b"host", b"localhost")],
            **HERE,
        }
        began = asyncio.get_running_loop().time()
        await app(scope, asked.get, send)  # type: ignore[arg-type]
        assert sent[0]["status"] == 408
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.01)


async def test_proxies_of_the_settings_are_believed_for_whom_they_ask(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {"X-Forwarded-For": "10.9.9.9, 203.0.113.9, 192.0.2.50"}
    with caplog.at_level(logging.INFO, "beluga_voice_server.access"):
        async with serving(proxies=("192.0.2.50",)) as app:
            for client in ("192.0.2.50", "192.0.2.51"):
                await fetch(
                    app, "GET", "/health", headers=headers, client=(client, 1), server=("192.0.2.1", 80)
                )
    lines = [each.getMessage().split()[0] for each in caplog.records if each.name.endswith("access")]
    assert lines == ["203.0.113.9", "192.0.2.51"]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:8080", 200),
        ("https://shop.example", 200),
        ("https://evil.example", 403),
        ("http://127.0.0.1:9999", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_a_page_may_call_if_it_is_the_server_s_own_or_named(origin: str, expected: int) -> None:
    async with serving(origins=("https://shop.example",)) as app:
        assert (await fetch(app, "POST", "/start", headers={"Origin": origin})).status == expected


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost:8080", 200), ("[::1]:80", 200), ("evil.example", 421)]
)
async def test_this_machine_answers_to_its_own_names_only(host: str, expected: int) -> None:
    async with serving() as app:
        assert (await fetch(app, "GET", "/health", headers={"Host": host})).status == expected


async def test_a_server_elsewhere_answers_to_the_names_of_its_settings() -> None:
    async with serving(hosts=("voice.example",)) as app:
        for host, status in (("voice.example", 200), ("other.example", 421)):
            fetched = await fetch(app, "GET", "/health", headers={"Host": host}, **ELSEWHERE)
            assert fetched.status == status


async def test_the_access_log_holds_no_query_and_no_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "beluga_voice_server.access"):
        async with serving(key=KEY) as app:
            await fetch(app, "POST", "/start", headers={"Authorization": f"Bearer {KEY}"}, **ELSEWHERE)
    (line,) = [each.getMessage() for each in caplog.records if each.name.endswith("access")]
    assert line.startswith("203.0.113.7 POST /start 200 ")
    assert KEY not in caplog.text


async def test_the_figures_tell_of_refusals() -> None:
    async with serving(key=KEY) as app:
        shown = (await fetch(app, "GET", "/metrics")).body.decode()
        assert "beluga_voice_server_sessions 0\n" in shown
        assert "# TYPE beluga_voice_server_loop_lag_seconds gauge\n" in shown
        assert code(await fetch(app, "GET", "/metrics", **ELSEWHERE)) == "key_missing"


async def test_the_figures_of_sessions_follow_where_telemetry_is_for_prometheus() -> None:
    pytest.importorskip("prometheus_client")
    voice = scripted_voice(telemetry={"exporter": "prometheus"})
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), voice.get_sessions().open(ScriptedAgent()):
        shown = (await fetch(app, "GET", "/metrics")).body.decode()
    assert "beluga_voice_server_sessions " in shown
    assert "\nsession_active 1.0\n" in shown


def test_settings_that_are_wrong_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"server\.port is 99999; .* \(argument server\)"):
        scripted_voice(server={"port": 99999}).asgi(ScriptedAgent())
    with pytest.raises(ConfigurationError, match=r"no setting named 'server\.prot'.*did you mean 'port'"):
        scripted_voice(server={"prot": 1}).asgi(ScriptedAgent())
