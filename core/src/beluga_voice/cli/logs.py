"""What the commands log to standard error, and how."""

from __future__ import annotations

import logging

import click

LEVELS = ("debug", "info", "warning", "error")


class _ToStandardError(logging.Handler):
    """Writes to the standard error of the moment: click's tests put another one in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        click.echo(self.format(record), err=True)


def log_to_stderr(log_format: str | None, level: str | None) -> None:
    """Log from now on as the command line asks; without either, as Python does by itself.

    Args:
        log_format: ``text`` or ``json``, which is one object a line.
        level: the least that is logged; ``info`` if only the format is given.
    """
    if log_format is None and level is None:
        return
    handler = _ToStandardError()
    if log_format == "json":
        from beluga_voice.telemetry.logs import JsonFormatter

        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("beluga_voice")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel((level or "info").upper())
