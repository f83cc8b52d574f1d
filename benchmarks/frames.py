"""What a 20 ms frame of the caller's audio costs on its way through a session.

    python benchmarks/frames.py [--json] [--seconds 60]

Each figure is CPU time per frame and session, in microseconds, and a ratio to a floor of the same run: an empty
turn of the event loop for the session without VAD, the Silero model alone for the sessions with it. Frames are
pushed back to back; the caller's audio is faint noise, so that no turn opens and the model still runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STT, VAD, Listens, STTStream, Transcript
from beluga_voice.session import VoiceSession
from beluga_voice.silent import DeafSTT, MuteTTS

FRAME = 320
RATE = 16000
RUNS = 5


class Tap(STTStream):
    """Takes every frame and does nothing with it."""

    def __init__(self, inner: STTStream) -> None:
        self._inner = inner

    def send_nowait(self, frame: AudioFrame) -> bool:
        return True

    async def send(self, frame: AudioFrame) -> None:
        await self._inner.send(frame)

    async def finalize(self) -> None:
        await self._inner.finalize()

    async def receive(self) -> Transcript:
        return await self._inner.receive()

    async def aclose(self) -> None:
        await self._inner.aclose()


class TapSTT(STT):
    """A recognizer that costs nothing."""

    listens = Listens.ALL

    async def open_stream(self) -> STTStream:
        return Tap(await DeafSTT().open_stream())


def audio(frames: int) -> list[bytes]:
    noise = np.random.default_rng(0).normal(0, 20, (frames, FRAME)).astype("<i2")
    return [row.tobytes() for row in noise]


async def measure(push: Callable[[bytes], object], frames: list[bytes], sessions: int) -> float:
    """CPU microseconds per frame and session, one turn of the loop a frame."""
    begin = time.process_time()
    for frame in frames:
        push(frame)
        await asyncio.sleep(0)
    return (time.process_time() - begin) / len(frames) / sessions * 1e6


async def through(sessions: int, vad: VAD | None, frames: list[bytes]) -> float:
    """The cost through so many sessions."""
    stt, tts = TapSTT(), MuteTTS()
    running = [VoiceSession(stt=stt, tts=tts, vad=vad) for _ in range(sessions)]
    for session in running:
        await session.start()

    def push(data: bytes) -> None:
        for session in running:
            session.process_audio(data)

    try:
        await measure(push, frames[:50], sessions)
        return await measure(push, frames, sessions)
    finally:
        for session in running:
            await session.stop()


async def model_alone(vad: VAD, frames: list[bytes]) -> float:
    """The cost of the detector alone, fed by one stream."""
    stream = vad.open_stream(lambda _start, _end, _probability: None)
    try:
        return await measure(lambda data: stream.feed(AudioFrame.from_bytes(data, RATE)), frames, 1)
    finally:
        stream.close()


async def median(run: Callable[[], Awaitable[float]]) -> float:
    return statistics.median([await run() for _ in range(RUNS)])


async def figures(seconds: float) -> dict[str, float]:
    from beluga_voice_silero.vad import SileroVAD

    frames = audio(max(10, round(seconds / 0.02)))
    few = frames[: max(10, len(frames) // 16)]
    async with SileroVAD() as vad:
        return {
            "empty_loop": await median(lambda: measure(lambda _: None, frames, 1)),
            "no_vad_1": await median(lambda: through(1, None, frames)),
            "no_vad_64": await median(lambda: through(64, None, few)),
            "silero_alone": await median(lambda: model_alone(vad, frames)),
            "silero_1": await median(lambda: through(1, vad, frames)),
            "silero_64": await median(lambda: through(64, vad, few)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU per 20 ms frame and session.")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--seconds", type=float, default=30.0, help="audio per run (default 30)")
    options = parser.parse_args()
    cost = asyncio.run(figures(options.seconds))
    ratios = {
        "no_vad_1 / empty_loop": cost["no_vad_1"] / cost["empty_loop"],
        "silero_1 / silero_alone": cost["silero_1"] / cost["silero_alone"],
        "silero_64 / silero_alone": cost["silero_64"] / cost["silero_alone"],
    }
    if options.json:
        print(json.dumps({"microseconds": cost, "ratios": ratios}, indent=2))
        return
    for name, value in cost.items():
        print(f"{name:<14} {value:8.2f} us per frame and session")
    for name, value in ratios.items():
        print(f"{name:<26} {value:6.2f}")


if __name__ == "__main__":
    main()
