"""``/ws``: the server side of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping

from starlette.websockets import WebSocket, WebSocketDisconnect

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import ASGI, Calls, Joined, Routes
from beluga_voice.contracts.server import INPUT_SAMPLE_RATE
from beluga_voice.errors import RefusedError
from beluga_voice_server.messages import read_json
from beluga_voice_websocket.connection import WebSocketConnection
from beluga_voice_websocket.protocol import (
    SUBPROTOCOL,
    Hello,
    check_audio,
    close_code,
    read_hello,
    read_played,
)

AHEAD = 2.0
"""Seconds of audio that a caller may send faster than it is spoken; then it is read no faster than that."""

FAULTS = 10
"""Messages that were refused after which the connection is closed."""

NORMAL = 1000


class WebSocketRoutes(Routes):
    """Adds ``/ws``."""

    def apps(self, calls: Callable[[Mapping[str, object]], Calls]) -> Mapping[str, ASGI]:
        """Return the application of ``/ws``."""

        async def serve(
            scope: MutableMapping[str, object],
            receive: Callable[[], Awaitable[MutableMapping[str, object]]],
            send: Callable[[MutableMapping[str, object]], Awaitable[None]],
        ) -> None:
            if scope["type"] != "websocket":
                raise RefusedError(426, "not_a_websocket", "this path speaks WebSocket", retry_after=None)
            await _Serving(WebSocket(scope, receive, send), calls(scope)).run()

        return {"/ws": serve}

    async def describe(self, session_id: str) -> Mapping[str, object]:  # noqa: ARG002 - the same for each
        """Return where the WebSocket is."""
        return {"path": "ws", "subprotocol": SUBPROTOCOL}


class _Serving:
    """One connection, from its handshake to its end."""

    def __init__(self, socket: WebSocket, calls: Calls) -> None:
        self._socket = socket
        self._calls = calls
        self._faults = 0

    async def run(self) -> None:
        """Serve it."""
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            async with asyncio.timeout(self._calls.limits.setup):
                hello = read_hello(await self._read_control())
                connection = WebSocketConnection(hello.output_rate, self._calls.limits.backlog)
                joined = await self._calls.join(connection, token=hello.token, profile=hello.profile)
        except TimeoutError:
            await self._close(close_code(408), "setup_timeout")
        except RefusedError as error:
            await self._refuse(error)
        except WebSocketDisconnect:
            return
        else:
            await self._talk(hello, connection, joined)

    async def _talk(self, hello: Hello, connection: WebSocketConnection, joined: Joined) -> None:
        connection.tell(joined.welcome())
        joined.begin()
        reading = asyncio.create_task(
            self._read(hello, connection, joined), name="beluga-voice websocket reads"
        )
        writing = asyncio.create_task(self._write(connection), name="beluga-voice websocket writes")
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            writing.cancel()
            results = await asyncio.gather(reading, writing, return_exceptions=True)
            connection.closed()
            faults = [each for each in results if isinstance(each, (RefusedError, OSError))]
            joined.leave(faults[0] if faults else None)
        for fault in (each for each in results if isinstance(each, Exception)):
            if isinstance(fault, RefusedError):
                await self._refuse(fault)
            elif not isinstance(fault, (WebSocketDisconnect, OSError)):
                raise fault
        if connection.slow:
            await self._close(close_code(429), "slow_reader")
        elif connection.ended is not None:
            await self._close(NORMAL, connection.ended[0])

    # -- from the caller --

    async def _read(self, hello: Hello, connection: WebSocketConnection, joined: Joined) -> None:
        limits = self._calls.limits
        resampler = None
        if hello.input_rate != INPUT_SAMPLE_RATE:
            resampler = Resampler(hello.input_rate, INPUT_SAMPLE_RATE)
        budget = _Budget(hello.input_rate)
        while True:
            message = await self._receive()
            try:
                if isinstance(message, bytes):
                    check_audio(message, limits.frame)
                    await budget.spend(len(message) // 2)
                    frame = AudioFrame.from_bytes(message, hello.input_rate)
                    if resampler is not None:
                        frame = AudioFrame(resampler.process(frame.samples), INPUT_SAMPLE_RATE)
                    if len(frame.samples):
                        joined.hear(frame)
                else:
                    control = read_json(message, limits.message)
                    played = read_played(control, connection.sent)
                    if played is None:
                        joined.receive(control)
                    else:
                        connection.played(played)
            except RefusedError as error:
                self._faults += 1
                if self._faults >= FAULTS or error.status == 413:
                    raise
                connection.tell({"type": "error", "code": error.code, "message": str(error)})

    async def _read_control(self) -> object:
        message = await self._receive()
        if isinstance(message, bytes):
            raise RefusedError(400, "bad_message", "the first message is no hello")
        return read_json(message, self._calls.limits.message)

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", NORMAL), message.get("reason"))
        text, data = message.get("text"), message.get("bytes")
        return str(text) if text is not None else bytes(data or b"")

    # -- to the caller --

    async def _write(self, connection: WebSocketConnection) -> None:
        while (message := await connection.next()) is not None:
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_text(message)

    async def _refuse(self, error: RefusedError) -> None:
        try:
            async with asyncio.timeout(1):
                message: dict[str, object] = {"type": "error", "code": error.code, "message": str(error)}
                if error.retry_after is not None:
                    message["retry_after"] = error.retry_after
                await self._socket.send_json(message)
        except (RuntimeError, OSError, TimeoutError, WebSocketDisconnect):
            return
        await self._close(close_code(error.status), error.code)

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(1):
                await self._socket.close(code, reason)
        except (RuntimeError, OSError, TimeoutError):  # the caller was first
            return


class _Budget:
    """Slows the reading of a caller who sends audio faster than it is spoken: the socket fills, and they wait."""

    def __init__(self, rate: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._rate = rate
        self._spoken_until = self._loop.time()

    async def spend(self, samples: int) -> None:
        """Take `samples`; wait while they are too early."""
        now = self._loop.time()
        self._spoken_until = max(self._spoken_until, now) + samples / self._rate
        early = self._spoken_until - now - AHEAD
        if early > 0:
            await asyncio.sleep(early)
