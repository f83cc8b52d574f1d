"""The SDK's providers, for a process whose host has none: where spans and metrics go, and how that ends."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.sdk.environment_variables import OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from beluga_voice._version import __version__
from beluga_voice.clock import working
from beluga_voice.errors import ClosedError, ConfigurationError
from beluga_voice.telemetry.config import TelemetryConfig
from beluga_voice.telemetry.making import Begin, Completed

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

logger = logging.getLogger("beluga_voice")

OTLP_TIMEOUT = 10.0
"""Seconds that one export may take (OpenTelemetry's default), unless less is left at the end."""

SCOPE = "beluga_voice"
"""The name under which instruments and spans are made."""

QUEUE = 8192
"""Spans that may wait; a quarter of them is sent before its time, and those beyond are lost."""

PROMETHEUS_PORT = 9464
"""Where OpenTelemetry's Prometheus exporters serve by default."""


class Providers:
    """What one container made of the SDK: nothing of it is global, and two containers share nothing.

    Attributes:
        tracers: makes tracers; None where spans go nowhere.
        meters: makes meters.
        begin: makes spans that are complete.
    """

    def __init__(self, config: TelemetryConfig) -> None:
        """Begin to export.

        Raises:
            ConfigurationError: the exporter is not installed, or its address cannot be had.
        """
        self._config = config
        self._closings: list[Callable[[], object]] = []
        self._registry: CollectorRegistry | None = None
        resource = _resource()
        self.tracers: TracerProvider | None = None
        self.begin: Begin | None = None
        exporter = self._span_exporter()
        if exporter is not None:
            self.tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
            batches = _batches(exporter, config.interval)
            self.tracers.add_span_processor(batches)
            scope = InstrumentationScope(SCOPE, __version__)
            ids, own = self.tracers.id_generator, self.tracers.resource
            self.begin = Completed(batches.on_end, ids, own, scope).begin
            self._closings.append(self.tracers.shutdown)
        # Exemplars would name the span that is current, and none is while a session runs.
        self.meters = MeterProvider(
            [self._reader()], resource, exemplar_filter=AlwaysOffExemplarFilter(), shutdown_on_exit=False
        )
        self._closings.append(self.meters.shutdown)

    # -- what exports --

    def _span_exporter(self) -> SpanExporter | None:
        if self._config.exporter == "console":
            return ConsoleSpanExporter(out=sys.stderr)
        if self._config.exporter == "otlp":
            try:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            except ImportError:
                raise _missing("otlp") from None
            return OTLPSpanExporter(endpoint=self._collector("traces"), timeout=self._timeout)
        return None

    def _reader(self) -> MetricReader:
        if self._config.exporter == "prometheus":
            return self._prometheus()
        exporter: MetricExporter = ConsoleMetricExporter(out=sys.stderr)
        if self._config.exporter == "otlp":
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

            exporter = OTLPMetricExporter(endpoint=self._collector("metrics"), timeout=self._timeout)
        return PeriodicExportingMetricReader(exporter, self._config.interval * 1000, self._timeout * 1000)

    @property
    def _timeout(self) -> float:
        return min(OTLP_TIMEOUT, self._config.close_deadline)

    def _collector(self, signal: str) -> str | None:
        """The URL for a signal; None leaves it to OpenTelemetry's own variables, and then to its default."""
        endpoint = self._config.endpoint.rstrip("/")
        return f"{endpoint}/v1/{signal}" if endpoint else None

    def _prometheus(self) -> MetricReader:
        try:
            from opentelemetry.exporter.prometheus import PrometheusMetricReader
            from prometheus_client import CollectorRegistry
        except ImportError:
            raise _missing("prometheus") from None
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
        if self._config.endpoint:
            self._serve(self._registry)
        return reader

    def _serve(self, registry: CollectorRegistry) -> None:
        from prometheus_client import start_http_server

        place = urlsplit(self._config.endpoint)
        port = PROMETHEUS_PORT if place.port is None else place.port
        try:
            server, thread = start_http_server(port, place.hostname or "127.0.0.1", registry)
        except OSError as error:
            raise ConfigurationError(
                f"telemetry.endpoint is {self._config.endpoint!r}, where metrics cannot be served: {error.strerror}"
            ) from error
        self.port: int = server.server_port
        self._closings += [server.shutdown, server.server_close, thread.join]

    def exposition(self) -> tuple[bytes, str]:
        """Return all metrics as Prometheus reads them, and the content type of that.

        Raises:
            ClosedError: the exporter is not ``prometheus``.
        """
        if self._registry is None:
            raise ClosedError('metrics are not kept for Prometheus. Try: telemetry.exporter = "prometheus"')
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    # -- the end --

    async def aclose(self) -> None:
        """Export what is left, within the deadline; what is not gone by then is given up. Idempotent."""
        closings, self._closings = self._closings, []
        if not closings:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def close() -> None:
            try:
                for closing in closings:
                    closing()
            except Exception:  # the boundary to an exporter
                logger.exception("telemetry could not be closed")
            finally:
                _settle(loop, done)

        # A thread of its own, which the interpreter's end does not wait for: the SDK joins threads that export.
        thread = threading.Thread(target=close, name="beluga-voice telemetry", daemon=True)
        thread.start()
        with working("telemetry"):
            await asyncio.wait([done], timeout=self._config.close_deadline)
        if done.done():
            thread.join()
        else:
            logger.warning(
                "telemetry was not exported within %g s, and is given up", self._config.close_deadline
            )


def _settle(loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
    try:
        loop.call_soon_threadsafe(_set, done)
    except RuntimeError:
        return  # the loop has ended, and nobody waits


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _batches(exporter: SpanExporter, interval: float) -> BatchSpanProcessor:
    """Send spans as seldom as metrics: each request costs as much as some fifty spans."""
    return BatchSpanProcessor(
        exporter,
        max_queue_size=QUEUE,
        schedule_delay_millis=interval * 1000,
        max_export_batch_size=QUEUE // 4,
    )


class _Resource(Resource):
    """A resource whose hash is taken once: exporters ask for it with each span, and the SDK writes JSON for it."""

    def __init__(self, made: Resource) -> None:
        super().__init__(dict(made.attributes), made.schema_url)
        self._hashed = super().__hash__()

    def __hash__(self) -> int:
        return self._hashed

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


def _resource() -> Resource:
    """Who tells: `beluga-voice`, unless OpenTelemetry's variables name the service."""
    attributes = {"telemetry.distro.name": "beluga-voice", "telemetry.distro.version": __version__}
    named = os.environ.get(OTEL_SERVICE_NAME) or SERVICE_NAME in os.environ.get(OTEL_RESOURCE_ATTRIBUTES, "")
    return _Resource(Resource.create(attributes if named else {**attributes, SERVICE_NAME: "beluga-voice"}))


def _missing(exporter: str) -> ConfigurationError:
    return ConfigurationError(
        f"telemetry.exporter is {exporter!r}, and what it needs is not installed. "
        f'Try: pip install "beluga-voice[{exporter}]"'
    )
