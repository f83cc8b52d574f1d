"""A server with WebRTC on loopback, and aiortc as its caller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame as AVFrame

from beluga_voice.contracts import ASGI
from beluga_voice.testing import ScriptedAgent, sounds
from beluga_voice_server.testing import fetch, scripted_voice
from beluga_voice_webrtc.opus import mono
from beluga_voice_webrtc.seams import gather_on

LOCAL = ("127.0.0.1",)


class Speaker(MediaStreamTrack):
    """Speaks at 48 kHz, in real time: silence, and what it is given."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.samples = np.zeros(0, np.int16)
        self._sent = 0
        self._began: float | None = None

    def speak(self, duration: float) -> None:
        self.samples = np.concatenate([self.samples, sounds.speech_like(duration, 48000)])

    async def recv(self) -> AVFrame:
        if self.readyState != "live":
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(self._began + self._sent / 48000 - now)
        part, self.samples = self.samples[:960], self.samples[960:]
        frame = AVFrame("s16", "mono", 960)
        frame.planes[0].update(np.pad(part, (0, 960 - len(part))).astype(np.int16).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48000, self._sent, Fraction(1, 48000)
        self._sent += 960
        return frame


class Caller:
    """A peer connection with a data channel."""

    def __init__(self, app: ASGI) -> None:
        self.app = app
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.speaker = Speaker()
        self.peer.addTrack(self.speaker)
        self.channel = self.peer.createDataChannel("beluga-voice")
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.channel.on("message", lambda text: self.messages.put_nowait(json.loads(text)))
        self.heard: list[np.ndarray] = []
        self.heard_at: list[float] = []
        self.answer: dict[str, Any] = {}
        self._listening: asyncio.Task[None] | None = None

    async def offer(self) -> str:
        gather_on(self.peer.getTransceivers()[0].sender.transport, LOCAL, range(0))
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def call(self, **more: Any) -> None:
        """Offer, and take the answer; without candidates of its own if `trickle`."""
        trickle = more.pop("trickle", False)
        sdp = await self.offer()
        candidates = [line[2:] for line in sdp.splitlines() if line.startswith("a=candidate")]
        if trickle:
            kept = [each for each in sdp.splitlines() if "candidate" not in each]
            sdp = "\r\n".join(kept) + "\r\n"
        fetched = await fetch(self.app, "POST", "/api/offer", body={"type": "offer", "sdp": sdp} | more)
        assert fetched.status == 201, fetched.body
        self.answer = dict(fetched.json)
        await self.peer.setRemoteDescription(RTCSessionDescription(self.answer["sdp"], "answer"))
        self._listening = asyncio.create_task(self._listen())
        if trickle:
            listed = [{"candidate": each, "sdpMid": "0", "sdpMLineIndex": 0} for each in candidates]
            body = {"connection": self.answer["connection"], "candidates": [*listed, None]}
            assert (await fetch(self.app, "PATCH", "/api/offer", body=body)).status == 204

    async def receive_until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(8):
            while True:
                message = await self.messages.get()
                if message["type"] == kind:
                    return message

    async def _listen(self) -> None:
        track = self.peer.getTransceivers()[0].receiver.track
        try:
            while True:
                self.heard.append(mono(await track.recv()))
                self.heard_at.append(asyncio.get_running_loop().time())
        except MediaStreamError:
            return

    async def aclose(self) -> None:
        await self.peer.close()
        self.speaker.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


@asynccontextmanager
async def _serving(
    *transcripts: str, agent: ScriptedAgent | None = None, **settings: Any
) -> AsyncIterator[ASGI]:
    webrtc = {"addresses": LOCAL} | settings.pop("webrtc", {})
    server = {"max_lag": 10, "access_log": False, "webrtc": webrtc} | settings.pop("server", {})
    voice = scripted_voice(*transcripts, server=server, **settings)
    app = voice.asgi(agent or ScriptedAgent())
    async with voice.lifespan():
        yield app


@asynccontextmanager
async def _calling(app: ASGI, **more: Any) -> AsyncIterator[Caller]:
    caller = Caller(app)
    try:
        await caller.call(**more)
        yield caller
    finally:
        await caller.aclose()


@pytest.fixture
def serving() -> Callable[..., AbstractAsyncContextManager[ASGI]]:
    """Serve what fakes hear and say."""
    return _serving


@pytest.fixture
def calling() -> Callable[..., AbstractAsyncContextManager[Caller]]:
    """Call by WebRTC."""
    return _calling
