"""One media stream, from its handshake to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import Joined, Limits
from beluga_voice.contracts.server import INPUT_SAMPLE_RATE
from beluga_voice.errors import RefusedError
from beluga_voice_server.messages import bad, read_json
from beluga_voice_twilio import protocol
from beluga_voice_twilio.connection import TwilioConnection
from beluga_voice_twilio.protocol import SAMPLE_RATE, PhoneCall

AHEAD = 2.0
"""Seconds of audio that may come faster than it is spoken; then it is read no faster than that."""

FAULTS = 10
"""Messages that make no sense after which the stream is closed."""

NORMAL = 1000


class Stream:
    """Serves a media stream: reads it, writes to it, and ends the session with it.

    Args:
        socket: not yet accepted.
        limits: of the server.
        join: begins the session of a stream that has started.
        over: called when the session, not the caller, has ended the call.

    Attributes:
        call: who calls whom; of a stream that has started.
        connection: its wire, as the session sees it; likewise.
    """

    call: PhoneCall
    connection: TwilioConnection

    def __init__(
        self,
        socket: WebSocket,
        limits: Limits,
        join: Callable[[Stream], Awaitable[Joined]],
        over: Callable[[Stream], Awaitable[None]],
    ) -> None:
        self._socket = socket
        self._limits = limits
        self._join = join
        self._over = over
        self._faults = 0
        self._resampler = Resampler(SAMPLE_RATE, INPUT_SAMPLE_RATE)
        self._spoken_until = 0.0

    async def run(self) -> None:
        """Serve it."""
        await self._socket.accept()
        try:
            async with asyncio.timeout(self._limits.setup):
                self.call = await self._read_start()
                self.connection = TwilioConnection(self.call.stream_sid, self._limits.backlog)
                joined = await self._join(self)
        except TimeoutError:
            await self._close(4408, "setup_timeout")
        except RefusedError as error:
            await self._close(4000 + error.status, error.code)
        except WebSocketDisconnect:
            return
        else:
            await self._talk(joined)

    async def _talk(self, joined: Joined) -> None:
        connection = self.connection
        joined.begin()
        reading = asyncio.create_task(self._read(joined), name="beluga-voice twilio reads")
        writing = asyncio.create_task(self._write(), name="beluga-voice twilio writes")
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            writing.cancel()
            results = await asyncio.gather(reading, writing, return_exceptions=True)
            connection.closed()
            _leave(joined, results)
        for fault in results:
            if isinstance(fault, RefusedError):
                await self._close(4000 + fault.status, fault.code)
            elif isinstance(fault, Exception) and not isinstance(fault, (WebSocketDisconnect, OSError)):
                raise fault
        if connection.slow:
            await self._close(4429, "slow_reader")
        elif connection.ended is not None:
            await self._close(NORMAL, connection.ended[0])
            await self._over(self)

    # -- from Twilio --

    async def _read_start(self) -> PhoneCall:
        while True:
            match await self._receive():
                case protocol.Start(call):
                    return call
                case protocol.Connected() | protocol.Other():
                    pass
                case message:
                    raise bad(f"{type(message).__name__.lower()} before the stream's start")

    async def _read(self, joined: Joined) -> None:
        """Read until the call is over."""
        self._spoken_until = asyncio.get_running_loop().time()
        while True:
            try:
                message = await self._receive()
                if isinstance(message, protocol.Stop):
                    return
                await self._take(message, joined)
            except RefusedError as error:
                self._faults += 1
                if self._faults >= FAULTS or error.status == 413:
                    raise

    async def _take(self, message: protocol.Message, joined: Joined) -> None:
        match message:
            case protocol.Media(samples):
                await self._keep_pace(len(samples))
                frame = AudioFrame(self._resampler.process(samples), INPUT_SAMPLE_RATE)
                if len(frame.samples):
                    joined.hear(frame)
            case protocol.Dtmf(key):
                joined.receive({"type": "dtmf", "keys": key})
            case protocol.Mark(name):
                if name.isdecimal() and name.isascii():
                    self.connection.played(int(name))
            case protocol.Start():
                raise bad("a second start of the stream")

    async def _keep_pace(self, samples: int) -> None:
        """Wait while audio comes faster than it can have been spoken: the socket fills, and its sender waits."""
        now = asyncio.get_running_loop().time()
        self._spoken_until = max(self._spoken_until, now) + samples / SAMPLE_RATE
        early = self._spoken_until - now - AHEAD
        if early > 0:
            await asyncio.sleep(early)

    async def _receive(self) -> protocol.Message:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", NORMAL), message.get("reason"))
        text = message.get("text")
        if not isinstance(text, str):
            raise bad("a binary message; all messages of a media stream are texts")
        return protocol.read(read_json(text, self._limits.message))

    # -- to Twilio --

    async def _write(self) -> None:
        while (message := await self.connection.next()) is not None:
            await self._socket.send_text(message)

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, OSError, TimeoutError):  # Twilio was first
            async with asyncio.timeout(1):
                await self._socket.close(code, reason)


def _leave(joined: Joined, results: Iterable[BaseException | None]) -> None:
    """End the session: a stream that is gone does not come back."""
    faults = [each for each in results if isinstance(each, (RefusedError, OSError))]
    with suppress(RefusedError):
        joined.receive({"type": "bye"})
    joined.leave(faults[0] if faults else None)
