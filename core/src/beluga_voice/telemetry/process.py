"""The process's own recorder: set once, nothing until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.telemetry.recorder import MetricsRecorder, NoMetrics

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

_NOTHING = NoMetrics()


class _Process:
    """What `init_metrics` set."""

    metrics: MetricsRecorder | None = None
    tracer: Tracer | None = None


def init_metrics(meter: Meter, tracer: Tracer | None = None) -> MetricsRecorder:
    """Record all sessions of this process on the instruments of `meter`, and their spans by `tracer`.

    The first call decides; a later one changes nothing.

    Args:
        meter: makes the instruments.
        tracer: makes the spans; none are made without it.

    Returns:
        The process's recorder, which the first call made.
    """
    if _Process.metrics is None:
        from beluga_voice.telemetry.instruments import Metrics

        _Process.metrics, _Process.tracer = Metrics(meter), tracer
    return _Process.metrics


def get_metrics() -> MetricsRecorder:
    """Return the process's recorder; until `init_metrics` one that does nothing."""
    return _NOTHING if _Process.metrics is None else _Process.metrics


def get_tracer() -> Tracer | None:
    """Return what makes the process's spans, if `init_metrics` was given it."""
    return _Process.tracer
