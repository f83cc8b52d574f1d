"""What a WebRTC session costs the server, beside a plain aiortc answerer in the same run.

    python benchmarks/webrtc.py [--json] [--calls 4] [--seconds 6]

Both servers hear real-time Opus and speak all the time; ours also hears with Silero and runs a session. The plain
one does what each answerer has to: frames of 48 kHz stereo become 16 kHz mono, and 48 kHz speech is sent. Each
runs in a process of its own, and they take turns; the callers are this process. CPU is what the kernel counted
for the server's process, in percent of one core for each call.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame as AVFrame
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.routing import Route

from beluga_voice import VoiceContainer
from beluga_voice.audio import Resampler
from beluga_voice.settings import Settings
from beluga_voice.silent import DeafSTT
from beluga_voice.testing import ScriptedAgent, ScriptedTTS, sounds
from beluga_voice_server.running import listen, run_uvicorn
from beluga_voice_server.server import Server
from beluga_voice_webrtc.opus import TIME_BASE, Encoder, Packet, mono
from beluga_voice_webrtc.seams import gather_on

LOCAL = ["127.0.0.1"]
ROUNDS = 3


class Paced(MediaStreamTrack):
    """Gives the same second again and again, in real time."""

    kind = "audio"

    def __init__(self, parts: list[Packet] | list[AVFrame]) -> None:
        super().__init__()
        self._parts = parts
        self._count = 0
        self._began: float | None = None

    async def recv(self) -> Packet | AVFrame:
        """Wait until the next part is due."""
        clock = asyncio.get_running_loop()
        self._began = self._began or clock.time()
        await asyncio.sleep(self._began + self._count / 50 - clock.time())
        if self.readyState != "live":
            raise MediaStreamError
        part = self._parts[self._count % len(self._parts)]
        part.pts, part.time_base = self._count * 960, TIME_BASE
        self._count += 1
        return part


def speech() -> np.ndarray:
    """A second like speech, 24 kHz."""
    return sounds.speech_like(1.0, 24000)


def as_packets() -> list[Packet]:
    """The second as Opus."""
    encoder = Encoder(32000, 5)
    return [each for frame in sounds.frames(speech(), 24000) for each in encoder.encode(frame.samples, 0)]


def as_frames() -> list[AVFrame]:
    """The second at 48 kHz, to be encoded by aiortc."""
    frames = []
    for frame in sounds.frames(sounds.speech_like(1.0, 48000), 48000):
        made = AVFrame("s16", "mono", 960)
        made.planes[0].update(frame.samples.tobytes())
        made.sample_rate, made.time_base = 48000, Fraction(1, 48000)
        frames.append(made)
    return frames


# -- the servers --


async def serve_plain() -> None:
    """Answer as an application on aiortc alone does."""
    peers: list[RTCPeerConnection] = []
    tasks: list[asyncio.Task[None]] = []

    async def hear(track: MediaStreamTrack) -> None:
        resampler = Resampler(48000, 16000)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AVFrame)
            resampler.process(mono(frame))

    async def offer(asked: Asked) -> JSONResponse:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peers.append(peer)
        peer.on("track", lambda track: tasks.append(asyncio.create_task(hear(track))))
        await peer.setRemoteDescription(RTCSessionDescription((await asked.json())["sdp"], "offer"))
        gather_on(peer.getTransceivers()[0].receiver.transport, LOCAL, range(0))
        peer.addTrack(Paced(as_frames()))
        await peer.setLocalDescription(await peer.createAnswer())
        return JSONResponse({"sdp": peer.localDescription.sdp})

    app = Starlette(routes=[Route("/api/offer", offer, methods=["POST"])])
    with listen("127.0.0.1", 0) as bound:
        print(bound.getsockname()[1], flush=True)
        await uvicorn.Server(uvicorn.Config(app, log_config=None)).serve(sockets=[bound])


async def serve_ours() -> None:
    """Answer with a session."""
    server = {
        "max_lag": 10,
        "access_log": False,
        "webrtc": {"addresses": LOCAL},
        "max_sessions_per_client": 1000,
    }
    voice = VoiceContainer(Settings(vad="silero", server=server, session={"greeting": "word " * 600}))
    voice.stt.override(DeafSTT())
    voice.tts.override(ScriptedTTS(word_duration=0.2))
    app = voice.asgi(ScriptedAgent(otherwise=""))
    async with voice.lifespan():
        running = await voice.open_server()
        assert isinstance(running, Server)
        with listen("127.0.0.1", 0) as bound:
            print(bound.getsockname()[1], flush=True)
            await run_uvicorn(app, running, bound)


# -- the callers --


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[RTCPeerConnection]:
    """Call a server; what it says is thrown away."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(Paced(as_packets()))
    gather_on(peer.getTransceivers()[0].sender.transport, LOCAL, range(0))
    await peer.setLocalDescription(await peer.createOffer())
    body = json.dumps({"type": "offer", "sdp": peer.localDescription.sdp}).encode()
    request = Request(f"http://127.0.0.1:{port}/api/offer", body, {"Content-Type": "application/json"})
    answer = json.loads(await asyncio.to_thread(lambda: urlopen(request, timeout=30).read()))
    await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    drain = asyncio.create_task(throw_away(peer.getTransceivers()[0].receiver.track))
    try:
        yield peer
    finally:
        drain.cancel()
        await asyncio.gather(drain, return_exceptions=True)
        await peer.close()


async def throw_away(track: MediaStreamTrack) -> None:
    """Read a track."""
    while True:
        await track.recv()


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(kind: str, calls: int, seconds: float) -> float:
    """Return the CPU of one server, in percent of a core for each call."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", kind, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        contexts = [calling(port) for _ in range(calls)]
        for each in contexts:
            await each.__aenter__()
        await asyncio.sleep(2)
        before = cpu_of(process.pid)
        await asyncio.sleep(seconds)
        used = cpu_of(process.pid) - before
        for each in contexts:
            await each.__aexit__(None, None, None)
        return 100 * used / seconds / calls
    finally:
        process.kill()
        await process.wait()


async def compare(calls: int, seconds: float) -> dict[str, float]:
    """Measure both in turns."""
    found: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(ROUNDS if seconds > 1 else 1):
        for kind, figures in found.items():
            figures.append(await measure(kind, calls, seconds))
    plain, ours = statistics.median(found["plain"]), statistics.median(found["ours"])
    return {
        "calls": calls,
        "plain_percent_per_call": round(plain, 2),
        "ours_percent_per_call": round(ours, 2),
        "ratio": round(ours / plain, 3) if plain else 0.0,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a WebRTC session costs the server.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--calls", type=int, default=4, help="calls at once (default: 4)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement (default: 6)")
    parser.add_argument("--serve", choices=("plain", "ours"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve_plain() if arguments.serve == "plain" else serve_ours())
        return
    figures = asyncio.run(compare(arguments.calls, arguments.seconds))
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value:8.2f}")


if __name__ == "__main__":
    main()
