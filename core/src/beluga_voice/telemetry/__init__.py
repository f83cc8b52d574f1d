"""Telemetry: metrics, spans and structured logs of sessions, by OpenTelemetry; it observes, and changes nothing.

What is named here is loaded when it is asked for: settings need `TelemetryConfig`, and who turns telemetry off
never loads OpenTelemetry.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beluga_voice.telemetry.config import TelemetryConfig
    from beluga_voice.telemetry.instruments import Metrics
    from beluga_voice.telemetry.logs import JsonFormatter, SessionLog
    from beluga_voice.telemetry.observer import Telemetry
    from beluga_voice.telemetry.opening import open_telemetry
    from beluga_voice.telemetry.process import get_metrics, init_metrics
    from beluga_voice.telemetry.recorder import MetricsRecorder, NoMetrics

__all__ = [
    "JsonFormatter",
    "Metrics",
    "MetricsRecorder",
    "NoMetrics",
    "SessionLog",
    "Telemetry",
    "TelemetryConfig",
    "get_metrics",
    "init_metrics",
    "open_telemetry",
]

_HOMES = {
    "JsonFormatter": "logs",
    "Metrics": "instruments",
    "MetricsRecorder": "recorder",
    "NoMetrics": "recorder",
    "SessionLog": "logs",
    "Telemetry": "observer",
    "TelemetryConfig": "config",
    "get_metrics": "process",
    "init_metrics": "process",
    "open_telemetry": "opening",
}


def __getattr__(name: str) -> object:
    """Load a name's module."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"beluga_voice.telemetry.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
