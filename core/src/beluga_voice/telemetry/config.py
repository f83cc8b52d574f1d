"""What telemetry is told: where it goes, and whether it holds what was said."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal, get_args
from urllib.parse import urlsplit

from beluga_voice.errors import ConfigurationError
from beluga_voice.turns.policy import bounded, check_bounds, check_choice

Exporter = Literal["none", "console", "otlp", "prometheus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """Settings of a process's telemetry. Durations are seconds; bounds are inclusive.

    Raises:
        ConfigurationError: a value is out of bounds, or none of those that there are.
    """

    exporter: Exporter = field(
        default="none",
        metadata={"meaning": "where spans and metrics go; `prometheus` takes metrics alone"},
    )
    endpoint: str = field(
        default="",
        metadata={
            "meaning": "URL of the OTLP/HTTP collector, http://localhost:4318 if empty; with `prometheus` where "
            "metrics are served, if not by the host"
        },
    )
    content: bool = field(
        default=False,
        metadata={"meaning": "whether spans and logs hold what was said, marked as personal data"},
    )
    interval: float = bounded(15, 0.1, 3600, "between two exports, of spans and of metrics")
    close_deadline: float = bounded(5, 0.05, 60, "that the last export may take, then it is given up")

    def __post_init__(self) -> None:
        """Hold the bounds."""
        for spec in fields(self):
            if "low" in spec.metadata:
                check_bounds(spec.name, getattr(self, spec.name), spec.metadata["low"], spec.metadata["high"])
        check_choice("exporter", self.exporter, get_args(Exporter))
        if self.endpoint and urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise ConfigurationError(
                f"endpoint is {self.endpoint!r}; it must be a URL, as in 'http://127.0.0.1:4318'"
            )
