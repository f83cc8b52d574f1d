"""One caller's peer connection."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Mapping

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame as AVFrame

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Connection, Joined, Limits
from beluga_voice.errors import RefusedError
from beluga_voice_server.messages import read_json
from beluga_voice_webrtc.opus import Encoder, Hearing
from beluga_voice_webrtc.seams import Closing, gather_on, packets_received, reorder, transports_of
from beluga_voice_webrtc.settings import WebRTCSettings
from beluga_voice_webrtc.track import VoiceTrack

EARLY = 100
"""Messages that wait for the data channel to open."""

CLOSING = 2.0
"""Seconds that a peer connection may take to close."""

LOOK = 0.5
"""Seconds between two looks at whether packets come."""

FAULTS = 10
"""Messages that were refused after which the connection is closed."""


class Peer(Connection):
    """A peer connection, from the offer to its end.

    Attributes:
        id: names it, for candidates that follow; not to be guessed.
    """

    def __init__(self, settings: WebRTCSettings, servers: list[RTCIceServer], limits: Limits) -> None:
        self.id = secrets.token_urlsafe(16)
        self._settings = settings
        self._limits = limits
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._closing = Closing(self._peer)
        self._voice = VoiceTrack(Encoder(settings.bitrate, settings.complexity))
        self._hearing = Hearing()
        self._joined: Joined | None = None
        self._channel: RTCDataChannel | None = None
        self._early: deque[str] = deque(maxlen=EARLY)
        self._track: MediaStreamTrack | None = None
        self._faults = 0
        self._connected = asyncio.Event()
        self._ending = asyncio.Event()
        self._closed = asyncio.Event()
        self._why: Exception | None = None
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_channel)
        self._peer.on("connectionstatechange", self._on_state)

    # -- its life --

    async def answer(self, sdp: str) -> str:
        """Take an offer and return the answer, with all candidates of this server.

        Raises:
            Exception: the offer is wrong, in whatever way aiortc tells.
        """
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        for transceiver in self._peer.getTransceivers():
            codecs = RTCRtpSender.getCapabilities("audio").codecs
            transceiver.setCodecPreferences([each for each in codecs if each.mimeType == "audio/opus"])
            reorder(transceiver.receiver, self._settings.reorder)
        for transport in transports_of(self._peer):
            gather_on(transport, self._settings.addresses, self._settings.port_range)
        self._peer.addTrack(self._voice)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return self._peer.localDescription.sdp

    async def add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        """Take a candidate of the caller's; None if no more will come."""
        await self._peer.addIceCandidate(candidate)

    async def run(self, joined: Joined) -> None:
        """Connect, and carry the call until it or the connection ends."""
        self._joined = joined
        try:
            if await self._connect():
                joined.begin()
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._watch(), name="beluga-voice webrtc watch")]
                    if self._track is not None:
                        name = "beluga-voice webrtc hearing"
                        tasks.append(group.create_task(self._hear(self._track), name=name))
                    await self._ending.wait()
                    for task in tasks:
                        task.cancel()
        finally:
            joined.leave(self._why)
            await self.discard()

    async def discard(self) -> None:
        """Close the peer connection, whatever its state."""
        self._ending.set()
        self._voice.stop()
        try:
            await self._closing.close(CLOSING)
        finally:
            self._closed.set()

    async def aclose(self, code: str = "", reason: str = "") -> None:
        """End it, telling why."""
        if not self._ending.is_set():
            self.tell({"type": "bye", "code": code, "reason": reason})
            await self._flushed()
            self._ending.set()
        await self._closed.wait()

    async def _flushed(self) -> None:
        """Give the last message a moment to leave."""
        channel = self._channel
        for _ in range(10):
            if channel is None or channel.readyState != "open" or not channel.bufferedAmount:
                return
            await asyncio.sleep(0.02)

    async def _connect(self) -> bool:
        """Wait until the caller is there; returns whether they are."""
        waits = [asyncio.ensure_future(each.wait()) for each in (self._connected, self._ending)]
        try:
            await asyncio.wait(waits, timeout=self._limits.setup, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        if not self._connected.is_set():
            self._end(TimeoutError(f"no connection within {self._limits.setup:g} s"))
        return not self._ending.is_set()

    def _end(self, why: Exception | None = None) -> None:
        self._why = self._why or why
        self._ending.set()

    def _on_state(self) -> None:
        match self._peer.connectionState:
            case "connected":
                self._connected.set()
            case "failed" | "closed":
                self._end(ConnectionError("the peer connection was lost"))

    async def _watch(self) -> None:
        """Notice that nothing comes any more: a browser that was killed says nothing."""
        loop = asyncio.get_running_loop()
        patience = self._settings.vanish if self._track is not None else self._limits.idle
        transport = self._peer.getTransceivers()[0].receiver.transport
        before, since = -1, loop.time()
        while True:
            now = packets_received(transport)
            if now != before:
                before, since = now, loop.time()
            elif loop.time() - since >= patience:
                self._end(TimeoutError(f"nothing came for {patience:g} s"))
            await asyncio.sleep(LOOK)

    # -- audio --

    def send_nowait(self, frame: AudioFrame) -> None:
        """Encode a frame, and send it."""
        self._voice.put(frame)

    def flush(self) -> None:
        """Drop what has not left, and have the page fade out what it has."""
        self._voice.drop()
        self.tell({"type": "clear"})

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._track is None:
            self._track = track

    async def _hear(self, track: MediaStreamTrack) -> None:
        assert self._joined is not None
        while True:
            try:
                decoded = await track.recv()
            except MediaStreamError:
                self._end()
                return
            assert isinstance(decoded, AVFrame)
            frame = self._hearing.hear(decoded)
            if len(frame.samples):
                self._joined.hear(frame)

    # -- messages --

    def tell(self, message: Mapping[str, object]) -> None:
        """Send a message over the data channel, when there is one."""
        text = json.dumps(message, separators=(",", ":"))
        channel = self._channel
        if channel is None:
            self._early.append(text)
        elif channel.readyState == "open":
            if channel.bufferedAmount > self._limits.backlog:
                self._end(ConnectionError(f"more than {self._limits.backlog} bytes wait to be read"))
            else:
                channel.send(text)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._on_message)
        channel.send(json.dumps(dict(self._welcome())))
        while self._early:
            channel.send(self._early.popleft())

    def _welcome(self) -> Mapping[str, object]:
        return {} if self._joined is None else self._joined.welcome()

    def _on_message(self, message: str | bytes) -> None:
        if self._joined is None or self._ending.is_set():
            return
        try:
            if isinstance(message, bytes):
                raise RefusedError(
                    400, "bad_message", "a binary message; messages are JSON, audio has its track"
                )
            self._joined.receive(read_json(message, self._limits.message))
        except RefusedError as error:
            self._faults += 1
            self.tell({"type": "error", "code": error.code, "message": str(error)})
            if self._faults >= FAULTS or error.status == 413:
                self._end(error)
