"""Whether there is telemetry at all, and whose: the process's, the host's, or the settings'."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from beluga_voice._version import __version__
from beluga_voice.session import VoiceSession
from beluga_voice.telemetry.config import TelemetryConfig
from beluga_voice.telemetry.process import get_metrics, get_tracer
from beluga_voice.telemetry.recorder import NoMetrics

if TYPE_CHECKING:
    from beluga_voice.telemetry.observer import Telemetry
    from beluga_voice.telemetry.providers import Providers

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""OpenTelemetry's switch for what was said."""

CAPTURES = {"true", "1", "span_only", "span_and_event"}

SCOPE = "beluga_voice"
"""The name under which instruments and spans are made."""


class OpenTelemetry:
    """The telemetry of one container, until it is closed.

    Attributes:
        providers: what exports; None where the host does.
    """

    def __init__(self, telemetry: Telemetry, providers: Providers | None) -> None:
        self._telemetry = telemetry
        self.providers = providers

    def observe(self, session: VoiceSession) -> None:
        """Watch a session from now on."""
        self._telemetry.observe(session)

    async def aclose(self) -> None:
        """Export what is left, within the deadline of the settings. Idempotent."""
        if self.providers is not None:
            await self.providers.aclose()


def open_telemetry(config: TelemetryConfig) -> OpenTelemetry | None:
    """Begin telemetry as the process, its host or `config` want it.

    What `init_metrics` was given stands first; then the providers that the host has set with OpenTelemetry; then
    those that `config` asks for, which are made here. With none of them nothing is loaded, and nothing contacted.

    Raises:
        ConfigurationError: the exporter of `config` is not installed, or its address cannot be had.
    """
    content = config.content or os.environ.get(CAPTURE, "").strip().lower() in CAPTURES
    if not isinstance(get_metrics(), NoMetrics):
        from beluga_voice.telemetry.observer import Telemetry

        return OpenTelemetry(Telemetry(get_metrics(), get_tracer(), content=content), None)
    traced, metered = _host_has("opentelemetry.trace"), _host_has("opentelemetry.metrics")
    if config.exporter == "none" and not traced and not metered:
        return None
    return _open(config, content, traced=traced, metered=metered)


def _open(config: TelemetryConfig, content: bool, *, traced: bool, metered: bool) -> OpenTelemetry:
    from opentelemetry import metrics, trace

    from beluga_voice.telemetry.instruments import Metrics
    from beluga_voice.telemetry.observer import Telemetry
    from beluga_voice.telemetry.providers import Providers

    providers = None if config.exporter == "none" or (traced and metered) else Providers(config)
    tracer, recorder, begin = None, None, None
    if traced:
        tracer = trace.get_tracer(SCOPE, __version__)
    elif providers is not None and providers.tracers is not None:
        tracer, begin = providers.tracers.get_tracer(SCOPE, __version__), providers.begin
    if metered:
        recorder = Metrics(metrics.get_meter(SCOPE, __version__))
    elif providers is not None:
        recorder = Metrics(providers.meters.get_meter(SCOPE, __version__))
    return OpenTelemetry(Telemetry(recorder, tracer, content=content, begin=begin), providers)


def _host_has(module: str) -> bool:
    """Whether the host has set a provider; it must have loaded OpenTelemetry for that."""
    api = sys.modules.get(module)
    if api is None:
        return False
    name = "get_tracer_provider" if module.endswith("trace") else "get_meter_provider"
    get: Callable[[], object] = getattr(api, name)
    return "Proxy" not in type(get()).__name__
