"""A simulated Twilio for tests: calls a server within the process, plays what it is sent, and signs as Twilio does.

Written from Twilio's documentation. Works in virtual time; audio is played by the running loop's clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from html import unescape
from typing import Generic, TypeVar
from urllib.parse import urlencode, urlsplit

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import mulaw_decode, mulaw_encode
from beluga_voice.contracts import ASGI
from beluga_voice_server.testing import HERE, SERVER, Socket, connect, fetch
from beluga_voice_twilio.protocol import ENCODING, SAMPLE_RATE
from beluga_voice_twilio.signature import signature_of

FRAME = SAMPLE_RATE // 50
"""Samples of a media message: 20 ms."""


T = TypeVar("T")


class _Network(Generic[T]):
    """Carries messages in order, each `delay` seconds long."""

    def __init__(self, delay: float, arrive: Callable[[T], None]) -> None:
        self._delay = delay
        self._arrive = arrive
        self._under_way: deque[T] = deque()

    def carry(self, message: T) -> None:
        if not self._delay:
            self._arrive(message)
            return
        self._under_way.append(message)
        loop = asyncio.get_running_loop()
        loop.call_later(self._delay, lambda: self._arrive(self._under_way.popleft()))


class SimulatedCall:
    """A telephone call, as Twilio sees it. Made by `dial`.

    Args:
        socket: the media stream.
        delay: seconds that the network takes, each way.

    Attributes:
        call_sid: names the call.
        stream_sid: names its media stream.
        twiml: what the server has told to do with the call.
        media_at: seconds, on the loop's clock, when each piece of audio came.
        clears: seconds, likewise, when what was not yet played had to be dropped.
        closed: code and reason once the server has ended the stream.
    """

    def __init__(self, socket: Socket, twiml: str = "", delay: float = 0.0) -> None:
        self.call_sid = f"CA{secrets.token_hex(16)}"
        self.stream_sid = f"MZ{secrets.token_hex(16)}"
        self.twiml = twiml
        self.media_at: list[float] = []
        self.clears: list[float] = []
        self.closed: tuple[int, str] | None = None
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._up = _Network[str](delay, socket.send)
        self._down = _Network[Mapping[str, object]](delay, self._take)
        self._sequence = 0
        self._chunk = 0
        self._timestamp = 0
        self._playing: deque[tuple[float, NDArray[np.int16]]] = deque()
        self._played: list[NDArray[np.int16]] = []
        self._plays_until = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}

    # -- what the caller does --

    async def speak(self, samples: NDArray[np.int16]) -> None:
        """Speak in real time: int16 at 8 kHz; what is no whole frame at the end is followed by silence."""
        for start in range(0, len(samples), FRAME):
            part = np.zeros(FRAME, np.int16)
            rest = samples[start : start + FRAME]
            part[: len(rest)] = rest
            self.send_media(mulaw_encode(part))
            await asyncio.sleep(FRAME / SAMPLE_RATE)

    async def wait(self, seconds: float) -> None:
        """Say nothing: the line is silent, and frames go on."""
        await self.speak(np.zeros(round(seconds * SAMPLE_RATE), np.int16))

    def press(self, key: str) -> None:
        """Press a key."""
        self.send("dtmf", dtmf={"track": "inbound_track", "digit": key})

    def hang_up(self) -> None:
        """Hang up."""
        self.send("stop", stop={"callSid": self.call_sid})

    @property
    def heard(self) -> NDArray[np.int16]:
        """What the caller has heard of the agent so far: int16 at 8 kHz, pauses left out."""
        self._advance()
        return np.concatenate([*self._played, np.zeros(0, np.int16)])

    # -- what Twilio does --

    def send_media(self, data: bytes) -> None:
        """Send a piece of the caller's audio, mu-law."""
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._timestamp),
            "payload": b64encode(data).decode("ascii"),
        }
        self._timestamp += len(data) * 1000 // SAMPLE_RATE
        self.send("media", media=media)

    def send(self, event: str, **more: object) -> None:
        """Send a message of any kind."""
        self._sequence += 1
        message = {
            "event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid, **more,
        }  # fmt: skip
        self._up.carry(json.dumps(message))

    def start(self, parameters: Mapping[str, str], account_sid: str = "AC" + "0" * 32) -> None:
        """Open the stream."""
        self._up.carry(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        start = {
            "streamSid": self.stream_sid,
            "accountSid": account_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": ENCODING, "sampleRate": SAMPLE_RATE, "channels": 1},
            "customParameters": dict(parameters),
        }
        self.send("start", start=start)

    async def listen(self) -> None:
        """Take what the server sends until it closes the stream."""
        while (message := await self._socket.receive()) is not None:
            assert isinstance(message, dict), "Twilio takes no binary messages"
            self._down.carry(message)
        self.closed = self._socket.closed

    def _take(self, message: Mapping[str, object]) -> None:
        assert message["streamSid"] == self.stream_sid
        now = self._loop.time()
        match message:
            case {"event": "media", "media": {"payload": str(payload)}}:
                samples = mulaw_decode(b64decode(payload, validate=True))
                self.media_at.append(now)
                self._plays_until = max(now, self._plays_until)
                self._playing.append((self._plays_until, samples))
                self._plays_until += len(samples) / SAMPLE_RATE
            case {"event": "mark", "mark": {"name": str(name)}}:
                self._marks[name] = self._loop.call_at(max(now, self._plays_until), self._reach, name)
            case {"event": "clear"}:
                self._clear(now)
            case _:
                raise AssertionError(f"Twilio knows no message {message}")

    def _clear(self, now: float) -> None:
        self.clears.append(now)
        self._advance()
        self._playing.clear()
        self._plays_until = now
        for name, timer in list(self._marks.items()):
            timer.cancel()
            self._reach(name)

    def _reach(self, name: str) -> None:
        self._marks.pop(name, None)
        self.send("mark", mark={"name": name})

    def _advance(self) -> None:
        """Play up to now."""
        now = self._loop.time()
        while self._playing:
            at, samples = self._playing[0]
            count = min(len(samples), max(0, round((now - at) * SAMPLE_RATE)))
            if count:
                self._played.append(samples[:count])
            if count < len(samples):
                self._playing[0] = (at + count / SAMPLE_RATE, samples[count:])
                return
            self._playing.popleft()


@asynccontextmanager
async def dial(
    app: ASGI,
    *,
    caller: str = "+15550101",
    called: str = "+15550100",
    auth_token: str = "",
    url: str | None = None,
    account_sid: str = "AC" + "0" * 32,
    delay: float = 0.0,
    client: tuple[str, int] = HERE,
    root_path: str = "",
) -> AsyncGenerator[SimulatedCall, None]:
    """Call a server: ask it for TwiML, and open the media stream that this names.

    Args:
        app: the server.
        caller: the number that calls.
        called: the number that is called.
        auth_token: signs both requests; they are not signed if it is empty.
        url: of ``/twilio``, as Twilio was told it; that of the request if None.
        account_sid: whose call it is.
        delay: seconds that the network takes, each way.
        client: address and port that Twilio's requests come from.
        root_path: where the application is mounted.

    Raises:
        AssertionError: the server gives no TwiML with a stream.
        RefusedSocketError: the server refuses the stream.
    """
    address = url or f"http://{SERVER[0]}:{SERVER[1]}{root_path}/twilio"
    form = {"CallSid": "", "AccountSid": account_sid, "From": caller, "To": called, "CallStatus": "ringing"}
    asked = await fetch(
        app,
        "POST",
        "/twilio",
        body=urlencode(form).encode(),
        headers=_headers(auth_token, address, form) | {"content-type": "application/x-www-form-urlencoded"},
        client=client,
        root_path=root_path,
    )
    assert asked.status == 200, asked
    twiml = asked.body.decode()
    stream, parameters = read_twiml(twiml)
    path = urlsplit(stream).path.removeprefix(root_path)
    handshake = _headers(auth_token, stream, {})
    async with connect(app, path, headers=handshake, client=client, root_path=root_path) as socket:
        call = SimulatedCall(socket, twiml, delay)
        call.start(parameters, account_sid)
        listening = asyncio.create_task(call.listen(), name="simulated Twilio listens")
        try:
            yield call
        finally:
            listening.cancel()
            await asyncio.wait([listening])
    if not listening.cancelled() and (error := listening.exception()) is not None:
        raise error


def read_twiml(twiml: str) -> tuple[str, dict[str, str]]:
    """Return the stream that TwiML connects a call to, and its parameters.

    Raises:
        AssertionError: it connects to none.
    """
    found = re.search(r'<Connect><Stream url="([^"]*)">(.*)</Stream></Connect>', twiml)
    assert found is not None, twiml
    pairs = re.findall(r'<Parameter name="([^"]*)" value="([^"]*)"/>', found[2])
    return unescape(found[1]), {unescape(name): unescape(value) for name, value in pairs}


def _headers(auth_token: str, url: str, form: Mapping[str, str]) -> dict[str, str]:
    if not auth_token:
        return {}
    return {"x-twilio-signature": signature_of(auth_token, url, form.items())}
