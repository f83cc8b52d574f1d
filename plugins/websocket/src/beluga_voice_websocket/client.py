"""A caller in Python: the client side of docs/reference/websocket-protocol.md."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.server import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice_websocket.protocol import SUBPROTOCOL, VERSION

LONGEST = 1 << 20
"""Bytes of a message that the client takes."""


class VoiceClient:
    """A call over WebSocket. Made by `call`.

        async with call("ws://127.0.0.1:8080/ws") as client:
            await client.send(frame)
            async for heard in client:          # audio as `AudioFrame`, everything else as a mapping
                ...

    Attributes:
        welcome: what the server said first: the session's name, what was said before.
        token: resumes the session, once: `call(url, token=client.token)`.
        ended: why the server closed the call, as a code and a reason; None while it has not.
    """

    def __init__(
        self, socket: ClientConnection, welcome: Mapping[str, object], rates: tuple[int, int]
    ) -> None:
        self.welcome = welcome
        self.token = str(welcome["resume"])
        self.ended: tuple[int, str] | None = None
        self._socket = socket
        self._input_rate, self._output_rate = rates
        self._received = 0

    @property
    def session_id(self) -> str:
        """The session's name."""
        return str(self.welcome["session_id"])

    @property
    def resumed(self) -> bool:
        """Whether the session went on, rather than began."""
        return bool(self.welcome["resumed"])

    async def send(self, frame: AudioFrame) -> None:
        """Speak; waits while the server is slow.

        Args:
            frame: at the `input_rate` of the call, at most 1 s.

        Raises:
            ClosedError: the call has ended.
        """
        await self._send(frame.tobytes())

    async def send_text(self, text: str) -> None:
        """Say `text` by writing it.

        Raises:
            ClosedError: the call has ended.
        """
        await self._tell({"type": "text", "text": text})

    async def press(self, keys: str) -> None:
        """Press keys of the telephone.

        Raises:
            ClosedError: the call has ended.
        """
        await self._tell({"type": "dtmf", "keys": keys})

    async def played(self, samples: int) -> None:
        """Tell that the first `samples` of all audio that came have been played, or were dropped on ``clear``.

        A client that plays from a buffer tells this a few times a second: what it has not played when the caller
        barges in is then not taken for heard.

        Raises:
            ClosedError: the call has ended.
        """
        await self._tell({"type": "played", "samples": samples})

    async def hang_up(self) -> None:
        """End the session. Leaving the context without it keeps the session for a while, to be resumed."""
        await self._tell({"type": "bye"})

    async def __aiter__(self) -> AsyncGenerator[AudioFrame | Mapping[str, object], None]:
        """Yield what comes until the call ends."""
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    yield AudioFrame.from_bytes(message, self._output_rate, self._received)
                    self._received += len(message) // 2
                else:
                    told = json.loads(message)
                    if told["type"] == "clear":
                        self._received = told["sent"]
                    yield told
        except ConnectionClosed:
            pass
        self.ended = self._socket.close_code or 1006, self._socket.close_reason or ""

    async def _tell(self, message: Mapping[str, object]) -> None:
        await self._send(json.dumps(message))

    async def _send(self, message: str | bytes) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as error:
            raise ClosedError(f"the call has ended: {error}") from error


@asynccontextmanager
async def call(
    url: str,
    *,
    token: str = "",
    profile: str | None = None,
    input_rate: int = INPUT_SAMPLE_RATE,
    output_rate: int = OUTPUT_SAMPLE_RATE,
    origin: str | None = None,
) -> AsyncGenerator[VoiceClient, None]:
    """Call a server, or come back to a session.

    Args:
        url: of the server's WebSocket, as in ``ws://127.0.0.1:8080/ws``.
        token: from ``/start``, or a session's `VoiceClient.token`; empty where none is needed.
        profile: of the server's settings.
        input_rate: Hz of the audio that is sent: 8000, 16000, 24000 or 48000.
        output_rate: Hz of the audio that comes; likewise.
        origin: as a browser's page would tell it.

    Raises:
        ProviderError: the server cannot be reached, or refuses; the text is the server's.
    """
    try:
        socket = await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            max_size=LONGEST,
            compression=None,
            origin=None if origin is None else Origin(origin),
            proxy=None,
        )
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ProviderError(f"no call to {url}: {error}", retryable=True) from error
    async with socket:
        hello: dict[str, object] = {
            "type": "hello",
            "version": VERSION,
            "token": token,
            "profile": profile,
            "input": {"sample_rate": input_rate},
            "output": {"sample_rate": output_rate},
        }
        yield VoiceClient(socket, await _greet(socket, hello), (input_rate, output_rate))


async def _greet(socket: ClientConnection, hello: Mapping[str, object]) -> Mapping[str, object]:
    """Say hello, and return the welcome.

    Raises:
        ProviderError: the server refuses.
    """
    try:
        await socket.send(json.dumps(hello))
        answer: dict[str, object] = json.loads(await socket.recv(decode=True))
    except ConnectionClosed as error:
        raise ProviderError(f"the server closed the call: {error}") from error
    if answer.get("type") != "welcome":
        raise ProviderError(
            f"the server refuses the call: {answer.get('message')} ({answer.get('code')})",
            retryable="retry_after" in answer,
        )
    return answer
