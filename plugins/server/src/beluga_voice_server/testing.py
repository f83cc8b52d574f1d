"""For tests of hosts: a container of fakes, and requests and WebSockets within the process, in virtual time too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import ASGI
from beluga_voice.plugins import Plugins
from beluga_voice.settings import Settings

HERE = ("127.0.0.1", 50000)
SERVER = ("127.0.0.1", 8080)


def scripted_voice(
    *transcripts: str, word_duration: float = 0.1, plugins: Plugins | None = None, **settings: object
) -> VoiceContainer:
    """Return a container whose recognizer hears `transcripts`, one for each utterance that is loud.

    Args:
        transcripts: what is heard.
        word_duration: seconds that the synthesiser takes for a word.
        plugins: of the container; those that are installed if None.
        settings: of the container; the lag of a busy machine is not minded unless ``server`` says so.
    """
    from beluga_voice.testing import AmplitudeVAD, ScriptedSTT, ScriptedTTS

    merged = {"server": {"max_lag": 10}} | settings
    voice = VoiceContainer(Settings(overrides=(), config=None, **merged), plugins)
    voice.stt.override(ScriptedSTT(transcripts))
    voice.tts.override(ScriptedTTS(word_duration=word_duration))
    voice.vad.override(AmplitudeVAD())
    return voice


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response.

    Attributes:
        status: of HTTP.
        headers: names in lower case.
        body: all of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body as a JSON object."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


async def fetch(
    app: ASGI,
    method: str,
    path: str,
    *,
    body: bytes | Mapping[str, object] = b"",
    headers: Mapping[str, str] | None = None,
    client: tuple[str, int] = HERE,
    server: tuple[str, int] = SERVER,
    root_path: str = "",
) -> Fetched:
    """Make one request of `app`.

    Args:
        app: the application.
        method: of HTTP.
        path: without a query.
        body: bytes, or what is sent as JSON.
        headers: ``host`` is that of `server` unless it is given.
        client: address and port that the request comes from.
        server: address and port that it goes to.
        root_path: where the application is mounted.
    """
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked: asyncio.Queue[MutableMapping[str, object]] = asyncio.Queue()
    asked.put_nowait({"type": "http.request", "body": data, "more_body": False})
    status, answered, parts = 0, {}, []

    async def send(message: MutableMapping[str, object]) -> None:
        nonlocal status, answered
        if message["type"] == "http.response.start":
            status = int(str(message["status"]))
            pairs = message.get("headers", ())
            assert isinstance(pairs, (list, tuple))
            answered = {name.decode().lower(): value.decode() for name, value in pairs}
        else:
            part = message.get("body", b"")
            assert isinstance(part, bytes)
            parts.append(part)

    await app(_scope("http", path, headers, client, server, root_path, method=method), asked.get, send)
    return Fetched(status, answered, b"".join(parts))


class RefusedSocketError(Exception):
    """The application closed a WebSocket instead of accepting it.

    Attributes:
        code: of the close.
        reason: of the close.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket:
    """The client's end of a WebSocket. Made by `connect`.

    Attributes:
        closed: code and reason once the application has closed it.
    """

    def __init__(self) -> None:
        self.closed: tuple[int, str] | None = None
        self.to_app: asyncio.Queue[MutableMapping[str, object]] = asyncio.Queue()
        self.from_app: asyncio.Queue[MutableMapping[str, object]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()

    def send(self, message: str | bytes | Mapping[str, object]) -> None:
        """Send text, bytes, or what is written as JSON."""
        event: dict[str, object] = {"type": "websocket.receive"}
        if isinstance(message, bytes):
            event["bytes"] = message
        else:
            event["text"] = message if isinstance(message, str) else json.dumps(message)
        self.to_app.put_nowait(event)

    async def receive(self) -> bytes | dict[str, object] | None:
        """Wait for a message: bytes, or what JSON reads; None once it is closed."""
        while self.closed is None:
            event = await self.from_app.get()
            if event["type"] == "websocket.close":
                self.closed = int(str(event.get("code", 1000))), str(event.get("reason") or "")
                return None
            if event["type"] == "websocket.send":
                data = event.get("bytes")
                if isinstance(data, bytes):
                    return data
                told = json.loads(str(event["text"]))
                assert isinstance(told, dict)
                return told
        return None

    async def receive_until(self, kind: str) -> dict[str, object]:
        """Wait for the message of that type; skips others, and audio.

        Raises:
            AssertionError: it is closed before.
        """
        while (message := await self.receive()) is not None:
            if isinstance(message, dict) and message["type"] == kind:
                return message
        raise AssertionError(f"closed by {self.closed} before a message of type {kind!r}")

    async def receive_all(self) -> list[bytes | dict[str, object]]:
        """Wait until it is closed; return what came."""
        found: list[bytes | dict[str, object]] = []
        while (message := await self.receive()) is not None:
            found.append(message)
        return found

    async def to_socket(self, event: MutableMapping[str, object]) -> None:
        """Take what the application sends; waits while the test does not read."""
        await self.reads.wait()
        self.from_app.put_nowait(event)


@asynccontextmanager
async def connect(
    app: ASGI,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    client: tuple[str, int] = HERE,
    server: tuple[str, int] = SERVER,
    root_path: str = "",
) -> AsyncGenerator[Socket, None]:
    """Open a WebSocket to `app`; at the end of the context the client's end is gone.

    Raises:
        RefusedSocketError: it is not accepted.
    """
    socket = Socket()
    socket.to_app.put_nowait({"type": "websocket.connect"})
    scope = _scope("websocket", path, headers, client, server, root_path)
    task = asyncio.create_task(_serve(app, scope, socket), name="application")
    try:
        event = await socket.from_app.get()
        if event["type"] != "websocket.accept":
            raise RefusedSocketError(int(str(event.get("code", 0))), str(event.get("reason") or ""))
        yield socket
    finally:
        socket.reads.set()
        socket.to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await task


async def _serve(app: ASGI, scope: MutableMapping[str, object], socket: Socket) -> None:
    await app(scope, socket.to_app.get, socket.to_socket)
    socket.from_app.put_nowait({"type": "websocket.close", "code": 1006})


def _scope(
    kind: str,
    path: str,
    headers: Mapping[str, str] | None,
    client: tuple[str, int],
    server: tuple[str, int],
    root_path: str,
    **more: object,
) -> MutableMapping[str, object]:
    shown = {"host": f"{server[0]}:{server[1]}"} | dict(headers or {})
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": root_path + path,
        "raw_path": (root_path + path).encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in shown.items()],
        "client": client,
        "server": server,
        "subprotocols": [],
        **more,
    }
