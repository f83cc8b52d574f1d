"""Where telemetry goes: the console, a collector, Prometheus, the host's own providers, or nowhere."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace

from beluga_voice.container import VoiceContainer
from beluga_voice.errors import ClosedError, ConfigurationError
from beluga_voice.session import VoiceSession
from beluga_voice.settings import Settings, show
from beluga_voice.telemetry import opening, process
from beluga_voice.telemetry.instruments import INSTRUMENTS
from beluga_voice.testing import ScriptedAgent, ScriptedSTT, ScriptedTTS


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@asynccontextmanager
async def opened(**telemetry: object) -> AsyncIterator[VoiceContainer]:
    """A container whose providers are fakes."""
    voice = VoiceContainer(Settings(vad="none", telemetry=telemetry, prices={"stt_minute": 1.0}))
    with voice.stt.override(ScriptedSTT()), voice.tts.override(ScriptedTTS()):
        async with voice.lifespan():
            yield voice


async def talk(voice: VoiceContainer) -> VoiceSession:
    """Hold a conversation by text."""
    async with voice.get_sessions().open(
        ScriptedAgent(["Hello."], otherwise="Bye."), session_id="s-1"
    ) as session:
        session.send_text("hello")
        await asyncio.sleep(2)
    return session


class Collector(ThreadingHTTPServer):
    """Takes what is sent to it by OTLP over HTTP.

    Attributes:
        received: each body with the path that it was posted to.
        silent: whether it never answers.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, bytes]] = []
        self.silent = threading.Event()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.silent.is_set():
            self.server.released.wait(20)
            return
        assert self.headers["Content-Type"] == "application/x-protobuf"
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


async def test_a_collector_gets_the_spans_and_metrics_of_a_call(collector: Collector) -> None:
    traces = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    measures = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    before = set(threading.enumerate())
    async with opened(exporter="otlp", endpoint=f"{collector.url}/") as voice:
        await talk(voice)
    spans: set[str] = set()
    names: set[str] = set()
    for path, body in collector.received:
        if path == "/v1/traces":
            (resource,) = traces.ExportTraceServiceRequest.FromString(body).resource_spans
            spans |= {span.name for span in resource.scope_spans[0].spans}
            told = {each.key: each.value.string_value for each in resource.resource.attributes}
            assert told["service.name"] == "beluga-voice"
        else:
            assert path == "/v1/metrics"
            request = measures.ExportMetricsServiceRequest.FromString(body)
            names |= {m.name for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics}
    assert {"beluga.voice.session", "beluga.voice.turn", "beluga.voice.speaking"} <= spans
    assert {"session.started.total", "session.duration", "beluga.voice.turn.silence"} <= names
    assert names <= {instrument.name for instrument in INSTRUMENTS}
    left = {
        thread.name for thread in set(threading.enumerate()) - before if "process_request" not in thread.name
    }
    assert not left


@pytest.mark.real_time
async def test_a_collector_that_never_answers_holds_up_nothing(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    collector.silent.set()
    loop = asyncio.get_running_loop()
    async with opened(exporter="otlp", endpoint=collector.url, close_deadline=0.2) as voice:
        async with voice.get_sessions().open(ScriptedAgent()):
            pass
        begin = loop.time()
    assert loop.time() - begin < 1.5
    assert "given up" in caplog.text


async def test_the_console_shows_spans_and_metrics_beside_the_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with opened(exporter="console") as voice:
        await talk(voice)
    shown = capsys.readouterr()
    assert not shown.out
    assert '"name": "beluga.voice.turn"' in shown.err
    assert "session.started.total" in shown.err


async def test_prometheus_reads_every_sample(tmp_path: Path) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    async with opened(exporter="prometheus") as voice:
        await talk(voice)
        text, content_type = voice.exposition()
        two = VoiceContainer(voice.settings)
        with pytest.raises(ClosedError, match="telemetry"):
            two.exposition()
    assert content_type.startswith("text/plain")
    families = {family.name: family for family in parser.text_string_to_metric_families(text.decode())}
    assert [sample.value for sample in families["session_started"].samples] == [1]
    silence = {s.name: s.value for s in families["beluga_voice_turn_silence_seconds"].samples if not s.labels}
    assert silence["beluga_voice_turn_silence_seconds_count"] == 1
    bounds = {s.labels.get("le") for s in families["beluga_voice_turn_silence_seconds"].samples}
    assert {"0.1", "0.5", "+Inf"} <= bounds
    with pytest.raises(ClosedError):
        voice.exposition()


@pytest.mark.real_time
async def test_prometheus_is_served_where_the_settings_say() -> None:
    pytest.importorskip("prometheus_client")
    before = set(threading.enumerate())
    async with opened(exporter="prometheus", endpoint="http://127.0.0.1:0") as voice:
        providers = voice._telemetry.providers if voice._telemetry is not None else None
        assert providers is not None
        async with voice.get_sessions().open(ScriptedAgent()):
            url = f"http://127.0.0.1:{providers.port}/metrics"
            text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
        assert "session_active" in text
        with pytest.raises(ConfigurationError, match="cannot be served"):
            async with opened(exporter="prometheus", endpoint=f"http://127.0.0.1:{providers.port}"):
                pass
    assert not [t for t in set(threading.enumerate()) - before if "asyncio" not in t.name]


@pytest.mark.parametrize("exporter", ["otlp", "prometheus"])
async def test_an_exporter_that_is_not_installed_is_named(
    exporter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry.exporter.prometheus",
    ):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=rf'pip install "beluga-voice\[{exporter}\]"'):
        async with opened(exporter=exporter):
            pass


async def test_the_host_s_providers_are_used_and_none_are_made(
    watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = watch()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: host.tracers)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: host.meters)
    monkeypatch.setattr(metrics, "get_meter", host.meters.get_meter)
    async with opened(exporter="otlp", endpoint="http://127.0.0.1:9") as voice:
        assert voice._telemetry is not None
        assert voice._telemetry.providers is None
        await talk(voice)
    assert "beluga.voice.turn" in host.spans()
    assert host.points("session.started.total")


async def test_what_the_process_was_given_stands_first(watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    host = watch()
    monkeypatch.setattr(process._Process, "metrics", None)
    monkeypatch.setattr(process._Process, "tracer", None)
    process.init_metrics(host.meters.get_meter("host"))
    async with opened() as voice:
        await talk(voice)
    assert [point.value for point in host.points("session.stopped.total")] == [1]
    assert not host.spans()


@pytest.mark.parametrize(("value", "captured"), [("true", True), ("SPAN_ONLY", True), ("false", False)])
async def test_opentelemetry_s_switch_lets_content_in(
    value: str, captured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(opening.CAPTURE, value)
    async with opened(exporter="console") as voice:
        await talk(voice)
    assert ("Hello." in capsys.readouterr().err) is captured


def test_without_an_exporter_nothing_is_loaded_and_nobody_contacted() -> None:
    program = (
        "import asyncio, sys\n"
        "from beluga_voice.container import VoiceContainer\n"
        "from beluga_voice.settings import Settings\n"
        "voice = VoiceContainer(Settings(stt=None, tts=None, vad=None))\n"
        "async def main():\n"
        "    async with voice.lifespan():\n"
        "        pass\n"
        "asyncio.run(main())\n"
        "ours = {name for name in sys.modules if name.startswith('beluga_voice.telemetry.')}\n"
        "assert not ours & {f'beluga_voice.telemetry.{each}' for each in ('observer', 'providers')}, ours\n"
        "assert not {'opentelemetry.sdk', 'requests'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"exporter": "statsd"}, "exporter"),
        ({"endpoint": "localhost"}, "endpoint"),
        ({"interval": 0}, "interval"),
    ],
)
def test_a_wrong_setting_is_named(setting: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"telemetry\.{told}"):
        Settings(telemetry=setting)


def test_a_password_in_the_endpoint_is_not_shown() -> None:
    settings = Settings(telemetry={"endpoint": "https://me:secret@collector.example:4318"})
    voice = VoiceContainer(settings)
    shown = json.dumps([[each.key, each.value] for each in show(settings, voice.plugins)])
    assert "collector.example" in shown
    assert "secret" not in shown
