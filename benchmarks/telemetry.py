"""What telemetry costs a session that talks: CPU with everything on, as a ratio to the same without.

    python benchmarks/telemetry.py [--json] [--sessions 16] [--turns 5] [--runs 5]

So many sessions at a time hear a caller who speaks 0.8 s every 4 s, and answer each turn by a language model with a
tool and about two seconds of speech. The recognizer gives interims and the model a word at a time, as vendors do;
both, and the voice, are scripted and take no time. The VAD is Silero.
`on` is all of it: metrics, spans with content, both exported by OTLP over HTTP to a collector in another process as
often as on real time (every 15 s by default), a structured log, and prices.
What imports left is frozen before (`gc.freeze`), as a host should, so that no collection walks over it.
Calls of both kinds follow each other in one process, on virtual time. What is compared is the process's CPU time,
threads included. The session's own ledgers are part of both.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from beluga_voice.agent import Agent
from beluga_voice.clock import run_virtual
from beluga_voice.contracts import VAD, ScoreSink, Usage, VADStream
from beluga_voice.session import VoiceSession
from beluga_voice.telemetry import JsonFormatter, SessionLog, TelemetryConfig, open_telemetry
from beluga_voice.telemetry.opening import OpenTelemetry
from beluga_voice.testing import (
    LoopbackTransport,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedTTS,
    sounds,
    tool_call,
)
from beluga_voice.testing.fakes.llm import Answer, LLMRequest
from beluga_voice.usage import Prices

GOAL = 1.10

SPOKEN = round(0.8 * 16000)
CALLER = np.concatenate([sounds.speech_like(0.8), sounds.silence(3.2)])

COLLECTOR = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Discard(logging.Handler):
    """Formats each record and drops it: what a log costs before it is written."""

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


@contextmanager
def collector() -> Iterator[str]:
    """A collector in a process of its own; gives its URL."""
    process = subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class ScriptedSpeech(VAD):
    """Runs Silero, which takes a synthetic voice for none, and tells where the caller's script has speech."""

    def __init__(self, silero: VAD) -> None:
        self._silero = silero

    async def open(self) -> None:
        await self._silero.open()

    async def aclose(self) -> None:
        await self._silero.aclose()

    def open_stream(self, sink: ScoreSink) -> VADStream:
        def score(start: int, end: int, _: float) -> None:
            sink(start, end, 1.0 if start % len(CALLER) < SPOKEN else 0.0)

        return self._silero.open_stream(score)


async def clock() -> str:
    """Tell the time."""
    return "noon"


def answer(request: LLMRequest) -> Answer:
    """Call the tool, then answer with about two seconds of speech."""
    asks = type(request.messages[-1]).__name__ != "ToolMessage"
    return tool_call("clock") if asks else re.findall(r"\S+ ?", "It is noon, the sun is high. Good day.")


async def talk(vad: VAD, turns: int, telemetry: OpenTelemetry | None) -> None:
    """Hold a call of so many turns."""
    line = LoopbackTransport()
    session = VoiceSession(
        stt=ScriptedSTT(["what time is it"] * turns, interim=True),
        tts=ScriptedTTS(word_duration=0.22),
        vad=vad,
        agent=Agent(
            "Tell the time.", name="time", llm=ScriptedLLM(answer, usage=Usage(500, 20)), tools=[clock]
        ),
        transport=line,
        prices=Prices(stt_minute=0.006) if telemetry else None,
    )
    if telemetry is not None:
        telemetry.observe(session)
        SessionLog(session, content=True)
    async with session:
        for _ in range(turns):
            await line.play(CALLER)


async def export(telemetry: OpenTelemetry, turns: int) -> None:
    """Export as often as on real time."""
    providers = telemetry.providers
    assert providers is not None
    assert providers.tracers is not None
    for _ in range(15, 4 * turns + 1, 15):
        await asyncio.sleep(15)
        providers.tracers.force_flush()
        providers.meters.force_flush()


async def calls(vad: VAD, sessions: int, turns: int, telemetry: OpenTelemetry | None) -> float:
    """CPU seconds of so many calls at a time."""
    begin = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(talk(vad, turns, telemetry))
        if telemetry is not None:
            group.create_task(export(telemetry, turns))
    if telemetry is not None:
        await telemetry.aclose()
    return time.process_time() - begin


async def compare(url: str, sessions: int, turns: int, runs: int) -> list[tuple[float, float]]:
    """CPU seconds without and with telemetry, so many times."""
    from beluga_voice_silero.vad import SileroVAD

    pairs = []
    config = TelemetryConfig(exporter="otlp", endpoint=url, content=True, interval=3600)
    async with ScriptedSpeech(SileroVAD()) as vad:
        await calls(vad, 1, 2, open_telemetry(config))
        gc.collect()
        gc.freeze()
        for _ in range(runs):
            off = await calls(vad, sessions, turns, None)
            pairs.append((off, await calls(vad, sessions, turns, open_telemetry(config))))
    return pairs


def main() -> int:
    """Run the benchmark; exit 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description="CPU of telemetry per talking session.")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--sessions", type=int, default=16, help="calls at a time (default 16)")
    parser.add_argument("--turns", type=int, default=5, help="turns of each call (default 5)")
    parser.add_argument("--runs", type=int, default=5, help="calls with and without (default 5)")
    parser.add_argument("--tiny", action="store_true", help="one short call of each kind, and no goal")
    options = parser.parse_args()
    tiny = (1, 2, 1) if options.tiny else None
    sessions, turns, runs = tiny or (options.sessions, options.turns, options.runs)
    log, handler = logging.getLogger("beluga_voice"), Discard()
    handler.setFormatter(JsonFormatter())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    with collector() as url:
        pairs = run_virtual(compare(url, sessions, turns, runs))
    ratio = statistics.median(on / off for off, on in pairs)
    turn = [statistics.median(each) / turns / sessions * 1e3 for each in zip(*pairs, strict=True)]
    found = {
        "ms_per_turn_off": round(turn[0], 3),
        "ms_per_turn_on": round(turn[1], 3),
        "ratio": round(ratio, 3),
        "goal": GOAL,
        "goal_reached": ratio <= GOAL,
    }
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:16} {value}")
    return 0 if options.tiny or ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
