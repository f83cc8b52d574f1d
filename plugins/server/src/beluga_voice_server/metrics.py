"""The server's own figures, in Prometheus's text format."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from beluga_voice.errors import ClosedError

if TYPE_CHECKING:
    from beluga_voice_server.server import Server

PREFIX = "beluga_voice_server_"


def exposition(server: Server) -> str:
    """Return the figures as text (Prometheus exposition format 0.0.4).

    Those of the sessions follow, where the setting ``telemetry.exporter`` is ``prometheus``.
    """
    admission = server.admission
    lines: list[str] = []

    def add(name: str, kind: str, meaning: str, *values: tuple[str, float]) -> None:
        lines.extend([f"# HELP {PREFIX}{name} {meaning}", f"# TYPE {PREFIX}{name} {kind}"])
        lines.extend(f"{PREFIX}{name}{labels} {value:g}" for labels, value in values)

    add("sessions", "gauge", "Sessions that go on.", ("", admission.sessions))
    add("sessions_started_total", "counter", "Sessions that were begun.", ("", server.started))
    add("connections_resumed_total", "counter", "Connections that came back.", ("", server.resumed))
    add("loop_lag_seconds", "gauge", "Lag of the event loop, peaks fading.", ("", server.lag.seconds))
    add("draining", "gauge", "Whether the server is being stopped.", ("", float(admission.draining)))
    refused = [(f'{{code="{code}"}}', float(count)) for code, count in sorted(admission.refused.items())]
    add("refused_total", "counter", "Callers that were refused.", *refused)
    with suppress(ClosedError):  # telemetry goes elsewhere, or nowhere
        lines.append(server.voice.exposition()[0].decode().rstrip())
    return "\n".join(lines) + "\n"
